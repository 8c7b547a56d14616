/** An account as the host names it. */
export interface PhoneAccount {
  id: string;
}

/**
 * What the host knows of its accounts. Optional: provide a class under this token anywhere in the application.
 * Without one the ledger decides: a phone belongs to whoever owns it as a verified number.
 *
 * @example { provide: PhoneAccounts, useClass: CustomerAccounts }
 */
export abstract class PhoneAccounts {
  /**
   * The account that may use this phone (canonical E.164) for this purpose; null for an unknown and for a blocked one
   * alike, which both get a decoy. It should take the same time for either, or the time of the answer tells them apart.
   */
  abstract findByPhone(phone: string, purpose: string): Promise<PhoneAccount | null>;
}
