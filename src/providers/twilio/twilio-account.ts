import { refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { HttpClient, type HttpReply } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import type { ProviderCall } from '../../delivery/provider.js';
import { Secret } from '../provider-kit/secret.js';
import { TWILIO_OPTIONS, type TwilioOptions } from './twilio-options.js';

/** Shared by the vendor's adapters: account, key and HTTP client. */
export class TwilioAccount {
  readonly sid: string;
  readonly developmentOnly: boolean;
  readonly #basic: { user: string; password: Secret };
  readonly #http: HttpClient;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(provider: string, options: TwilioOptions, baseUrl: string) {
    refuseUnknownOptions(options, TWILIO_OPTIONS);
    this.sid = sidOption('accountSid', options?.accountSid, 'AC');
    const user = options.apiKeySid === undefined ? this.sid : sidOption('apiKeySid', options.apiKeySid, 'SK');
    this.#basic = { user, password: Secret.key(options.secret, 'secret') };
    this.#http = new HttpClient(provider, { ...options, baseUrl: options.baseUrl ?? baseUrl });
    this.developmentOnly = options.testMode === true;
  }

  /** Posts a form. It conceals `body`, because the response repeats the text with the code. */
  post<R extends { readonly outcome: string }>(
    path: string,
    urlencoded: HttpFields,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    return this.#http.exchange({ path, basic: this.#basic, urlencoded, conceal: ['body'] }, call, interpret);
  }
}

/** Whether a value is a SID, the vendor's id: two letters for the kind and 32 hexadecimal digits. */
export function isSid(value: unknown, ...kinds: readonly string[]): value is string {
  return typeof value === 'string' && /^[A-Z]{2}[0-9a-f]{32}$/.test(value) && kinds.includes(value.slice(0, 2));
}

export function sidOption(option: string, sid: string, kind: string): string {
  if (isSid(sid, kind)) return sid;
  throw new OtpConfigError(
    `"${option}" must be "${kind}" followed by 32 hexadecimal digits: copy it from the vendor's console.`,
  );
}
