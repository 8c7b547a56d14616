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

/** Options of {@link VonageVerify}. If the vendor documents no figure, the option says so and this package chooses the default. */
export interface VonageVerifyOptions extends HttpClientOptions {
  /** The account's key, from the vendor's dashboard. */
  apiKey: string;
  /** The account's secret. */
  apiSecret: string;
  /** The name shown in each message: at most 16 characters. */
  brand: string;
  /** Sender: 3 to 11 letters and digits, or a number without the plus sign. @defaultValue the vendor chooses */
  from?: string;
  /** Number of codes that the vendor compares per message. Not documented for this API version. @defaultValue 3, as in the previous version */
  maxAttempts?: number;
  /**
   * Wait before another message to the same number, in seconds; `ttl`: until the current code expires, since the vendor
   * refuses a message before that, unless a correct code was entered.
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

/** The {@link https://developer.vonage.com/en/verify/guides/verify-v2-languages languages} of SMS; the first of several variants is the default of its language. */
const LANGUAGES = (
  'en-us en-gb en-au en-in ar-xa cs-cz cy-gb da-dk de-de el-gr es-es es-mx es-us fi-fi fil-ph fr-fr fr-ca hi-in hu-hu ' +
  'id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-pt pt-br ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw'
).split(' ');

/**
 * Lifetime of a code, in seconds. The vendor documents it as the wait before the next channel of a workflow, which has only
 * one channel here. It does not document that the code then expires; this module expires it in any case.
 */
const LIFETIME = [60, 900] as const;
const PATH = '/v2/verify';

/**
 * Vonage Verify v2: the vendor generates, sends and checks the code.
 * Contract: {@link https://developer.vonage.com/en/api/verify.v2}
 *
 * Cancelling a challenge also cancels it at the vendor, so the number can receive another code.
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

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
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
      distinguishesExpired: true, // although a used code is also "not found"
      developmentOnly: options.testMode === true,
    };
  }

  /** For a language that the vendor does not support, it writes English. */
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

  /** Without the vendor's id a code cannot be checked, so it counts as expired. */
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
  throw new OtpConfigError(
    '"apiKey" must be 1 to 64 letters and digits: copy the account\'s key from the vendor\'s dashboard.',
  );
}

function fromOption(from: string | undefined): string | undefined {
  if (from === undefined || (typeof from === 'string' && /^([A-Za-z0-9]{3,11}|\d{7,15})$/.test(from))) return from;
  throw new OtpConfigError('"from" must be 3 to 11 letters and digits, or a number without the plus sign, or omitted.');
}

function cooldownOption(seconds: number | 'ttl'): number | 'ttl' {
  return seconds === 'ttl' ? seconds : wholeOption('cooldownSeconds', seconds, 1, 900);
}
