import type { CountryCode } from 'libphonenumber-js/max';

/**
 * The port between this module and a vendor that reaches phones.
 *
 * An adapter is in one of three modes, by who makes the code and who checks it:
 *
 * | mode | makes the code | brings it to the phone | checks it |
 * | --- | --- | --- | --- |
 * | `delivery` | this module | the vendor | this module |
 * | `delegated` | the vendor | the vendor | the vendor |
 * | `generator` | the vendor | a `delivery` provider | the vendor |
 *
 * An adapter translates and nothing else: no retries, no state, no limits. It answers every documented refusal of its
 * vendor with a canonical {@link SendOutcome} or {@link CheckOutcome}; it throws only for what it cannot explain, and
 * a throw counts as `unknown`. Counting, binding, expiry and single use are this module's, whatever the vendor does.
 */
export type SingleProvider = DeliveryProvider | DelegatedProvider | GeneratorProvider;

/**
 * Chooses among providers and carries nothing itself, such as `CountryRouter` and `Failover`. Choices nest freely; the
 * challenge remembers which provider served it.
 */
export interface ProviderChoice {
  readonly mode: 'choice';
  /** Providers for this recipient, the preferred one first; none where the recipient is not served. */
  candidates(recipient: Recipient): readonly OtpProvider[];
  /** Every provider that it may choose. */
  readonly all: readonly OtpProvider[];
}

/** What `OtpModule.forRoot` takes: one vendor's adapter, or a choice among several. */
export type OtpProvider = SingleProvider | ProviderChoice;

/** What every adapter says of itself. */
export interface ProviderBase {
  /** Stable lower-case name, kept with each challenge and shown in logs, such as `taqnyat-verify`. */
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
}

/** This module makes and checks the code; the vendor brings a text. */
export interface DeliveryProvider extends ProviderBase {
  readonly mode: 'delivery';
  /** Hands a finished text to the vendor. `sent` means the vendor accepted it. */
  send(message: OutgoingMessage, call: ProviderCall): Promise<SendReceipt>;
}

/** The vendor makes the code, brings it, and checks it. */
export interface DelegatedProvider extends ProviderBase {
  readonly mode: 'delegated';
  /** Asks the vendor to make a code and send it. */
  start(request: VendorStart, call: ProviderCall): Promise<SendReceipt>;
  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt>;
  /** Tells the vendor to forget a code, where it can. Best effort. */
  cancel?(request: VendorReference, call: ProviderCall): Promise<void>;
}

/** The vendor makes and checks the code; another provider brings it. */
export interface GeneratorProvider extends ProviderBase {
  readonly mode: 'generator';
  /** Brings the vendor's code to the phone. */
  readonly delivery: DeliveryProvider;
  /** Asks the vendor for a code. It comes back in the clear: it is rendered into the text and kept nowhere. */
  generate(request: VendorStart, call: ProviderCall): Promise<SendReceipt & { code?: string }>;
  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt>;
}

/** What bounds one call. */
export interface ProviderCall {
  /** Fires when the total time of the call is over. Pass it to `fetch`. */
  readonly signal: AbortSignal;
}

/** A phone as every adapter gets it; the adapter writes it the way its vendor wants. */
export interface Recipient {
  /** Canonical E.164, such as `+966512345678`. */
  readonly phone: string;
  readonly region: CountryCode;
}

/** A text to bring to a phone. */
export interface OutgoingMessage extends Recipient {
  /** The whole text, code included. */
  readonly text: string;
  readonly locale: string;
  readonly purpose: string;
  /** The same for a repeat of this very message and for no other: usable as the vendor's idempotency key. */
  readonly attemptId: string;
}

/** Which of the vendor's codes is meant. */
export interface VendorReference extends Recipient {
  /** Ours: derived from challenge and send number, so it is known even when the vendor's answer was lost. */
  readonly attemptId: string;
  /** The vendor's: what it returned for this attempt, if it returned anything. */
  readonly reference?: string;
}

