import { refuseUnknownOptions } from '../../config/option-names.js';
import { textOption } from '../provider-kit/adapter-options.js';
import { HttpClient } from '../provider-kit/http-client.js';
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
import { readRefusedText, readText } from './unifonic-answer.js';
import { UNIFONIC_OPTIONS, type UnifonicSmsOptions } from './unifonic-options.js';

/**
 * Unifonic SMS (Saudi Arabia and beyond): this module generates and checks the code; the vendor delivers the text.
 * Contract: {@link https://docs.unifonic.com/v1/docs/sending-your-first-sms-via-unifonic-api}
 *
 * @example new UnifonicSms({ appSid: process.env.UNIFONIC_APP_SID!, sender: 'Acme' })
 */
export class UnifonicSms implements DeliveryProvider {
  readonly name = 'unifonic-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;

  readonly #appSid: Secret;
  readonly #http: HttpClient;
  readonly #sender: string | undefined;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: UnifonicSmsOptions) {
    refuseUnknownOptions(options, UNIFONIC_OPTIONS);
    this.#appSid = Secret.key(options?.appSid, 'appSid');
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://el.cloud.unifonic.com' });
    this.#sender = textOption('sender', options.sender, 16);
    this.capabilities = { ...DELIVERY_CAPABILITIES, reportsCost: true, developmentOnly: options.testMode === true };
  }

  async send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const number = phone.replace('+', '');
    const urlencoded = {
      AppSid: this.#appSid,
      ...(this.#sender !== undefined && { SenderID: this.#sender }),
      Recipient: number,
      Body: new Secret(text),
      responseType: 'JSON',
    };
    const request = { path: '/rest/SMS/messages', headers: { accept: 'application/json' }, urlencoded };
    return this.#http.exchange(
      request,
      call,
      sendReceipt((answer) => readText(answer, number), readRefusedText),
    );
  }
}
