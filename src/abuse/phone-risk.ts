/** What a carrier, or somebody who asks the carriers, knows of a number (as CAMARA SimSwap and NumberRecycling tell it). */
export interface PhoneSignals {
  /** When the SIM behind the number was changed last. */
  simSwappedAt?: Date | null;
  /** When the number moved to another carrier. */
  portedAt?: Date | null;
  /** When the number was given to another subscriber. */
  recycledAt?: Date | null;
  /** Whatever else speaks against trusting the number now. */
  risky?: boolean;
}

/** A code that is about to go to a phone. */
export interface PhoneToAssess {
  /** Canonical E.164. */
  phone: string;
  purpose: string;
  /** The account, where one is signed in. */
  subject?: string;
}

/**
 * Asked before a code goes out, where the host provides a class under this token. A sign within `riskWindowHours` withholds
 * the code: a signed-in account is told `other_factor_needed`; anybody else gets the usual answer and no message. Whoever
 * does not answer within two seconds, or throws, has said nothing against a login, and has not cleared a password reset, a
 * change of number or a transaction.
 */
export abstract class PhoneRisk {
  abstract assess(phone: PhoneToAssess): Promise<PhoneSignals>;
}
