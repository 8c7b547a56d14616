import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { requiredText, wholeOption } from '../provider-kit/adapter-options.js';
import {
  HTTP_CLIENT_OPTIONS,
  HttpClient,
  type HttpClientOptions,
  type HttpReply,
} from '../provider-kit/http-client.js';
import type { HttpRequest } from '../provider-kit/http-request.js';
import { closestLanguage } from '../provider-kit/languages.js';
import type {
  CheckReceipt,
  DelegatedProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorReference,
  VendorStart,
} from '../../delivery/provider.js';
import { checkReceipt, isUuid, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { readCheck, readStarted } from './vonage-answer.js';

/** Settings of {@link VonageVerify}. Where the vendor documents no figure, the default is ours, and says so. */
export interface VonageVerifyOptions extends HttpClientOptions {
  /** The account's key, from the vendor's dashboard. */
  apiKey: string;
  /** The account's secret. */
  apiSecret: string;
  /** The name in each message, in at most 16 characters. */
  brand: string;
  /** Whom messages come from: 3 to 11 letters and digits, or a number without its plus. @defaultValue the vendor's choice */
  from?: string;
  /** Codes that the vendor compares for one message. Not documented for this version. @defaultValue 3, as in the one before */
  maxAttempts?: number;
  /**
   * Wait before another message to the same number, in seconds. The vendor refuses one while a code is alive, `ttl`, which
   * only a right code ends sooner.
   * @defaultValue 'ttl'
   */
  cooldownSeconds?: number | 'ttl';
}

const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  apiSecret: true,
  brand: true,
  from: true,
  maxAttempts: true,
  cooldownSeconds: true,
} satisfies OptionNames<VonageVerifyOptions>;

/** The {@link https://developer.vonage.com/en/verify/guides/verify-v2-languages languages} of SMS; of those of one language, the first is the rule. */
const LANGUAGES = (
  'en-us en-gb en-au en-in ar-xa cs-cz cy-gb da-dk de-de el-gr es-es es-mx es-us fi-fi fil-ph fr-fr fr-ca hi-in hu-hu ' +
  'id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-pt pt-br ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw'
).split(' ');

/**
 * How long a code can live, in seconds. The vendor calls it the wait before the next channel of a workflow, here with one
 * channel; that its code ends with it is not documented, and this module ends it then in any case.
 */
const LIFETIME = [60, 900] as const;
const PATH = '/v2/verify';

/**
 * Vonage Verify v2: the vendor makes the code, sends it and checks it.
 * Contract: {@link https://developer.vonage.com/en/api/verify.v2}
 *
 * A challenge that is cancelled is cancelled at the vendor, too, which frees the number for another.
 *
 * @example
 * new VonageVerify({ apiKey: process.env.VONAGE_API_KEY!, apiSecret: process.env.VONAGE_API_SECRET!, brand: 'Acme' })
 */
export class VonageVerify implements DelegatedProvider {
  readonly name = 'vonage-verify';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #basic: { user: string; password: Secret };
  readonly #http: HttpClient;
  readonly #brand: string;
  readonly #from: string | undefined;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(options: VonageVerifyOptions) {
    refuseUnknownOptions(options, OPTIONS);
    this.#basic = { user: keyOption(options?.apiKey), password: Secret.key(options.apiSecret, 'apiSecret') };
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://api.nexmo.com' });
    this.#brand = requiredText('brand', options.brand, 16);
    this.#from = fromOption(options.from);
    this.capabilities = {
      correlation: 'provider_id',
      codeLength: [4, 10],
      ttlSeconds: LIFETIME,
      maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 3, 1, 10),
      resendCooldown: cooldownOption(options.cooldownSeconds ?? 'ttl'),
      languages: LANGUAGES,
      fixedText: true,
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: true, // though a used code, too, is "not found"
      developmentOnly: options.testMode === true,
    };
  }

  /** In a language that the vendor does not write it writes English. */
  async start({ phone, locale, codeLength, ttlSeconds }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const lifetime = Math.min(Math.max(ttlSeconds, LIFETIME[0]), LIFETIME[1]);
    const json = {
      brand: this.#brand,
      workflow: [{ channel: 'sms', to: phone.replace('+', ''), from: this.#from }],
      locale: closestLanguage(locale, LANGUAGES),
      channel_timeout: lifetime,
      code_length: codeLength,
    };
    const interpret = sendReceipt((answer) => readStarted(answer, lifetime));
    return this.#exchange({ path: PATH, json }, call, interpret);
  }

  /** Without the vendor's id nothing can be checked: only a new code helps. */
  async check({ code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    if (!isUuid(reference)) return { outcome: 'expired' };
    const request = { path: `${PATH}/${reference}`, json: { code: new Secret(code) } };
    return this.#exchange(
      request,
      call,
      checkReceipt((answer) => readCheck(answer, reference)),
    );
  }

  async cancel({ reference }: VendorReference, call: ProviderCall): Promise<void> {
    if (!isUuid(reference)) return;
    await this.#exchange({ method: 'DELETE', path: `${PATH}/${reference}` }, call, (reply) => ({
      outcome: reply.kind === 'answer' && reply.status === 204 ? 'canceled' : 'unknown',
    }));
  }

  #exchange<R extends { readonly outcome: string }>(
    request: HttpRequest,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    return this.#http.exchange({ ...request, basic: this.#basic }, call, interpret);
  }
}

function keyOption(key: string): string {
  if (typeof key === 'string' && /^[A-Za-z0-9]{1,64}$/.test(key)) return key;
  throw new OtpConfigError('"apiKey" must be the letters and digits of the account\'s key, as the dashboard shows it.');
}

function fromOption(from: string | undefined): string | undefined {
  if (from === undefined || (typeof from === 'string' && /^([A-Za-z0-9]{3,11}|\d{7,15})$/.test(from))) return from;
  throw new OtpConfigError('"from" must be 3 to 11 letters and digits, or a number without its plus, or left out.');
}

function cooldownOption(seconds: number | 'ttl'): number | 'ttl' {
  return seconds === 'ttl' ? seconds : wholeOption('cooldownSeconds', seconds, 1, 900);
}
