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
import { localNumber, NinetyNineAccount, type NinetyNineMessage } from './ninety-nine-account.js';
import { type NinetyNineDelivery, readSend } from './ninety-nine-answer.js';
import type { NinetyNineSmsOptions } from './ninety-nine-options.js';

/**
 * 99 Digital SMS (Israel): this module generates and checks the code; the vendor delivers the text.
 * Contract: {@link https://docs.99digital.co.il/sms-api/send-sms}
 *
 * The vendor serves only Israeli mobile numbers; others are refused without a call.
 *
 * @example new NinetyNineSms({ apiKey: process.env.NINETY_NINE_API_KEY!, sender: 'Acme' })
 */
export class NinetyNineSms implements DeliveryProvider {
  readonly name = 'ninety-nine-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;

  readonly #account: NinetyNineAccount;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: NinetyNineSmsOptions) {
    this.#account = new NinetyNineAccount(this.name, options);
    this.capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: this.#account.developmentOnly };
  }

  async send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const to = localNumber(phone);
    if (to === undefined) return { outcome: 'invalid_number' };
    const fields = { from: this.#account.sender, to, text: new Secret(text) };
    return this.#account.post('/sms/sendMessage', fields, call, sendReceipt(readSend));
  }

  /** Asks for the delivery status of a message. Contract: {@link https://docs.99digital.co.il/sms-api/delivery-status} */
  deliveryStatus(message: NinetyNineMessage, call: ProviderCall): Promise<NinetyNineDelivery> {
    return this.#account.deliveryStatus(message, call);
  }
}
