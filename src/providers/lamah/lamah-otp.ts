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

/** Settings of {@link LamahOtp}. Where the vendor's descriptions are silent or differ, the default is ours, and says so. */
export interface LamahOtpOptions extends HttpClientOptions {
  /** The project's token. The vendor takes it only from the addresses on the project's allow-list. */
  token: string;
  /** An approved sender name of the account: at most 11 letters and digits. */
  sender: string;
  /** What pays: the account's balance, or the units of its plan. */
  paymentType: 'wallet' | 'subscription';
  /** Digits of a code. @defaultValue 6 */
  codeLength?: 4 | 6;
  /** Language of a message whose locale is neither Arabic nor English. @defaultValue 'ar' */
  defaultLanguage?: 'ar' | 'en';
  /** Codes that the vendor compares for one message: 3 in one of its descriptions, any number in another. @defaultValue 3 */
  maxAttempts?: number;
  /**
   * Wait before a resend, in seconds. In one description it is as long as the code before lives, `ttl`; in another there
   * are ten messages a minute. @defaultValue 'ttl'
   */
  cooldownSeconds?: number | 'ttl';
  /** What a right code is answered with, whatever its case. @defaultValue 'OTP verified successfully' */
  successMessage?: string;
  /** What costs are counted in; the vendor names no currency. @defaultValue 'LYD' for a wallet, 'parts' for a subscription */
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
 * Lamah, also Ersaal, OTP (Libya): the vendor makes the code, sends it and checks it.
 * Contract: {@link https://docs.getersaal.com/api-reference/otp/initiate}, and what
 * {@link https://github.com/lamah-co/wp-ersaal the vendor's plugin} says of its gateway
 *
 * Each message has an `Idempotency-Key` of its own, so that a repeat of one is not a second one. While the company's
 * account is not verified the vendor sends every code to the company's own phone.
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
  readonly #options: ReturnType<typeof resolved>;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(options: LamahOtpOptions) {
    refuseUnknownOptions(options, OPTIONS);
    this.#token = Secret.key(options?.token, 'token');
    // The plugin's own default is https://api.ersaal.com.
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://sms.lamah.com' });
    this.#options = resolved(options);
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
      distinguishesExpired: true, // though a used code, too, is "not found or expired"
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

  /** Without the vendor's id nothing can be checked: only a new code helps. */
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

function resolved(options: LamahOtpOptions) {
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
  throw new OtpConfigError('"sender" must be 1 to 11 letters (A-Z) and digits, as the vendor approved it.');
}

function lengthOption(length: number): number {
  if (length === 4 || length === 6) return length;
  throw new OtpConfigError('"codeLength" must be 4 or 6.');
}

function cooldownOption(seconds: number | 'ttl'): number | 'ttl' {
  return seconds === 'ttl' ? seconds : wholeOption('cooldownSeconds', seconds, 1, 600);
}

/** "OTP already verified" speaks of an earlier code. */
function successOption(message: string): string {
  if (!/already/i.test(requiredText('successMessage', message, 200))) return message;
  throw new OtpConfigError('"successMessage" must be what a right code is answered with, not what "already" happened.');
}
