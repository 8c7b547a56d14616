import { refuseUnknownOptions } from '../../config/option-names.js';
import { choiceOption, wholeOption } from '../provider-kit/adapter-options.js';
import { HttpClient, type HttpReply } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import { arabicOrEnglish } from '../provider-kit/languages.js';
import type {
  CheckReceipt,
  DelegatedProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorStart,
} from '../../delivery/provider.js';
import { checkReceipt, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { readChecked, readStarted } from './unifonic-answer.js';
import { UNIFONIC_OPTIONS, type UnifonicAuthenticateOptions } from './unifonic-options.js';

const CHANNEL = 'sms';

/**
 * Unifonic Authenticate (Saudi Arabia and beyond): the vendor generates, sends and checks the code.
 * Contract: {@link https://docs.unifonic.com/reference/checkverification}
 *
 * The vendor finds a code by the number alone, so this module allows one challenge per number at a time. "Already verified"
 * refers to the number, not to the typed code.
 *
 * @example new UnifonicAuthenticate({ appId: process.env.UNIFONIC_APP_ID!, token: process.env.UNIFONIC_TOKEN! })
 */
export class UnifonicAuthenticate implements DelegatedProvider {
  readonly name = 'unifonic-authenticate';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #appId: Secret;
  readonly #token: Secret;
  readonly #http: HttpClient;
  readonly #defaultLanguage: 'ar' | 'en';
  readonly #codeLength: number;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: UnifonicAuthenticateOptions) {
    refuseUnknownOptions(options, UNIFONIC_OPTIONS);
    const baseUrl = options?.baseUrl ?? 'https://authenticate.cloud.api.unifonic.com';
    this.#appId = Secret.key(options?.appId, 'appId');
    this.#token = Secret.key(options.token, 'token');
    this.#http = new HttpClient(this.name, { ...options, baseUrl });
    this.#defaultLanguage = choiceOption('defaultLanguage', options.defaultLanguage ?? 'en', ['ar', 'en']);
    this.#codeLength = wholeOption('codeLength', options.codeLength ?? 6, 4, 8);
    this.capabilities = {
      correlation: 'phone',
      codeLength: this.#codeLength,
      ttlSeconds: wholeOption('ttlSeconds', options.ttlSeconds ?? 300, 30, 3600),
      maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 3, 1, 10),
      resendCooldown: wholeOption('cooldownSeconds', options.cooldownSeconds ?? 60, 1, 3600),
      languages: ['ar', 'en'],
      fixedText: true,
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: true,
      developmentOnly: options.testMode === true,
    };
  }

  async start({ phone, locale }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const language = arabicOrEnglish(locale, this.#defaultLanguage);
    const fields = { to: phone, channel: CHANNEL, locale: language, length: String(this.#codeLength) };
    const interpret = sendReceipt((answer) => readStarted(answer, phone));
    return this.#post('start', fields, call, interpret);
  }

  async check({ phone, code }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    const fields = { to: phone, channel: CHANNEL, code: new Secret(code) };
    const interpret = checkReceipt((answer) => readChecked(answer, phone, CHANNEL));
    return this.#post('check', fields, call, interpret);
  }

  #post<R extends { readonly outcome: string }>(
    operation: 'start' | 'check',
    urlencoded: HttpFields,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    const path = `/services/api/v2/verifications/${operation}`;
    const headers = { accept: 'application/json', 'x-authenticate-app-id': this.#appId };
    return this.#http.exchange({ path, bearer: this.#token, headers, urlencoded }, call, interpret);
  }
}
