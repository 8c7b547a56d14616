import { refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { requiredText } from '../provider-kit/adapter-options.js';
import { HttpClient, type HttpReply } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import type { ProviderCall, VendorReference } from '../../delivery/provider.js';
import { Secret } from '../provider-kit/secret.js';
import { type NinetyNineDelivery, readDelivery } from './ninety-nine-answer.js';
import { NINETY_NINE_OPTIONS, type NinetyNineOptions } from './ninety-nine-options.js';

/** A message by its phone, and by the `reference` of the receipt for it. */
export type NinetyNineMessage = Pick<VendorReference, 'phone' | 'reference'>;

/** What the adapters have in common: key, sender, and the way to the vendor. */
export class NinetyNineAccount {
  readonly sender: string;
  readonly developmentOnly: boolean;
  readonly #apiKey: Secret;
  readonly #http: HttpClient;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(provider: string, options: NinetyNineOptions) {
    refuseUnknownOptions(options, NINETY_NINE_OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(provider, { ...options, baseUrl: options.baseUrl ?? 'https://api.99digital.co.il' });
    this.sender = senderOption(options.sender);
    this.developmentOnly = options.testMode === true;
  }

  /** Posts form data, which is the only form the vendor takes. */
  post<R extends { readonly outcome: string }>(
    path: string,
    fields: HttpFields,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    // The answer to a text repeats it, with the code in it.
    return this.#http.exchange({ path, form: { apiKey: this.#apiKey, ...fields }, conceal: ['text'] }, call, interpret);
  }

  /** The vendor keeps for a week what it knows of a message. */
  async deliveryStatus({ phone, reference }: NinetyNineMessage, call: ProviderCall): Promise<NinetyNineDelivery> {
    const number = localNumber(phone);
    if (number === undefined || reference === undefined) return { outcome: 'unknown' };
    return this.post('/sms/deliveryStatus', { unique: reference }, call, (reply) =>
      reply.kind === 'answer' ? readDelivery(reply, number) : { outcome: 'unknown' },
    );
  }
}

/** A mobile number as the vendor writes it, such as `0502345678`; it serves no other numbers. */
export function localNumber(phone: string): string | undefined {
  const [, national] = /^\+972(5\d{8})$/.exec(phone) ?? [];
  return national && `0${national}`;
}

function senderOption(sender: string): string {
  requiredText('sender', sender, 11);
  if (!sender.startsWith('+')) return sender;
  throw new OtpConfigError('"sender" must be a name, or a number as it is dialled within Israel, without "+972".');
}
