/** Risk signals of a phone number from a carrier or an aggregator, such as CAMARA SimSwap and NumberRecycling. */
export interface PhoneSignals {
  /** When the SIM of the number was last changed. */
  simSwappedAt?: Date | null;
  /** When the number was last ported to another carrier. */
  portedAt?: Date | null;
  /** When the number was last assigned to another subscriber. */
  recycledAt?: Date | null;
  /** Any other reason not to trust the number now. */
  risky?: boolean;
}

/** The phone that a code is about to be sent to. */
export interface PhoneToAssess {
  /** Canonical E.164. */
  phone: string;
  purpose: string;
  /** The signed-in account, if any. */
  subject?: string;
}

/**
 * Assesses a phone number before a code is sent. To use it, provide a class under this token.
 *
 * A signal within `riskWindowHours` withholds the code: a signed-in account gets `other_factor_needed`; an anonymous caller gets
 * the usual answer but no message. If the class throws or does not answer within 2 seconds, codes for logins are sent; codes
 * for a password reset, a number change, a transaction and your own purposes are withheld. Codes for `registration` and
 * `verify_number` are never withheld.
 */
export abstract class PhoneRisk {
  abstract assess(phone: PhoneToAssess): Promise<PhoneSignals>;
}
