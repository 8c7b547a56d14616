import type { OtpTransaction } from '../database/transaction.js';

/** An account of your application. */
export interface PhoneAccount {
  id: string;
}

/** Whether a request carries a factor other than the phone, such as a password or an authenticator app. */
export type OtherFactor = 'proved' | 'missing' | 'none';

/**
 * Connects the module to your accounts. Optional: provide a class under this token anywhere in the application. Without it, the
 * ledger decides: a phone belongs to the account that owns it as a verified number.
 *
 * Every method may throw an `HttpException`, which becomes the response. A method that does not answer within 5 seconds counts
 * as failed, and nothing is granted.
 *
 * If a call of the module runs in a transaction, the methods receive it as their last argument, with TypeORM the
 * `EntityManager`: query the database through it. A method that opens its own connection there may wait for one that the
 * transaction holds.
 *
 * @example { provide: PhoneAccounts, useClass: CustomerAccounts }
 */
export abstract class PhoneAccounts {
  /**
   * Returns the account that may use this phone (canonical E.164) for this purpose; null for an unknown phone and for a blocked
   * account. Both get a decoy. The method should take the same time in all cases, or the response time reveals the difference.
   */
  abstract findByPhone(phone: string, purpose: string, transaction?: OtpTransaction): Promise<PhoneAccount | null>;

  /**
   * Creates an account for a number that was proved at a login (option `registerOnLogin`), in the transaction that binds the
   * number to it.
   */
  register?(phone: string, transaction: OtpTransaction): Promise<PhoneAccount>;

  /**
   * Called when an account gets its first number, in the transaction that binds the number. An attacker who only knew the number
   * may have prepared the account. Remove everything created for it before this transaction: passwords, sessions, linked logins.
   * The module removes trusted devices and recovery codes. Store what the user chooses now, such as a password, after
   * `VerifiedNumbers.activate`, not before. An error thrown here rolls the transaction back.
   *
   * If you implement this method, a login by a number that only your own data assigns to an account binds the number, provided
   * that the account never had a verified number. If it had one, the login is rejected, because nobody proved that this number
   * belongs to the account.
   */
  firstProof?(account: string, phone: string, transaction: OtpTransaction): Promise<void>;

  /**
   * Whether an account may still use this purpose. Called when its code is verified and again when the grant is used, so an
   * account blocked in between is rejected. @defaultValue true
   */
  mayUse?(subject: string, purpose: string, transaction?: OtpTransaction): Promise<boolean>;

  /**
   * Whether the request proves another factor. Called where a code by SMS may not be enough: at a password reset (`missing`
   * rejects it), and at the login of an account whose number was not proved for `dormantAfterDays` (only `proved` allows it),
   * because the carrier may have assigned the number to another subscriber.
   * @param request the platform's request object (Express, Fastify)
   * @defaultValue 'none': the account has no other factor
   */
  otherFactor?(subject: string, purpose: string, request: unknown): Promise<OtherFactor>;
}
