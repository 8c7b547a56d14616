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

/** What of the vendor's ranges is asked for: it takes 4 to 8 characters, 0 to 60 minutes, and any number of tries. */
const DIGITS = [6, 8] as const;
const MINUTES = [1, 10] as const;
const TRIES = [1, 10] as const;

/** What the adapters have in common: the key, the way to the vendor, and the check of a code, however it was sent. */
export class TermiiAccount {
  readonly developmentOnly: boolean;
  readonly #apiKey: Secret;
  readonly #http: HttpClient;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(provider: string, options: TermiiOptions) {
    refuseUnknownOptions(options, TERMII_OPTIONS);
    this.#apiKey = Secret.key(options?.apiKey, 'apiKey');
    this.#http = new HttpClient(provider, options);
    this.developmentOnly = options.testMode === true;
  }

  /** Posts JSON. A code in the answer is masked where the exchange is shown. */
  post<R extends { readonly outcome: string }>(
    path: string,
    fields: Readonly<Record<string, unknown>>,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    return this.#http.exchange({ path, json: { api_key: this.#apiKey, ...fields }, conceal: ['otp'] }, call, interpret);
  }

  /** {@link https://developers.termii.com/verify-token}: the vendor finds the code by the id that it gave it. */
  async verify({ phone, code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    // The answer to the send was lost, and the id with it: nobody can check that code any more.
    if (reference === undefined) return { outcome: 'expired' };
    return this.post(
      '/api/sms/otp/verify',
      { pin_id: reference, pin: new Secret(code) },
      call,
      checkReceipt((answer) => readVerified(answer, digitsOf(phone), reference)),
    );
  }

  /** What the adapters declare of codes that the vendor makes. */
  tokenCapabilities(options: TermiiTokenOptions): ProviderCapabilities {
    return {
      correlation: 'provider_id',
      codeLength: DIGITS,
      ttlSeconds: [MINUTES[0] * 60, MINUTES[1] * 60],
      maxAttempts: TRIES,
      resendCooldown: wholeOption('cooldownSeconds', options.cooldownSeconds ?? 60, 1, 3600),
      languages: ['en'],
      fixedText: true,
      idempotent: false,
      reportsCost: false, // an answer tells the balance, not what was taken from it
      distinguishesExpired: true,
      developmentOnly: this.developmentOnly,
    };
  }
}

/** What is asked of a code, within {@link DIGITS} and the like. */
export function pinFields({ codeLength, ttlSeconds, maxAttempts }: VendorStart) {
  return {
    pin_attempts: within(TRIES, maxAttempts),
    pin_time_to_live: within(MINUTES, Math.ceil(ttlSeconds / 60)),
    pin_length: within(DIGITS, codeLength),
  };
}

/** A number as the vendor writes it, such as `2348109477743`. */
export function digitsOf(phone: string): string {
  return phone.replace('+', '');
}

/** Sender and route as the vendor names them. */
export function senderFields({ sender, channel = 'dnd' }: TermiiSenderOptions) {
  if (requiredText('sender', sender, 11).length < 3) throw new OtpConfigError('"sender" must be 3 to 11 characters.');
  return { from: sender, channel: choiceOption('channel', channel, ['dnd', 'generic']) };
}

function within([min, max]: readonly [number, number], wish: number): number {
  return Math.min(Math.max(wish, min), max);
}
