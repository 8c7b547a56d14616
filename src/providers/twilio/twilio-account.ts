import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { HTTP_CLIENT_OPTIONS, HttpClient, type HttpClientOptions, type HttpReply } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import type { ProviderCall } from '../../delivery/provider.js';
import { Secret } from '../provider-kit/secret.js';
import type { TwilioSmsOptions } from './twilio-sms.js';
import type { TwilioVerifyOptions } from './twilio-verify.js';

/** Settings that both adapters of the vendor have. */
export interface TwilioOptions extends HttpClientOptions {
  /** The account's SID, `AC…`. */
  accountSid: string;
  /** SID of an API key, `SK…`, which can be revoked alone. @defaultValue the account's own SID, with its auth token */
  apiKeySid?: string;
  /** The secret of the API key, or the account's auth token. */
  secret: string;
}

/** Of all adapters of the vendor: one account's settings may be given to each of them. */
const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  accountSid: true,
  apiKeySid: true,
  secret: true,
  from: true,
  messagingServiceSid: true,
  serviceSid: true,
  codeLength: true,
  ttlSeconds: true,
} satisfies OptionNames<TwilioSmsOptions & TwilioVerifyOptions>;

/** What the adapters have in common: account, key, and the way to the vendor. */
export class TwilioAccount {
  readonly sid: string;
  readonly developmentOnly: boolean;
  readonly #basic: { user: string; password: Secret };
  readonly #http: HttpClient;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(provider: string, options: TwilioOptions, baseUrl: string) {
    refuseUnknownOptions(options, OPTIONS);
    this.sid = sidOption('accountSid', options?.accountSid, 'AC');
    const user = options.apiKeySid === undefined ? this.sid : sidOption('apiKeySid', options.apiKeySid, 'SK');
    this.#basic = { user, password: Secret.key(options.secret, 'secret') };
    this.#http = new HttpClient(provider, { ...options, baseUrl: options.baseUrl ?? baseUrl });
    this.developmentOnly = options.testMode === true;
  }

  /** Posts a form. The answer to a message repeats its text, with the code in it. */
  post<R extends { readonly outcome: string }>(
    path: string,
    urlencoded: HttpFields,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    return this.#http.exchange({ path, basic: this.#basic, urlencoded, conceal: ['body'] }, call, interpret);
  }
}

/** What the vendor calls things by: two letters for the kind, and 32 hexadecimal digits. */
export function isSid(value: unknown, ...kinds: readonly string[]): value is string {
  return typeof value === 'string' && /^[A-Z]{2}[0-9a-f]{32}$/.test(value) && kinds.includes(value.slice(0, 2));
}

export function sidOption(option: string, sid: string, kind: string): string {
  if (isSid(sid, kind)) return sid;
  throw new OtpConfigError(
    `"${option}" must be "${kind}" and 32 hexadecimal digits, as the vendor's console shows it.`,
  );
}
