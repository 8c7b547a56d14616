import { refuseUnknownOptions } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { choiceOption, requiredText, wholeOption } from '../provider-kit/adapter-options.js';
import { HttpClient, type HttpReply } from '../provider-kit/http-client.js';
import type {
  CheckReceipt,
  ProviderCall,
  ProviderCapabilities,
  VendorCheck,
  VendorStart,
} from '../../delivery/provider.js';
import { checkReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { readVerified } from './termii-answer.js';
import {
  TERMII_OPTIONS,
  type TermiiOptions,
  type TermiiSenderOptions,
  type TermiiTokenOptions,
} from './termii-options.js';

/** The parts of the vendor's ranges in use: it accepts 4 to 8 characters, 0 to 60 minutes and any number of attempts. */
const DIGITS = [6, 8] as const;
const MINUTES = [1, 10] as const;
const ATTEMPTS = [1, 10] as const;

/** Shared by the vendor's adapters: key, HTTP client and the check of a code, regardless of how it was sent. */
export class TermiiAccount {
  readonly developmentOnly: boolean;
  readonly #apiKey: Secret;
  readonly #http: HttpClient;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(provider: string, options: TermiiOptions) {
    refuseUnknownOptions(options, TERMII_OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(provider, options);
    this.developmentOnly = options.testMode === true;
  }

  /** Posts JSON. A code in the response is masked when the exchange is displayed. */
  post<R extends { readonly outcome: string }>(
    path: string,
    fields: Readonly<Record<string, unknown>>,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    return this.#http.exchange({ path, json: { api_key: this.#apiKey, ...fields }, conceal: ['otp'] }, call, interpret);
  }

  /** Checks a code by the vendor's id. Contract: {@link https://developers.termii.com/verify-token} */
  async verify({ phone, code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    // The response to the send was lost, and the id with it, so the code cannot be checked.
    if (reference === undefined) return { outcome: 'expired' };
    return this.post(
      '/api/sms/otp/verify',
      { pin_id: reference, pin: new Secret(code) },
      call,
      checkReceipt((answer) => readVerified(answer, digitsOf(phone), reference)),
    );
  }

  /** Capabilities of the adapters whose codes the vendor generates. */
  tokenCapabilities(options: TermiiTokenOptions): ProviderCapabilities {
    return {
      correlation: 'provider_id',
      codeLength: DIGITS,
      ttlSeconds: [MINUTES[0] * 60, MINUTES[1] * 60],
      maxAttempts: ATTEMPTS,
      resendCooldown: wholeOption('cooldownSeconds', options.cooldownSeconds ?? 60, 1, 3600),
      languages: ['en'],
      fixedText: true,
      idempotent: false,
      reportsCost: false, // the response contains the balance, not the price
      distinguishesExpired: true,
      developmentOnly: this.developmentOnly,
    };
  }
}

/** Requested properties of a code, limited to {@link DIGITS}, {@link MINUTES} and {@link ATTEMPTS}. */
export function pinFields({ codeLength, ttlSeconds, maxAttempts }: VendorStart) {
  return {
    pin_attempts: clamp(ATTEMPTS, maxAttempts),
    pin_time_to_live: clamp(MINUTES, Math.ceil(ttlSeconds / 60)),
    pin_length: clamp(DIGITS, codeLength),
  };
}

/** A number in the vendor's format, such as `2348109477743`. */
export function digitsOf(phone: string): string {
  return phone.replace('+', '');
}

/** Sender and route as the vendor's fields. */
export function senderFields({ sender, channel = 'dnd' }: TermiiSenderOptions) {
  if (requiredText('sender', sender, 11).length < 3) throw new OtpConfigError('"sender" must be 3 to 11 characters.');
  return { from: sender, channel: choiceOption('channel', channel, ['dnd', 'generic']) };
}

function clamp([min, max]: readonly [number, number], value: number): number {
  return Math.min(Math.max(value, min), max);
}
