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
import { digitsOf, senderFields, TermiiAccount } from './termii-account.js';
import { readSentText } from './termii-answer.js';
import type { TermiiSmsOptions } from './termii-options.js';

/**
 * Termii Messaging (Nigeria and beyond): the vendor delivers a text; the code comes from this module or another adapter.
 * Contract: {@link https://developers.termii.com/messaging-api}
 *
 * @example
 * new TermiiSms({ apiKey: process.env.TERMII_API_KEY!, baseUrl: 'https://api.ng.termii.com', sender: 'Acme' })
 */
export class TermiiSms implements DeliveryProvider {
  readonly name = 'termii-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;

  readonly #account: TermiiAccount;
  readonly #sender: ReturnType<typeof senderFields>;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TermiiSmsOptions) {
    this.#account = new TermiiAccount(this.name, options);
    this.#sender = senderFields(options);
    this.capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: this.#account.developmentOnly };
  }

  async send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const fields = { to: digitsOf(phone), ...this.#sender, type: 'plain', sms: new Secret(text) };
    return this.#account.post('/api/sms/send', fields, call, sendReceipt(readSentText));
  }
}
