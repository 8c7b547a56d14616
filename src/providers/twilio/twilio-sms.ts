import { OtpConfigError } from '../../errors/otp.error.js';
import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  type OutgoingMessage,
  type ProviderCall,
  type ProviderCapabilities,
  type SendReceipt,
} from '../../delivery/provider.js';
import { sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { sidOption, TwilioAccount } from './twilio-account.js';
import { readMessage, readRefusedSend } from './twilio-answer.js';
import type { TwilioSmsOptions } from './twilio-options.js';

/**
 * Twilio Messaging: this module generates and checks the code; the vendor delivers the text.
 * Contract: {@link https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource}
 *
 * @example
 * new TwilioSms({ accountSid: process.env.TWILIO_ACCOUNT_SID!, secret: process.env.TWILIO_SECRET!, from: '+15017122661' })
 */
export class TwilioSms implements DeliveryProvider {
  readonly name = 'twilio-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;

  readonly #account: TwilioAccount;
  readonly #sender: { From: string } | { MessagingServiceSid: string };

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TwilioSmsOptions) {
    this.#account = new TwilioAccount(this.name, options, 'https://api.twilio.com');
    this.#sender = senderOption(options);
    this.capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: this.#account.developmentOnly };
  }

  /** The vendor sets the price later, so receipts do not include it. */
  async send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const path = `/2010-04-01/Accounts/${this.#account.sid}/Messages.json`;
    const interpret = sendReceipt((answer) => readMessage(answer, phone), readRefusedSend);
    return this.#account.post(path, { To: phone, ...this.#sender, Body: new Secret(text) }, call, interpret);
  }
}

function senderOption({ from, messagingServiceSid }: TwilioSmsOptions) {
  if (from !== undefined && messagingServiceSid !== undefined) {
    throw new OtpConfigError('"from" and "messagingServiceSid" exclude each other: set only one.');
  }
  if (messagingServiceSid !== undefined) {
    return { MessagingServiceSid: sidOption('messagingServiceSid', messagingServiceSid, 'MG') };
  }
  if (typeof from === 'string' && /^(\+\d{7,15}|\d{3,8}|(?=.*[A-Za-z])[\x20-\x7e]{1,11})$/.test(from)) {
    return { From: from };
  }
  throw new OtpConfigError(
    '"from" must be a number of the account in E.164, a short code, or a name of 1 to 11 ASCII characters with a letter.',
  );
}