/** The code that the vendor is asked to make. */
export interface VendorStart extends Recipient {
  readonly attemptId: string;
  readonly purpose: string;
  readonly locale: string;
  readonly appName: string;
  readonly codeLength: number;
  readonly ttlSeconds: number;
  readonly maxAttempts: number;
}

/** A typed code that the vendor is asked about. */
export interface VendorCheck extends VendorReference {
  /** What the person typed: ASCII digits. */
  readonly code: string;
}

/** Why a vendor did not do what it was asked, in words all vendors share. */
export type VendorRefusal =
  | 'resend_too_soon'
  | 'already_verified'
  | 'invalid_number'
  | 'rejected_sender'
  | 'insufficient_balance'
  | 'unauthorized'
  | 'rate_limited'
  | 'provider_unavailable'
  | 'unknown';

/** What came of a send. Only `sent` is success. */
export type SendOutcome = 'sent' | VendorRefusal;

/** Only `verified` is success. `already_verified` speaks of the number, not of the code just typed. */
export type CheckOutcome = 'verified' | 'incorrect_code' | 'expired' | 'attempts_exhausted' | VendorRefusal;

/** What a vendor said to a send. */
export interface SendReceipt {
  readonly outcome: SendOutcome;
  /**
   * True when the vendor may have sent it all the same: a time-out, a lost or senseless answer. Never repeated.
   * @defaultValue true for `unknown`, false for every other outcome
   */
  readonly ambiguous?: boolean;
  /** The vendor's own name for the attempt, needed to check the code where the vendor makes it. */
  readonly reference?: string;
  /** The vendor's own wait, in seconds; it wins over a shorter one of ours. */
  readonly retryAfterSeconds?: number;
  /** `blocked`: the vendor refuses this recipient as such (fraud guard, opt-out, region). */
  readonly detail?: 'blocked';
  readonly cost?: { readonly amount: string; readonly unit: string };
}

/** What a vendor said to a typed code. */
export interface CheckReceipt {
  readonly outcome: CheckOutcome;
  readonly retryAfterSeconds?: number;
}

/** A figure of the vendor: fixed, a range that a request chooses from, or not documented. */
export type VendorFigure = number | readonly [min: number, max: number] | 'unknown';

/** What an adapter declares of its vendor; the module adapts to these, never to names. */
export interface ProviderCapabilities {
  /** How a check finds its send: an id of ours, an id of the vendor's, the phone alone, or no vendor check at all. */
  readonly correlation: 'caller_id' | 'provider_id' | 'phone' | 'none';
  readonly codeLength: VendorFigure;
  readonly ttlSeconds: VendorFigure;
  readonly maxAttempts: VendorFigure;
  /** Seconds between two sends to one phone; `ttl`: not while a code is alive. */
  readonly resendCooldown: number | 'ttl' | 'unknown';
  /** Languages the vendor can write in; `any` where the text is ours. */
  readonly languages: readonly string[] | 'any';
  /** The wording is the vendor's, so it cannot name an amount or a payee. */
  readonly fixedText: boolean;
  /** A send may be repeated under the same `attemptId` without a second message. */
  readonly idempotent: boolean;
  readonly reportsCost: boolean;
  readonly distinguishesExpired: boolean;
  /** Only for development and tests: refused in production. */
  readonly developmentOnly: boolean;
}

/** The capabilities of an adapter that only carries texts, to spread into its own. */
export const DELIVERY_CAPABILITIES: ProviderCapabilities = {
  correlation: 'none',
  codeLength: 'unknown',
  ttlSeconds: 'unknown',
  maxAttempts: 'unknown',
  resendCooldown: 'unknown',
  languages: 'any',
  fixedText: false,
  idempotent: false,
  reportsCost: false,
  distinguishesExpired: true,
  developmentOnly: false,
};
