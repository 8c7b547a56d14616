import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { requiredText } from '../provider-kit/adapter-options.js';
import { HTTP_CLIENT_OPTIONS, HttpClient, type HttpClientOptions } from '../provider-kit/http-client.js';
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
import { readMessage, readRefusedMessage } from './taqnyat-answer.js';

/** Options of {@link TaqnyatSms}. */
export interface TaqnyatSmsOptions extends HttpClientOptions {
  /** The application's "Bearer Token" from the vendor's portal. */
  apiKey: string;
  /** An active sender name of the account. */
  sender: string;
}

const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  sender: true,
} satisfies OptionNames<TaqnyatSmsOptions>;

/**
 * Taqnyat SMS (Saudi Arabia): this module generates and checks the code; the vendor delivers the text.
 * Contract: {@link https://dev.taqnyat.sa/en/doc/sms/}
 *
 * @example new TaqnyatSms({ apiKey: process.env.TAQNYAT_API_KEY!, sender: 'Acme' })
 */
export class TaqnyatSms implements DeliveryProvider {
  readonly name = 'taqnyat-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;

  readonly #apiKey: Secret;
  readonly #http: HttpClient;
  readonly #sender: string;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TaqnyatSmsOptions) {
    refuseUnknownOptions(options, OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://api.taqnyat.sa' });
    this.#sender = requiredText('sender', options.sender, 15);
    this.capabilities = {
      ...DELIVERY_CAPABILITIES,
      reportsCost: true,
      developmentOnly: options.testMode === true,
    };
  }

  async send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const number = phone.replace('+', '');
    const json = { recipients: [number], body: new Secret(text), sender: this.#sender };
    const interpret = sendReceipt((answer) => readMessage(answer, number), readRefusedMessage);
    return this.#http.exchange({ path: '/v1/messages', bearer: this.#apiKey, json }, call, interpret);
  }
}
