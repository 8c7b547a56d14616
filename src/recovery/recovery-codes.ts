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

/** What a recovery code may stand in for: the phone at a login, and the current number when it is changed. */
export type RecoveryPurpose = Extract<BuiltInPurpose, 'second_factor' | 'change_number'>;

const RECOVERY_PURPOSES: readonly RecoveryPurpose[] = ['second_factor', 'change_number'];

export interface RecoveryUse {
  purpose: RecoveryPurpose;
  /** The login session, where the grant is to be used in one. */
  session?: string;
  /** The number that was lost (canonical E.164), where the account has several. @defaultValue the one a code would go to */
  phone?: string;
  /** Language of the notice. @defaultValue the option `defaultLocale` */
  locale?: string;
}

export interface Recovered {
  /** Works wherever a grant of this purpose does; its `Proof` has the source `recovery`. */
  grant: string;
  expiresAt: Date;
  /** Codes that are left. Once the person is back in, `RecoveryCodes.replaceUsed` puts a new one in the place of each used one. */
  remaining: number;
}

/** What stands in the place of a used code. */
export interface NewRecoveryCode {
  /** From 1 on: that of the used code in the answer of `issue`. */
  place: number;
  code: string;
}

/** Told when a code was used, so that whoever holds the account's phones hears of it. */
export type TellRecovered = (phone: string, locale: string | undefined) => void;

interface Parts {
  database: Database;
  bind: SessionBinding;
  hash: KeyedHash;
  settings: OtpSettings;
  events: EventSink;
  tell: TellRecovered;
}

const CODES = 10;

/** Codes that people keep on paper for the day when the phone is gone (NIST SP 800-63B-4 §4.2.1.1). Nobody needs to use them. */
export class RecoveryCodes {
  readonly #audit: boolean;

  /** @internal */
  constructor(private readonly parts: Parts) {
    this.#audit = parts.settings.audit;
  }

  /**
   * Draws ten new codes; those from before are dead. They can be shown this once only: what is stored are hashes. Ask for a
   * fresh code to the phone first, for example with `@StepUp`, or a stolen session has a way to stay.
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
   * Draws a new code in the place of each used one (NIST SP 800-63B-4 §4.2.1.1); the others stay good, and with them what
   * was printed. The new ones can be shown this once only: of calls at the same time, one has them and the others none.
   *
   * It is no part of {@link RecoveryCodes.use}, because whoever stole one code would be handed the next. Call it once the
   * person is back in, behind a fresh code to the phone as `issue` is.
   * @returns none where none was used, and for an account that has no codes
   * @throws {@link OtpError} `request_invalid` · `service_unavailable` (codes may have been replaced by such as nobody has:
   * `issue` a new set)
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
   * Uses a code, once. What it is worth is a grant: of `second_factor` for a login beside a password, or where
   * `PhoneAccounts.otherFactor` is asked; of `change_number` instead of a code to the number that is lost. Nothing else: no
   * transaction, no password reset, and it proves no number.
   *
   * Ask for another factor first, such as the password: wrong codes lock the account out, as those to the phone do (but
   * apart from them). Never call it inside a transaction: what it counts must stay counted. The phone is told.
   * @throws {@link OtpError} `code_malformed` (no try was spent) · `recovery_code_invalid` for a wrong or used code and for
   * an account that has none · `locked_out` · `phone_missing` (the code was not used) when there is no number to change ·
   * `request_invalid` · `service_unavailable` (the code may have been used)
   */
  async use(account: string, code: string, use: RecoveryUse): Promise<Recovered> {
    requireText('account', account);
    requireObject('The use', use);
    const { purpose, session, phone, locale } = use;
    if (!RECOVERY_PURPOSES.includes(purpose)) {
      const purposes = RECOVERY_PURPOSES.join('" or "');
      throw new OtpError('request_invalid', `"purpose" of a recovery code must be "${purposes}".`);
    }
    readLocale(locale); // now: a notice must not fail after the code is used
    const { database, bind, hash, settings, events, tell } = this.parts;
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
    if (answer.refused_by !== undefined) throw this.#refused(account, purpose, answer);
    const { remaining } = answer;
    events.emit('otp.recovery_used', { account, purpose, remaining });
    for (const each of answer.phones) tell(each, locale);
    return { grant: formatGrant(id, secret), expiresAt: new Date(answer.grant_expires_at), remaining };
  }

  /** How many codes of an account were not used yet; 0 where it has no set. */
  async remaining(account: string): Promise<number> {
    const request = { account: requireText('account', account) };
    return (await this.parts.database.call<{ remaining: number }>('count_codes', request)).remaining;
  }

  /** Ends the codes of an account, for example when it is closed. @returns whether it had any */
  async revoke(account: string, transaction?: OtpTransaction): Promise<boolean> {
    const request = { account: requireText('account', account), audit: this.#audit };
    return (await this.parts.database.call<{ revoked: number }>('revoke_codes', request, transaction)).revoked > 0;
  }

  #refused(account: string, purpose: RecoveryPurpose, answer: RefusedRecovery): OtpError {
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
      return new OtpError('phone_missing', 'This account has no such verified number to change: verify one instead.');
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
      /** Codes of the set that were not used yet. */
      remaining: number;
      /** The numbers of the account, to be told. */
      phones: string[];
    };

/** A code for each place of a set, and the form in which it is stored. */
function draw(account: string): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: CODES }, drawRecoveryCode);
  return { codes, hashes: codes.map((code) => hex(recoveryCodeHash(account, code))) };
}
