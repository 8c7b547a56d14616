import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { choiceOption, requiredText, wholeOption } from '../provider-kit/adapter-options.js';
import { plainAttemptId } from '../provider-kit/attempt-id.js';
import { HTTP_CLIENT_OPTIONS, HttpClient, type HttpClientOptions } from '../provider-kit/http-client.js';
import type { HttpRequest } from '../provider-kit/http-request.js';
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
import { checkReceipt, isUuid, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { libyanMobile, readCheck, readSend } from './lamah-answer.js';

/** Options of {@link LamahOtp}. If the vendor's specifications are silent or differ, the option says so and this package chooses the default. */
export interface LamahOtpOptions extends HttpClientOptions {
  /** The project's token. The vendor accepts it only from the addresses on the project's allow-list. */
  token: string;
  /** An approved sender name of the account: 1 to 11 letters and digits. */
  sender: string;
  /** Source of payment: the account's balance (`wallet`), or the units of its plan (`subscription`). */
  paymentType: 'wallet' | 'subscription';
  /** Digits of a code. @defaultValue 6 */
  codeLength?: 4 | 6;
  /** Language of a message if its locale is neither Arabic nor English. @defaultValue 'ar' */
  defaultLanguage?: 'ar' | 'en';
  /** Number of codes that the vendor compares per message: 3 in one of its specifications, unlimited in another. @defaultValue 3 */
  maxAttempts?: number;
  /**
   * Wait before a resend, in seconds; `ttl`: until the previous code expires, as one specification says. Another allows ten
   * messages per minute. @defaultValue 'ttl'
   */
  cooldownSeconds?: number | 'ttl';
  /** The vendor's response message to a correct code, case-insensitive. @defaultValue 'OTP verified successfully' */
  successMessage?: string;
  /** Unit of reported costs; the vendor names no currency. @defaultValue 'LYD' for a wallet, 'parts' for a subscription */
  costUnit?: string;
}

const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  token: true,
  sender: true,
  paymentType: true,
  codeLength: true,
  defaultLanguage: true,
  maxAttempts: true,
  cooldownSeconds: true,
  successMessage: true,
  costUnit: true,
} satisfies OptionNames<LamahOtpOptions>;

/**
 * Lamah (also Ersaal) OTP, Libya: the vendor generates, sends and checks the code.
 * Contract: {@link https://docs.getersaal.com/api-reference/otp/initiate}, and
 * {@link https://github.com/lamah-co/wp-ersaal the vendor's plugin} for its gateway
 *
 * Each message has its own `Idempotency-Key`, so a repeated request sends no second message. Until the company's account is
 * verified, the vendor sends every code to the company's own phone.
 *
 * @example
 * new LamahOtp({ token: process.env.LAMAH_TOKEN!, sender: 'Acme', paymentType: 'wallet' })
 */
export class LamahOtp implements DelegatedProvider {
  readonly name = 'lamah-otp';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #token: Secret;
  readonly #http: HttpClient;
  readonly #options: ReturnType<typeof resolveOptions>;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: LamahOtpOptions) {
    refuseUnknownOptions(options, OPTIONS);
    this.#token = Secret.key(options?.token, 'token');
    // The plugin's own default is https://api.ersaal.com.
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://sms.lamah.com' });
    this.#options = resolveOptions(options);
    this.capabilities = {
      correlation: 'provider_id',
      codeLength: this.#options.codeLength,
      ttlSeconds: [60, 600],
      maxAttempts: this.#options.maxAttempts,
      resendCooldown: this.#options.cooldownSeconds,
      languages: ['ar', 'en'],
      fixedText: true,
      idempotent: true,
      reportsCost: true,
      distinguishesExpired: true, // although a used code is also "not found or expired"
      developmentOnly: options.testMode === true,
    };
  }

  async start({ phone, locale, attemptId, ttlSeconds }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const mobile = libyanMobile(phone);
    if (mobile === undefined) return { outcome: 'invalid_number' };
    const { codeLength, defaultLanguage, sender, paymentType, costUnit } = this.#options;
    const minutes = Math.min(Math.max(Math.ceil(ttlSeconds / 60), 1), 10);
    const json = {
      lang: arabicOrEnglish(locale, defaultLanguage),
      length: codeLength,
      expiration: minutes,
      sender,
      payment_type: paymentType,
      receiver: `00218${mobile}`,
    };
    const request = this.#request('/api/otp/initiate', json, { 'Idempotency-Key': plainAttemptId(attemptId) });
    const interpret = sendReceipt((answer) => readSend(answer, minutes * 60, costUnit));
    return this.#http.exchange(request, call, interpret);
  }

  /** Without the vendor's id a code cannot be checked, so it counts as expired. */
  async check({ phone, code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    if (libyanMobile(phone) === undefined) return { outcome: 'invalid_number' };
    if (!isUuid(reference)) return { outcome: 'expired' };
    const request = this.#request('/api/otp/verify', { request_id: reference, code: new Secret(code) });
    const interpret = checkReceipt((answer) => readCheck(answer, phone, this.#options.successMessage));
    return this.#http.exchange(request, call, interpret);
  }

  #request(path: string, json: object, headers: Record<string, string> = {}): HttpRequest {
    return { path, json, bearer: this.#token, headers: { accept: 'application/json', ...headers } };
  }
}

function resolveOptions(options: LamahOtpOptions) {
  const paymentType = choiceOption('paymentType', options.paymentType, ['wallet', 'subscription']);
  return {
    sender: senderOption(options.sender),
    paymentType,
    codeLength: lengthOption(options.codeLength ?? 6),
    defaultLanguage: choiceOption('defaultLanguage', options.defaultLanguage ?? 'ar', ['ar', 'en']),
    maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 3, 1, 10),
    cooldownSeconds: cooldownOption(options.cooldownSeconds ?? 'ttl'),
    successMessage: successOption(options.successMessage ?? 'OTP verified successfully'),
    costUnit: requiredText('costUnit', options.costUnit ?? (paymentType === 'wallet' ? 'LYD' : 'parts'), 10),
  };
}

function senderOption(sender: string): string {
  if (typeof sender === 'string' && /^[A-Za-z0-9]{1,11}$/.test(sender)) return sender;
  throw new OtpConfigError('"sender" must be 1 to 11 letters (A-Z, a-z) and digits, as approved by the vendor.');
}

function lengthOption(length: number): number {
  if (length === 4 || length === 6) return length;
  throw new OtpConfigError('"codeLength" must be 4 or 6.');
}

function cooldownOption(seconds: number | 'ttl'): number | 'ttl' {
  return seconds === 'ttl' ? seconds : wholeOption('cooldownSeconds', seconds, 1, 600);
}

/** "OTP already verified" refers to an earlier code. */
function successOption(message: string): string {
  if (!/already/i.test(requiredText('successMessage', message, 200))) return message;
  throw new OtpConfigError(
    '"successMessage" must be the vendor\'s response to a correct code, without the word "already".',
  );
}
