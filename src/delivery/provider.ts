import type { CountryCode } from 'libphonenumber-js/max';

/**
 * The port between this module and a messaging vendor.
 *
 * An adapter has one of three modes, depending on which side generates, delivers and checks the code:
 *
 * | mode | generates the code | delivers it | checks it |
 * | --- | --- | --- | --- |
 * | `delivery` | this module | the vendor | this module |
 * | `delegated` | the vendor | the vendor | the vendor |
 * | `generator` | the vendor | a `delivery` provider | the vendor |
 *
 * An adapter only translates: no retries, no state, no limits. It maps every documented refusal of its vendor to a
 * canonical {@link SendOutcome} or {@link CheckOutcome}. It throws only for errors it cannot explain; a throw counts as
 * `unknown`. This module always enforces attempt counting, binding, expiry and single use, whatever the vendor does.
 */
export type SingleProvider = DeliveryProvider | DelegatedProvider | GeneratorProvider;

/**
 * Chooses among providers and sends nothing itself, such as `CountryRouter` and `Failover`. Choices can be nested. The
 * challenge records which provider served it.
 */
export interface ProviderChoice {
  readonly mode: 'choice';
  /** Providers for this recipient, the preferred one first; empty if the recipient is not served. */
  candidates(recipient: Recipient): readonly OtpProvider[];
  /** Every provider that this choice can return. */
  readonly all: readonly OtpProvider[];
}

/** The provider argument of `OtpModule.forRoot`: one vendor's adapter, or a choice among several. */
export type OtpProvider = SingleProvider | ProviderChoice;

/** What every adapter declares. */
export interface ProviderBase {
  /** Stable lower-case name, stored with each challenge and shown in logs, such as `taqnyat-verify`. */
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
}

/** This module generates and checks the code; the vendor delivers a text. */
export interface DeliveryProvider extends ProviderBase {
  readonly mode: 'delivery';
  /** Submits the complete text to the vendor. `sent` means that the vendor accepted it. */
  send(message: OutgoingMessage, call: ProviderCall): Promise<SendReceipt>;
}

/** The vendor generates, delivers and checks the code. */
export interface DelegatedProvider extends ProviderBase {
  readonly mode: 'delegated';
  /** Asks the vendor to generate and send a code. */
  start(request: VendorStart, call: ProviderCall): Promise<SendReceipt>;
  /** Asks the vendor to check a typed code. */
  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt>;
  /** Asks the vendor to cancel a code, if the vendor supports it. Best effort. */
  cancel?(request: VendorReference, call: ProviderCall): Promise<void>;
}

/** The vendor generates and checks the code; another provider delivers it. */
export interface GeneratorProvider extends ProviderBase {
  readonly mode: 'generator';
  /** Delivers the vendor's code. */
  readonly delivery: DeliveryProvider;
  /** Asks the vendor for a code. The vendor returns it in plain text; it is rendered into the message and not stored. */
  generate(request: VendorStart, call: ProviderCall): Promise<SendReceipt & { code?: string }>;
  /** Asks the vendor to check a typed code. */
  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt>;
}

/** Limits of one call. */
export interface ProviderCall {
  /** Aborts when the total time of the call is over. Pass it to `fetch`. */
  readonly signal: AbortSignal;
}

/** A phone number as every adapter receives it; the adapter converts it to the vendor's format. */
export interface Recipient {
  /** Canonical E.164, such as `+966512345678`. */
  readonly phone: string;
  readonly region: CountryCode;
}

/** A text to deliver. */
export interface OutgoingMessage extends Recipient {
  /** The complete text, including the code. */
  readonly text: string;
  readonly locale: string;
  readonly purpose: string;
  /** Unique to this message and repeated only with it, so it can serve as the vendor's idempotency key. */
  readonly attemptId: string;
}

/** Identifies one of the vendor's codes. */
export interface VendorReference extends Recipient {
  /** This module's id: derived from challenge and send number, so it is known even if the vendor's response was lost. */
  readonly attemptId: string;
  /** The vendor's id: what it returned for this attempt, if anything. */
  readonly reference?: string;
}

/** A request to the vendor to generate a code. */
export interface VendorStart extends Recipient {
  readonly attemptId: string;
  readonly purpose: string;
  readonly locale: string;
  readonly appName: string;
  readonly codeLength: number;
  readonly ttlSeconds: number;
  readonly maxAttempts: number;
}

/** A typed code for the vendor to check. */
export interface VendorCheck extends VendorReference {
  /** The typed code, in ASCII digits. */
  readonly code: string;
}

/** Why a vendor refused a request, in terms common to all vendors. */
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

/** Outcome of a send. Only `sent` is success. */
export type SendOutcome = 'sent' | VendorRefusal;

/** Outcome of a check. Only `verified` is success. `already_verified` refers to the number, not to the typed code. */
export type CheckOutcome = 'verified' | 'incorrect_code' | 'expired' | 'attempts_exhausted' | VendorRefusal;

/** The vendor's response to a send. */
export interface SendReceipt {
  readonly outcome: SendOutcome;
  /**
   * True if the vendor may have sent the message anyway: after a time-out, or a lost or unreadable response. Such a send is
   * not repeated.
   * @defaultValue true for `unknown`, false for every other outcome
   */
  readonly ambiguous?: boolean;
  /** The vendor's id of the attempt. A check needs it if the vendor generates the code. */
  readonly reference?: string;
  /** Wait that the vendor demands, in seconds; it overrides a shorter wait of this module. */
  readonly retryAfterSeconds?: number;
  /** `blocked`: the vendor refuses this recipient altogether (fraud guard, opt-out, region). */
  readonly detail?: 'blocked';
  /** Price of the message, as the vendor reported it. */
  readonly cost?: { readonly amount: string; readonly unit: string };
}

/** The vendor's response to a check. */
export interface CheckReceipt {
  readonly outcome: CheckOutcome;
  /** Wait that the vendor demands, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** A vendor's figure: fixed, a range from which a request chooses, or not documented. */
export type VendorFigure = number | readonly [min: number, max: number] | 'unknown';

/** What an adapter declares about its vendor. The module relies on these values, never on vendor names. */
export interface ProviderCapabilities {
  /** How a check finds its send: by this module's id, by the vendor's id, by phone number alone; `none` if the vendor checks nothing. */
  readonly correlation: 'caller_id' | 'provider_id' | 'phone' | 'none';
  /** Digits of a code. */
  readonly codeLength: VendorFigure;
  /** Lifetime of a code, in seconds. */
  readonly ttlSeconds: VendorFigure;
  /** Number of codes that the vendor compares per message. */
  readonly maxAttempts: VendorFigure;
  /** Seconds between two sends to one phone; `ttl`: no new send until the current code expires. */
  readonly resendCooldown: number | 'ttl' | 'unknown';
  /** Languages that the vendor supports; `any` if this module writes the text. */
  readonly languages: readonly string[] | 'any';
  /** The text cannot name an amount or a payee, because the vendor writes it. */
  readonly fixedText: boolean;
  /** Repeating a send with the same `attemptId` sends no second message. */
  readonly idempotent: boolean;
  /** Receipts include the price. */
  readonly reportsCost: boolean;
  /** The vendor tells an expired code from a wrong one. */
  readonly distinguishesExpired: boolean;
  /** For development and tests only: the application does not start with it in production. */
  readonly developmentOnly: boolean;
}

/** Capabilities of an adapter that only delivers texts, to spread into its own. */
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
