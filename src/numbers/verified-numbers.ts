import type { Auditor } from '../audit/auditor.js';
import type { HostAccounts } from '../accounts/host-accounts.js';
import { type Database, isOpen } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import {
  type GrantAnswer,
  type GrantExpectation,
  grantInvalid,
  type GrantRequest,
  type Grants,
  type Proof,
} from '../grants/grants.js';
import { readLocale, requireDate, requireObject, requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import { maskPhone } from '../phone/mask.js';

/** A number and its owner. */
export interface OwnedNumber {
  /** Canonical E.164. */
  phone: string;
  owner: string;
  verifiedAt: Date;
  lastProvedAt: Date;
  /** End of the hold after the number joined or replaced another: until then it confirms neither a password reset nor a transaction. */
  heldUntil: Date | null;
}

/** One binding of a number, past or present. */
export interface NumberBinding extends OwnedNumber {
  /** Purpose of the code that proved the number. */
  source: string;
  releasedAt: Date | null;
  /** `changed`, `changed_by_recovery` (with a recovery code), `transferred`, or the reason passed to `release`. */
  releaseReason: string | null;
}

/** Input for a number change: a new code from each phone, or a recovery code in place of a lost phone. */
export interface NumberChange {
  /** Grant of purpose `change_number`, from the old number or from `RecoveryCodes.use`. */
  currentNumberGrant: string;
  /** Grant of purpose `verify_number`, from the new number. */
  newNumberGrant: string;
  /** The login session, if both codes were started with one. */
  session?: string;
  /** Language of the notice to the old number. @defaultValue the option `defaultLocale` */
  locale?: string;
}

/** Notifies the old number after a change. */
export type NotifyOldNumber = (phone: string, locale: string | undefined) => void;

interface Parts {
  database: Database;
  grants: Grants;
  settings: OtpSettings;
  events: EventSink;
  auditor: Auditor;
  hash: KeyedHash;
  notifyOldNumber: NotifyOldNumber;
  accounts: HostAccounts;
}

const HOUR = 3600;

/**
 * The ledger of verified numbers: who owns and owned each number. Only these methods write to it; verifying a code never does.
 * Methods that write accept your transaction, so that both commit together or not at all.
 */
export class VerifiedNumbers {
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Uses a grant and binds the number it proved to an owner.
   *
   * Pass the transaction that creates the account, so that account and binding are stored together or not at all. A number of
   * another account stays with that account, unless the option `takenNumbers` transfers it.
   * @param transaction with TypeORM, the `manager`. Without one, the binding commits immediately.
   * @param proof what the grant must have been issued for: by default a `registration` by phone only. If a signed-in account
   * adds a number, pass `{ purpose: 'verify_number', subject: owner, session }`.
   * @throws {@link OtpError} `phone_already_activated` if another account owns the number; the grant and the transaction stay
   * usable · `request_invalid` · `grant_required` · `grant_invalid` · `service_unavailable`
   */
  async activate(
    grant: string,
    owner: string,
    transaction?: OtpTransaction,
    proof: GrantExpectation = { purpose: 'registration' },
  ): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('The expectation of the grant', proof);
    const { subject = null } = proof;
    if (subject !== null && subject !== owner) {
      throw new OtpError(
        'request_invalid',
        '"subject" must equal "owner": a number can only be activated for the account that proved it.',
      );
    }
    const { database, grants, accounts } = this.parts;
    const request = grants.requestOf(grant, proof);
    if (!isOpen(transaction) && accounts.awaitsFirstProof) {
      return database.transaction((own) => this.activate(grant, owner, own, proof)); // an error of the host rolls it back
    }
    if (request.purposes.some((purpose) => accounts.mayRefuse({ account: subject, purpose }))) {
      await this.#assertUsable(request, transaction);
    }

    const answer = await database.call<{ grant: GrantAnswer; number?: BindAnswer }>(
      'activate',
      { ...request, owner, ...this.#rules() },
      transaction,
    );
    const { number } = answer;
    if (number?.refused_by === 'phone_already_activated') {
      throw this.#refuseTaken(owner, answer.grant, transaction);
    }
    const refusedBy = number?.refused_by ?? answer.grant.refused_by;
    if (refusedBy !== null) {
      throw await grants.refuse({ ...answer.grant, refused_by: refusedBy }, request, transaction);
    }
    const { purpose } = grants.reportUse(answer.grant, transaction);
    return this.#reportBinding(number as BoundNumber, purpose, transaction);
  }

  /** Rejects a grant that the host refuses before anything is written, because the host may commit its transaction anyway. */
  async #assertUsable(request: GrantRequest, transaction: OtpTransaction | undefined): Promise<void> {
    const { database, grants } = this.parts;
    const answer = await database.call<GrantAnswer>('check_grant', request, transaction);
    await grants.requireProof(answer, request, transaction);
  }

  /**
   * Like {@link VerifiedNumbers.activate}, for a grant that the same transaction has used already.
   * @throws {@link OtpError} `phone_already_activated` · `grant_invalid` · `request_invalid` · `service_unavailable`. Let the
   * transaction roll back: the grant is then unused again.
   */
  async bind(
    proof: Pick<Proof, 'phone' | 'purpose' | 'provedAt'> & Partial<Proof>,
    owner: string,
    transaction: OtpTransaction,
  ): Promise<OwnedNumber> {
    const { phone, purpose, provedAt, challengeId, source } = proof;
    if (source === 'recovery') throw grantInvalid(); // a recovery code proves no number
    requireDate('provedAt', provedAt);
    const { database, hash } = this.parts;
    const answer = await database.call<BindAnswer>(
      'bind_number',
      {
        phone,
        owner,
        source: purpose,
        proved_at: provedAt,
        phone_hash: hex(hash.ofPhone(phone)),
        challenge_id: challengeId,
        ...this.#rules(),
      },
      transaction,
    );
    if (answer.refused_by === 'number_released') throw grantInvalid();
    if (answer.refused_by !== undefined) {
      throw this.#refuseTaken(owner, { purpose, phone, challenge_id: challengeId ?? null }, transaction);
    }
    return this.#reportBinding(answer, purpose, transaction);
  }

  /**
   * Moves an account from one number to another. The old number receives a notice if its provider delivers custom texts. The
   * event `otp.number_changed` is emitted: notify the account's e-mail address in a listener. For `holdHours`, the new number
   * confirms neither a password reset nor a transaction (OWASP Multifactor Authentication Cheat Sheet).
   * @throws {@link OtpError} `request_invalid` · `grant_required` · `grant_invalid` · `phone_already_activated` ·
   * `service_unavailable`. Let the transaction roll back.
   */
  async change(owner: string, change: NumberChange, transaction?: OtpTransaction): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('The change', change);
    const { currentNumberGrant, newNumberGrant, session, locale } = change;
    readLocale(locale); // checked now, or a caller could suppress the notice after the commit with an invalid locale
    const { database, grants, events, accounts, auditor, notifyOldNumber } = this.parts;
    if (!isOpen(transaction)) return database.transaction((own) => this.change(owner, change, own));
    const who = { subject: owner, ...(session !== undefined && { session }) };
    const current = grants.requestOf(currentNumberGrant, { purpose: 'change_number', ...who });
    const next = grants.requestOf(newNumberGrant, { purpose: 'verify_number', ...who });
    if (accounts.mayRefuse({ account: owner, purpose: 'change_number' })) {
      await this.#assertUsable(current, transaction);
      await this.#assertUsable(next, transaction);
    }

    const request = { current, new: next, owner, ...this.#rules() };
    const answer = await database.call<ChangeAnswer>('change_number', request, transaction);
    const { number, refused_by: refusedBy } = answer;
    if (refusedBy === 'same_number') {
      throw new OtpError('request_invalid', 'The new number equals the current one. Verify a different number.');
    }
    if (refusedBy === 'not_the_owner') {
      throw new OtpError('grant_invalid', 'The current number no longer belongs to this account.');
    }
    if (answer.current.refused_by !== null) throw await grants.refuse(answer.current, current, transaction);
    if (number?.refused_by === 'phone_already_activated') {
      throw this.#refuseTaken(owner, answer.new!, transaction);
    }
    const reason = number?.refused_by ?? refusedBy ?? answer.new!.refused_by;
    if (reason !== null) throw await grants.refuse({ ...answer.new!, refused_by: reason }, next, transaction);
    const { phone: from, source, challengeId } = grants.reportUse(answer.current, transaction);
    const proof = grants.reportUse(answer.new!, transaction);
    const newNumber = await this.#reportBinding(number as BoundNumber, proof.purpose, transaction);
    if (source === 'recovery') {
      const fact = { event: 'number_changed', outcome: 'changed_by_recovery', purpose: 'change_number' } as const;
      await auditor.add({ ...fact, account: owner, phone: from, challengeId }, transaction);
    }
    database.afterCommit(transaction, () => {
      events.emit('otp.number_changed', { owner, from: maskPhone(from), to: maskPhone(proof.phone) });
      notifyOldNumber(from, locale);
    });
    return newNumber;
  }

  /**
   * Ends a binding, for example when an account is closed. Challenges and grants started for the number before can no longer
   * be used.
   * @param reason stored with the binding, such as `account_closed`
   * @returns whether the owner had the number
   * @throws {@link OtpError} `request_invalid` · `service_unavailable`
   */
  async release(phone: string, owner: string, reason: string, transaction?: OtpTransaction): Promise<boolean> {
    requireText('phone', phone);
    requireText('owner', owner);
    requireText('reason', reason);
    const { database, events, hash, settings } = this.parts;
    const request = { phone, owner, reason, phone_hash: hex(hash.ofPhone(phone)), audit: settings.audit };
    const { released } = await database.call<{ released: boolean }>('release_number', request, transaction);
    if (released) {
      database.afterCommit(transaction, () =>
        events.emit('otp.number_released', { owner, phone: maskPhone(phone), reason }),
      );
    }
    return released;
  }

  /** Returns the current owner of a number (canonical E.164), or the owner as a transaction sees it; null if there is none. */
  async ownerOf(phone: string, transaction?: OtpTransaction): Promise<string | null> {
    const request = { phone: requireText('phone', phone) };
    return (await this.parts.database.call<{ owner: string | null }>('owner_of', request, transaction)).owner;
  }

  /** Returns the current numbers of an account, most recently proved first; numbers on hold come last. */
  async numbersOf(owner: string, transaction?: OtpTransaction): Promise<OwnedNumber[]> {
    const request = { owner: requireText('owner', owner) };
    const { numbers } = await this.parts.database.call<{ numbers: NumberAnswer[] }>('numbers_of', request, transaction);
    return numbers.map(toOwnedNumber);
  }

  /** Returns the bindings of a number or of an account, newest first; at most 1000. */
  async history(of: { phone: string } | { owner: string }): Promise<NumberBinding[]> {
    requireObject('The argument of "history()"', of);
    const request =
      'phone' in of ? { phone: requireText('phone', of.phone) } : { owner: requireText('owner', of.owner) };
    const { bindings } = await this.parts.database.call<{ bindings: BindingAnswer[] }>('number_history', request);
    return bindings.map(toBinding);
  }

  /**
   * Renews the proof date of an account's number, as a login does.
   * @param admitDormant pass `true` if another factor was proved: the date is then also renewed for a dormant account, whose
   * number was not proved for `dormantAfterDays`
   * @returns `bound`: whether the ledger binds the number to the account. `dormant`: whether the account is dormant; its date
   * is then not renewed, unless `admitDormant` is set.
   */
  async prove(phone: string, owner: string, admitDormant = false): Promise<{ bound: boolean; dormant: boolean }> {
    const { database, settings } = this.parts;
    return database.call('prove_number', {
      phone,
      owner,
      ...(!admitDormant && { dormant_days: settings.dormantAfterDays }),
    });
  }

  /** The fields of a `binding_request` (types.sql) that come from options. */
  #rules() {
    const { takenNumbers, reconfirmAfterDays, holdHours, audit } = this.parts.settings;
    return {
      policy: takenNumbers,
      reconfirm_days: reconfirmAfterDays,
      hold_seconds: holdHours * HOUR,
      ...(audit && { audit }),
    };
  }

  #refuseTaken(
    owner: string,
    { purpose, phone, challenge_id: challengeId }: Pick<GrantAnswer, 'purpose' | 'phone' | 'challenge_id'>,
    transaction: OtpTransaction | undefined,
  ): OtpError {
    const refusal = { event: 'refused', outcome: 'phone_already_activated' } as const;
    this.parts.auditor.note(
      { ...refusal, purpose, account: owner, phone, ...(challengeId && { challengeId }) },
      transaction,
    );
    return new OtpError('phone_already_activated', 'This number is already activated for another account.');
  }

  /** Calls `PhoneAccounts.firstProof` for an account's first number, and emits the events after the commit. */
  async #reportBinding(
    number: BoundNumber,
    purpose: string,
    transaction: OtpTransaction | undefined,
  ): Promise<OwnedNumber> {
    const { database, events, accounts } = this.parts;
    const { owner, phone, previous_owner: from } = number;
    if (number.first && transaction) await accounts.firstProof(owner, phone, transaction);
    const masked = maskPhone(phone);
    database.afterCommit(transaction, () => {
      if (from !== null) events.emit('otp.number_transferred', { from, to: owner, phone: masked });
      events.emit('otp.number_activated', { owner, phone: masked, purpose });
    });
    return toOwnedNumber(number);
  }
}

