import type { OtpTransaction } from '../database/transaction.js';

/** An account as the host names it. */
export interface PhoneAccount {
  id: string;
}

/** Whether a request carries a factor other than the phone, such as a password or an authenticator app. */
export type OtherFactor = 'proved' | 'missing' | 'none';

/**
 * What the host knows of its accounts. Optional: provide a class under this token anywhere in the application.
 * Without one the ledger decides: a phone belongs to whoever owns it as a verified number.
 *
 * Every method may throw an `HttpException`, which becomes the answer. One that does not answer within five seconds
 * counts as failed, and nothing is granted.
 *
 * Where a call of the module runs in a transaction, its methods get that as their last argument, with TypeORM the `EntityManager`: ask the
 * database through it. A method that takes a connection of its own there may wait for one that the transaction holds.
 *
 * @example { provide: PhoneAccounts, useClass: CustomerAccounts }
 */
export abstract class PhoneAccounts {
  /**
   * The account that may use this phone (canonical E.164) for this purpose; null for an unknown and for a blocked one
   * alike, which both get a decoy. It should take the same time for either, or the time of the answer tells them apart.
   */
  abstract findByPhone(phone: string, purpose: string, transaction?: OtpTransaction): Promise<PhoneAccount | null>;

  /**
   * Makes an account for a number that somebody proved at a login (option `registerOnLogin`), in the transaction that
   * binds the number to it.
   */
  register?(phone: string, transaction: OtpTransaction): Promise<PhoneAccount>;

  /**
   * Called when a number is bound to an account that never had one, in the transaction that binds it: the account may have
   * been prepared by somebody who only named the number. Drop whatever was made for it before this transaction: passwords,
   * sessions, linked logins. The module drops trusted devices and recovery codes. So what the person chooses now, such as a
   * password, is stored after `VerifiedNumbers.activate`, not before. What it throws rolls the transaction back.
   *
   * With this method, a login by a number that only the host's own data gives to an account binds it, if that account never
   * had one (and is refused if it did: then nobody proved that this number is its own).
   */
  firstProof?(account: string, phone: string, transaction: OtpTransaction): Promise<void>;

  /**
   * Whether an account may still do this: asked when its code is verified and again when the grant is used, so that an
   * account that was blocked in between gets no further. @defaultValue true
   */
  mayUse?(subject: string, purpose: string, transaction?: OtpTransaction): Promise<boolean>;

  /**
   * Asked where a code by SMS may not be enough: at a password reset (`missing` refuses it), and at the login of an
   * account whose number was not proved for `dormantAfterDays` (only `proved` lets it in), since the carrier may have
   * given the number to somebody else.
   * @param request the platform's own (Express, Fastify)
   * @defaultValue 'none': the account has no other factor
   */
  otherFactor?(subject: string, purpose: string, request: unknown): Promise<OtherFactor>;
}
