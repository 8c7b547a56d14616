import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { choiceOption, figureOption, textOption, wholeOption } from '../provider-kit/adapter-options.js';
import { plainAttemptId } from '../provider-kit/attempt-id.js';
import { HTTP_CLIENT_OPTIONS, HttpClient, type HttpClientOptions } from '../provider-kit/http-client.js';
import { arabicOrEnglish } from '../provider-kit/languages.js';
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
import { checkReceipt, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { readCheck, readSend } from './taqnyat-answer.js';

/** Options of {@link TaqnyatVerify}. If the vendor documents no figure, the option says so and this package chooses the default. */
export interface TaqnyatVerifyOptions extends HttpClientOptions {
  /** The application's "Bearer Token" from the vendor's portal. */
  apiKey: string;
  /** An active sender name of the account. @defaultValue the account's own */
  sender?: string;
  /** Text that the vendor appends to every message. */
  note?: string;
  /** Language of a message if its locale is neither Arabic nor English. @defaultValue 'ar', the vendor's own default */
  defaultLanguage?: 'ar' | 'en';
  /** Also accept numbers outside +966. The vendor documents only +966; by default others are refused without a call. @defaultValue false */
  internationalNumbers?: boolean;
  /** Digits of the vendor's codes; `unknown` accepts 4 to 8. Not documented. @defaultValue 4, as in the vendor's sample */
  codeLength?: number | 'unknown';
  /** Lifetime of the vendor's codes, in seconds. Not documented. @defaultValue 300 */
  ttlSeconds?: number;
  /** Number of codes that the vendor compares per message. It has a limit that it does not document. @defaultValue 3 */
  maxAttempts?: number;
  /** Wait before a resend, in seconds, if the vendor's response contains none. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  sender: true,
  note: true,
  defaultLanguage: true,
  internationalNumbers: true,
  codeLength: true,
  ttlSeconds: true,
  maxAttempts: true,
  cooldownSeconds: true,
} satisfies OptionNames<TaqnyatVerifyOptions>;

/**
 * Taqnyat Verify (Saudi Arabia): the vendor generates, sends and checks the code.
 * Contract: {@link https://dev.taqnyat.sa/en/doc/verify/}
 *
 * Each message has its own `requestId`, which its check repeats, so the vendor's state of one challenge cannot affect
 * another.
 *
 * @example OtpModule.forRoot(new TaqnyatVerify({ apiKey: process.env.TAQNYAT_API_KEY!, sender: 'Acme' }), options)
 */
export class TaqnyatVerify implements DelegatedProvider {
  readonly name = 'taqnyat-verify';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #apiKey: Secret;
  readonly #http: HttpClient;
  readonly #options: ReturnType<typeof resolveOptions>;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TaqnyatVerifyOptions) {
    refuseUnknownOptions(options, OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://api.taqnyat.sa' });
    this.#options = resolveOptions(options);
    this.capabilities = {
      correlation: 'caller_id',
      codeLength: this.#options.codeLength,
      ttlSeconds: this.#options.ttlSeconds,
      maxAttempts: this.#options.maxAttempts,
      resendCooldown: this.#options.cooldownSeconds,
      languages: ['ar', 'en'],
      fixedText: true, // the note is the same in every message, so it cannot name an amount
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: false,
      developmentOnly: options.testMode === true,
    };
  }

  async start(request: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    if (!this.#serves(request.phone)) return { outcome: 'invalid_number' };
    const interpret = sendReceipt((answer) => readSend(answer, this.#options.cooldownSeconds));
    const lang = arabicOrEnglish(request.locale, this.#options.defaultLanguage);
    return this.#http.exchange(this.#request(request, { lang }), call, interpret);
  }

  async check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    if (!this.#serves(request.phone)) return { outcome: 'invalid_number' };
    return this.#http.exchange(
      this.#request(request, { activeKey: new Secret(request.code) }),
      call,
      checkReceipt(readCheck),
    );
  }

  #serves(phone: string): boolean {
    return this.#options.internationalNumbers || phone.startsWith('+966');
  }

  /** Send and check are the same call; `activeKey` makes it a check. The key is sent both where the page says and where its sample has it. */
  #request({ phone, attemptId }: VendorReference, fields: { lang: string } | { activeKey: Secret }) {
    const { sender, note } = this.#options;
    const numbers = [phone.replace('+', '')];
    const requestId = plainAttemptId(attemptId);
    const body = { apiKey: this.#apiKey, numbers, sender, method: 'sms', requestId, note, returnJson: 1, ...fields };
    return { path: '/verify.php', bearer: this.#apiKey, json: [body] };
  }
}

function resolveOptions(options: TaqnyatVerifyOptions) {
  return {
    sender: textOption('sender', options.sender, 15),
    note: textOption('note', options.note, 160),
    defaultLanguage: choiceOption('defaultLanguage', options.defaultLanguage ?? 'ar', ['ar', 'en']),
    internationalNumbers: options.internationalNumbers === true,
    codeLength: figureOption('codeLength', options.codeLength ?? 4, 4, 8),
    ttlSeconds: wholeOption('ttlSeconds', options.ttlSeconds ?? 300, 30, 3600),
    maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 3, 1, 10),
    cooldownSeconds: wholeOption('cooldownSeconds', options.cooldownSeconds ?? 60, 1, 3600),
  };
}