/** A number in the database's answer (numbers.sql). */
interface NumberAnswer {
  phone: string;
  owner: string;
  verified_at: string;
  last_proved_at: string;
  held_until: string | null;
}

interface BoundNumber extends NumberAnswer {
  refused_by?: undefined;
  /** The owner until now. */
  previous_owner: string | null;
  /** Whether this is the account's first number ever. */
  first: boolean;
}

type BindAnswer = BoundNumber | { refused_by: 'number_released' | 'phone_already_activated' };

interface ChangeAnswer {
  current: GrantAnswer;
  new?: GrantAnswer;
  number?: BindAnswer;
  refused_by?: 'proves_no_number' | 'same_number' | 'not_the_owner';
}

interface BindingAnswer extends NumberAnswer {
  source: string;
  released_at: string | null;
  release_reason: string | null;
}

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

function toOwnedNumber({ phone, owner, verified_at, last_proved_at, held_until }: NumberAnswer): OwnedNumber {
  const [verifiedAt, lastProvedAt] = [new Date(verified_at), new Date(last_proved_at)];
  return { phone, owner, verifiedAt, lastProvedAt, heldUntil: date(held_until) };
}

function toBinding(row: BindingAnswer): NumberBinding {
  const { source, released_at: releasedAt, release_reason: releaseReason } = row;
  return { ...toOwnedNumber(row), source, releasedAt: date(releasedAt), releaseReason };
}
