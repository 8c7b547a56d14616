import { refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { requiredText } from '../provider-kit/adapter-options.js';
import { HttpClient, type HttpReply } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import type { ProviderCall, VendorReference } from '../../delivery/provider.js';
import { Secret } from '../provider-kit/secret.js';
import { type NinetyNineDelivery, readDelivery } from './ninety-nine-answer.js';
import { NINETY_NINE_OPTIONS, type NinetyNineOptions } from './ninety-nine-options.js';

/** Identifies a message by its phone number and the `reference` of its receipt. */
export type NinetyNineMessage = Pick<VendorReference, 'phone' | 'reference'>;

/** Shared by the vendor's adapters: key, sender and HTTP client. */
export class NinetyNineAccount {
  readonly sender: string;
  readonly developmentOnly: boolean;
  readonly #apiKey: Secret;
  readonly #http: HttpClient;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(provider: string, options: NinetyNineOptions) {
    refuseUnknownOptions(options, NINETY_NINE_OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(provider, { ...options, baseUrl: options.baseUrl ?? 'https://api.99digital.co.il' });
    this.sender = senderOption(options.sender);
    this.developmentOnly = options.testMode === true;
  }

  /** Posts form data, the only format that the vendor accepts. */
  post<R extends { readonly outcome: string }>(
    path: string,
    fields: HttpFields,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    // The response to a text repeats it, including the code.
    return this.#http.exchange({ path, form: { apiKey: this.#apiKey, ...fields }, conceal: ['text'] }, call, interpret);
  }

  /** Delivery status of a message. The vendor keeps it for a week. */
  async deliveryStatus({ phone, reference }: NinetyNineMessage, call: ProviderCall): Promise<NinetyNineDelivery> {
    const number = localNumber(phone);
    if (number === undefined || reference === undefined) return { outcome: 'unknown' };
    return this.post('/sms/deliveryStatus', { unique: reference }, call, (reply) =>
      reply.kind === 'answer' ? readDelivery(reply, number) : { outcome: 'unknown' },
    );
  }
}

/** An Israeli mobile number in the vendor's format, such as `0502345678`; `undefined` for other numbers, which the vendor does not serve. */
export function localNumber(phone: string): string | undefined {
  const [, national] = /^\+972(5\d{8})$/.exec(phone) ?? [];
  return national && `0${national}`;
}

function senderOption(sender: string): string {
  requiredText('sender', sender, 11);
  if (!sender.startsWith('+')) return sender;
  throw new OtpConfigError('"sender" must be a name, or a number in Israeli national format, without "+972".');
}
