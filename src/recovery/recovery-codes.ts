import { v7 as uuidv7 } from 'uuid';

import { lockedOut } from '../challenges/challenges.js';
import type { SessionBinding } from '../challenges/session-binding.js';
import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import { formatGrant, grantHash, newGrantSecret } from '../crypto/token.js';
import { readLocale, requireObject, requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import type { BuiltInPurpose } from '../config/purposes.js';
import { drawRecoveryCode, recoveryCodeHash } from './recovery-code.js';

/** What a recovery code may replace: the phone at a login, or the current number in a number change. */
export type RecoveryPurpose = Extract<BuiltInPurpose, 'second_factor' | 'change_number'>;

const RECOVERY_PURPOSES: readonly RecoveryPurpose[] = ['second_factor', 'change_number'];

/** Input of `RecoveryCodes.use`. */
export interface RecoveryUse {
  purpose: RecoveryPurpose;
  /** The login session, if the grant will be used in one. */
  session?: string;
  /** The lost number (canonical E.164), if the account has several. @defaultValue the number that a code would be sent to */
  phone?: string;
  /** Language of the notice. @defaultValue the option `defaultLocale` */
  locale?: string;
}

/** The result of a used recovery code. */
export interface Recovered {
  /** Works like any grant of this purpose; its `Proof` has the source `recovery`. */
  grant: string;
  expiresAt: Date;
  /** Number of unused codes. Once the user has regained access, `RecoveryCodes.replaceUsed` replaces the used ones. */
  remaining: number;
}

/** A new code that replaces a used one. */
export interface NewRecoveryCode {
  /** Position in the array that `issue` returned, starting at 1. */
  place: number;
  code: string;
}

/** Notifies a phone of the account after a recovery code was used. */
export type NotifyPhone = (phone: string, locale: string | undefined) => void;

interface Parts {
  database: Database;
  bind: SessionBinding;
  hash: KeyedHash;
  settings: OtpSettings;
  events: EventSink;
  notifyPhone: NotifyPhone;
}

const CODES = 10;

/** Recovery codes that users keep, for example on paper, in case they lose the phone (NIST SP 800-63B-4 §4.2.1.1). Optional. */
export class RecoveryCodes {
  readonly #audit: boolean;

  /** @internal */
  constructor(private readonly parts: Parts) {
    this.#audit = parts.settings.audit;
  }

  /**
   * Issues ten new codes and invalidates all earlier ones. Only hashes are stored, so show the codes now: they cannot be
   * retrieved later. Require a new code from the phone first, for example with `@StepUp`; otherwise a stolen session could use
   * recovery codes to keep access.
   * @throws {@link OtpError} `request_invalid` · `service_unavailable`
   */
  async issue(account: string, transaction?: OtpTransaction): Promise<string[]> {
    requireText('account', account);
    const { database, events } = this.parts;
    const { codes, hashes } = draw(account);
    await database.call('issue_codes', { account, hashes, audit: this.#audit }, transaction);
    database.afterCommit(transaction, () => events.emit('otp.recovery_issued', { account, codes: CODES }));
    return codes;
  }

  /**
   * Replaces each used code by a new one (NIST SP 800-63B-4 §4.2.1.1). Unused codes stay valid, so a printed list stays usable.
   * Show the new codes now: they cannot be retrieved later. Of several parallel calls, only one returns the new codes.
   *
   * This is not part of {@link RecoveryCodes.use}, which would hand the next code to a thief of one code. Call it once the user
   * has regained access, and require a new code from the phone, as for `issue`.
   * @returns an empty array if no code is used or the account has no codes
   * @throws {@link OtpError} `request_invalid` · `service_unavailable` (used codes may have been replaced by codes that were
   * never returned: call `issue`)
   */
  async replaceUsed(account: string, transaction?: OtpTransaction): Promise<NewRecoveryCode[]> {
    requireText('account', account);
    const { database, events } = this.parts;
    const { codes, hashes } = draw(account);
    const request = { account, hashes, audit: this.#audit };
    const { places } = await database.call<{ places: number[] }>('replace_codes', request, transaction);
    if (places.length > 0) {
      const event = { account, codes: places.length };
      database.afterCommit(transaction, () => events.emit('otp.recovery_replaced', event));
    }
    return places.map((place) => ({ place, code: codes[place - 1]! }));
  }

  /**
   * Uses a code once and returns a grant: of `second_factor` for a login with a password or for `PhoneAccounts.otherFactor`, or
   * of `change_number` in place of a code to the lost number. A recovery code cannot authorize a transaction or a password
   * reset, and it proves no number. The account's phones receive a notice.
   *
   * Require another factor first, such as the password: wrong recovery codes lock the account out, like wrong codes by SMS, but
   * in a separate lockout. Never call it inside a transaction: its counters must survive a rollback.
   * @throws {@link OtpError} `code_malformed` (no attempt was spent) · `recovery_code_invalid` for a wrong or used code and for
   * an account without codes · `locked_out` · `phone_missing` if there is no number to change (the code was not used) ·
   * `request_invalid` · `service_unavailable` (the code may have been used)
   */
  async use(account: string, code: string, use: RecoveryUse): Promise<Recovered> {
    requireText('account', account);
    requireObject('The last argument of "use()"', use);
    const { purpose, session, phone, locale } = use;
    if (!RECOVERY_PURPOSES.includes(purpose)) {
      const purposes = RECOVERY_PURPOSES.join('" or "');
      throw new OtpError('request_invalid', `"purpose" of a recovery code must be "${purposes}".`);
    }
    readLocale(locale); // checked now: the notice must not fail after the code is used
    const { database, bind, hash, settings, events, notifyPhone } = this.parts;
    const id = uuidv7();
    const secret = newGrantSecret();
    const binding = bind(settings.purposes.get(purpose), {
      subject: account,
      ...(session !== undefined && { session }),
    });
    const answer = await database.call<RecoverAnswer>('recover', {
      account,
      account_hash: hex(hash.ofAccount(account)),
      code_hash: hex(recoveryCodeHash(account, code)),
      ...(phone !== undefined && { phone: requireText('phone', phone) }),
      needs_number: purpose === 'change_number',
      id,
      purpose,
      ...(binding && { session_binding: hex(binding) }),
      grant_hash: hex(grantHash(secret)),
      grant_seconds: settings.grantTtlSeconds,
      failures_per_hour: settings.failuresPerHour,
      failures_in_a_row: settings.failuresInARow,
      lockout_minutes: settings.lockoutMinutes,
      audit: this.#audit,
    });
    if (answer.refused_by !== undefined) throw this.#refuse(account, purpose, answer);
    const { remaining } = answer;
    events.emit('otp.recovery_used', { account, purpose, remaining });
    for (const each of answer.phones) notifyPhone(each, locale);
    return { grant: formatGrant(id, secret), expiresAt: new Date(answer.grant_expires_at), remaining };
  }

  /** Returns the number of unused codes of an account; 0 if it has no set. */
  async remaining(account: string): Promise<number> {
    const request = { account: requireText('account', account) };
    return (await this.parts.database.call<{ remaining: number }>('count_codes', request)).remaining;
  }

  /** Invalidates the codes of an account, for example when it is closed. @returns whether the account had any */
  async revoke(account: string, transaction?: OtpTransaction): Promise<boolean> {
    const request = { account: requireText('account', account), audit: this.#audit };
    return (await this.parts.database.call<{ revoked: number }>('revoke_codes', request, transaction)).revoked > 0;
  }

  #refuse(account: string, purpose: RecoveryPurpose, answer: RefusedRecovery): OtpError {
    const { refused_by: refusedBy, retry_after: retryAfter } = answer;
    const closed = (answer.failures_in_a_row ?? 0) >= this.parts.settings.failuresInARow;
    this.parts.events.emit('otp.recovery_refused', {
      account,
      purpose,
      reason: refusedBy,
      failures: answer.failures ?? 0,
      closed,
    });
    if (refusedBy === 'locked_out') return lockedOut(retryAfter!);
    if (refusedBy === 'phone_missing') {
      return new OtpError('phone_missing', 'This account has no such verified number to change. Verify one instead.');
    }
    return new OtpError('recovery_code_invalid', 'This recovery code cannot be used. Try another one.');
  }
}

interface RefusedRecovery {
  refused_by: 'locked_out' | 'wrong_code' | 'used' | 'phone_missing';
  retry_after: number | null;
  failures: number | null;
  failures_in_a_row: number | null;
}

type RecoverAnswer =
  | RefusedRecovery
  | {
      refused_by?: undefined;
      grant_expires_at: string;
      /** Unused codes of the set. */
      remaining: number;
      /** The numbers of the account, which receive a notice. */
      phones: string[];
    };

/** Draws a code for each place of a set, and its hash. */
function draw(account: string): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: CODES }, drawRecoveryCode);
  return { codes, hashes: codes.map((code) => hex(recoveryCodeHash(account, code))) };
}
