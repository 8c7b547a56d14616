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

/** A number and whom it belongs to. */
export interface OwnedNumber {
  /** Canonical E.164. */
  phone: string;
  owner: string;
  verifiedAt: Date;
  lastProvedAt: Date;
  /** Until then it confirms neither a password reset nor a transaction, since it joined or replaced another number. */
  heldUntil: Date | null;
}

/** One binding of a number, past or present. */
export interface NumberBinding extends OwnedNumber {
  /** The purpose of the code that proved it. */
  source: string;
  releasedAt: Date | null;
  /** `changed`, `changed_by_recovery` (with a recovery code), `transferred`, or what `release` was told. */
  releaseReason: string | null;
}

/** What a change of number needs: a fresh code from either phone, or a recovery code in place of the one that is lost. */
export interface NumberChange {
  /** Grant of purpose `change_number`, from the number that is left or from `RecoveryCodes.use`. */
  currentNumberGrant: string;
  /** Grant of purpose `verify_number`, from the number that is moved to. */
  newNumberGrant: string;
  /** The login session, where both codes were started with one. */
  session?: string;
  /** Language of the notice to the number that is left. @defaultValue the option `defaultLocale` */
  locale?: string;
}

/** Told when a number was left, so that whoever holds it hears of it. */
export type TellLeft = (phone: string, locale: string | undefined) => void;

interface Parts {
  database: Database;
  grants: Grants;
  settings: OtpSettings;
  events: EventSink;
  auditor: Auditor;
  hash: KeyedHash;
  tellLeft: TellLeft;
  accounts: HostAccounts;
}

const HOUR = 3600;

/**
 * The ledger: which number belongs to whom, now and before. Nothing but these methods writes it; verifying a code never
 * does. Those that write take a transaction of the host, so that both commit together or not at all.
 */
export class VerifiedNumbers {
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Uses a grant and binds the number it proved to an owner.
   *
   * Pass the transaction that makes the account, so that both exist or neither does. A number that belongs to somebody else stays
   * theirs, unless the option `takenNumbers` moves it.
   * @param transaction with TypeORM: the `manager`. Without one it is committed at once.
   * @param proof what the grant must be for: by default a `registration` by phone alone. For a number that a signed-in
   * account adds: `{ purpose: 'verify_number', subject: owner, session }`.
   * @throws {@link OtpError} `phone_already_activated` when somebody else owns the number; the grant stays good, and so does the
   * transaction · `grant_required` · `grant_invalid` · `service_unavailable`
   */
  async activate(
    grant: string,
    owner: string,
    transaction?: OtpTransaction,
    proof: GrantExpectation = { purpose: 'registration' },
  ): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('What the grant must be for', proof);
    const { subject = null } = proof;
    if (subject !== null && subject !== owner) {
      throw new OtpError(
        'request_invalid',
        'A number goes to the account that proved it: "subject" must equal "owner".',
      );
    }
    const { database, grants, accounts } = this.parts;
    const request = grants.requestOf(grant, proof);
    if (!isOpen(transaction) && accounts.awaitsFirstProof) {
      return database.transaction((own) => this.activate(grant, owner, own, proof)); // what the host throws rolls it back
    }
    if (request.purposes.some((purpose) => accounts.mayRefuse({ account: subject, purpose }))) {
      await this.#judgedBefore(request, transaction);
    }

    const answer = await database.call<{ grant: GrantAnswer; number?: BindAnswer }>(
      'activate',
      { ...request, owner, ...this.#rules() },
      transaction,
    );
    const { number } = answer;
    if (number?.refused_by === 'phone_already_activated') throw this.#taken(owner, answer.grant, transaction);
    const refusedBy = number?.refused_by ?? answer.grant.refused_by;
    if (refusedBy !== null)
      throw await grants.refused({ ...answer.grant, refused_by: refusedBy }, request, transaction);
    const { purpose } = grants.used(answer.grant, transaction);
    return this.#bound(number as BoundNumber, purpose, transaction);
  }

  /** What the host refuses is refused before anything is written: it may commit its transaction all the same. */
  async #judgedBefore(request: GrantRequest, transaction: OtpTransaction | undefined): Promise<void> {
    const { database, grants } = this.parts;
    await grants.judged(await database.call<GrantAnswer>('check_grant', request, transaction), request, transaction);
  }

  /**
   * As {@link VerifiedNumbers.activate}, for a grant that was used already in this very transaction.
   * @throws {@link OtpError} `phone_already_activated` · `grant_invalid` · `service_unavailable`; let the transaction roll back, which gives
   * the grant back
   */
  async bind(
    proof: Pick<Proof, 'phone' | 'purpose' | 'provedAt'> & Partial<Proof>,
    owner: string,
    transaction: OtpTransaction,
  ): Promise<OwnedNumber> {
    const { phone, purpose, provedAt, challengeId, source } = proof;
    if (source === 'recovery') throw grantInvalid(); // it proves no number
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
      throw this.#taken(owner, { purpose, phone, challenge_id: challengeId ?? null }, transaction);
    }
    return this.#bound(answer, purpose, transaction);
  }

  /**
   * Moves an account from one number to another. The old number hears of it, where the provider carries texts of ours,
   * and every listener of `otp.number_changed`: tell the account's e-mail address there. For `holdHours` the new number
   * confirms neither a password reset nor a transaction (OWASP Multifactor Authentication Cheat Sheet).
   * @throws {@link OtpError} `grant_required` · `grant_invalid` · `phone_already_activated` · `service_unavailable`; let
   * the transaction roll back
   */
  async change(owner: string, change: NumberChange, transaction?: OtpTransaction): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('The change', change);
    const { currentNumberGrant, newNumberGrant, session, locale } = change;
    readLocale(locale); // now: a notice that fails after the commit would be one that whoever names the locale prevents
    const { database, grants, events, accounts, auditor, tellLeft } = this.parts;
    if (!isOpen(transaction)) return database.transaction((own) => this.change(owner, change, own));
    const who = { subject: owner, ...(session !== undefined && { session }) };
    const current = grants.requestOf(currentNumberGrant, { purpose: 'change_number', ...who });
    const next = grants.requestOf(newNumberGrant, { purpose: 'verify_number', ...who });
    if (accounts.mayRefuse({ account: owner, purpose: 'change_number' })) {
      await this.#judgedBefore(current, transaction);
      await this.#judgedBefore(next, transaction);
    }

    const request = { current, new: next, owner, ...this.#rules() };
    const answer = await database.call<ChangeAnswer>('change_number', request, transaction);
    const { number, refused_by: refusedBy } = answer;
    if (refusedBy === 'same_number') throw new OtpError('request_invalid', 'The new number is the current one.');
    if (refusedBy === 'not_the_owner') {
      throw new OtpError('grant_invalid', 'The current number is no longer of this account.');
    }
    if (answer.current.refused_by !== null) throw await grants.refused(answer.current, current, transaction);
    if (number?.refused_by === 'phone_already_activated') throw this.#taken(owner, answer.new!, transaction);
    const gone = number?.refused_by ?? refusedBy ?? answer.new!.refused_by;
    if (gone !== null) throw await grants.refused({ ...answer.new!, refused_by: gone }, next, transaction);
    const { phone: from, source, challengeId } = grants.used(answer.current, transaction);
    const proof = grants.used(answer.new!, transaction);
    const bound = await this.#bound(number as BoundNumber, proof.purpose, transaction);
    if (source === 'recovery') {
      const changed = { event: 'number_changed', outcome: 'changed_by_recovery', purpose: 'change_number' } as const;
      await auditor.add({ ...changed, account: owner, phone: from, challengeId }, transaction);
    }
    database.afterCommit(transaction, () => {
      events.emit('otp.number_changed', { owner, from: maskPhone(from), to: maskPhone(proof.phone) });
      tellLeft(from, locale);
    });
    return bound;
  }

  /**
   * Ends a binding, for example when an account is closed. What was started for the number before can no longer be used.
   * @param reason kept with the binding, such as `account_closed`
   * @returns whether the number was the owner's
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

  /** Who owns a number (canonical E.164) at present, or as a transaction sees it. */
  async ownerOf(phone: string, transaction?: OtpTransaction): Promise<string | null> {
    const request = { phone: requireText('phone', phone) };
    return (await this.parts.database.call<{ owner: string | null }>('owner_of', request, transaction)).owner;
  }

  /** The numbers of an account at present: those on hold come last, otherwise the one proved last first. */
  async numbersOf(owner: string, transaction?: OtpTransaction): Promise<OwnedNumber[]> {
    const request = { owner: requireText('owner', owner) };
    const { numbers } = await this.parts.database.call<{ numbers: NumberAnswer[] }>('numbers_of', request, transaction);
    return numbers.map(owned);
  }

  /** Every binding of a number, or of an account, newest first; at most a thousand. */
  async history(of: { phone: string } | { owner: string }): Promise<NumberBinding[]> {
    requireObject('What the history is of', of);
    const request =
      'phone' in of ? { phone: requireText('phone', of.phone) } : { owner: requireText('owner', of.owner) };
    const { bindings } = await this.parts.database.call<{ bindings: BindingAnswer[] }>('number_history', request);
    return bindings.map(binding);
  }

  /**
   * Dates the proof of an account's number anew, as a login does.
   * @param admitDormant also where it was not proved for `dormantAfterDays`: another factor was
   * @returns whether the number is the account's by the ledger, and whether the account is dormant; then nothing is dated,
   * unless it is admitted
   */
  async prove(phone: string, owner: string, admitDormant = false): Promise<{ bound: boolean; dormant: boolean }> {
    const { database, settings } = this.parts;
    return database.call('prove_number', {
      phone,
      owner,
      ...(!admitDormant && { dormant_days: settings.dormantAfterDays }),
    });
  }

  /** The fields of a `binding_request` (types.sql) that are options. */
  #rules() {
    const { takenNumbers, reconfirmAfterDays, holdHours, audit } = this.parts.settings;
    return {
      policy: takenNumbers,
      reconfirm_days: reconfirmAfterDays,
      hold_seconds: holdHours * HOUR,
      ...(audit && { audit }),
    };
  }

  #taken(
    owner: string,
    { purpose, phone, challenge_id: challengeId }: Pick<GrantAnswer, 'purpose' | 'phone' | 'challenge_id'>,
    transaction: OtpTransaction | undefined,
  ): OtpError {
    const refused = { event: 'refused', outcome: 'phone_already_activated' } as const;
    this.parts.auditor.note(
      { ...refused, purpose, account: owner, phone, ...(challengeId && { challengeId }) },
      transaction,
    );
    return new OtpError('phone_already_activated', 'This number is already activated for another account.');
  }

  async #bound(number: BoundNumber, purpose: string, transaction: OtpTransaction | undefined): Promise<OwnedNumber> {
    const { database, events, accounts } = this.parts;
    const { owner, phone, previous_owner: from } = number;
    if (number.first && transaction) await accounts.firstProof(owner, phone, transaction);
    const masked = maskPhone(phone);
    database.afterCommit(transaction, () => {
      if (from !== null) events.emit('otp.number_transferred', { from, to: owner, phone: masked });
      events.emit('otp.number_activated', { owner, phone: masked, purpose });
    });
    return owned(number);
  }
}

/** A number as the database answers it (numbers.sql). */
interface NumberAnswer {
  phone: string;
  owner: string;
  verified_at: string;
  last_proved_at: string;
  held_until: string | null;
}

interface BoundNumber extends NumberAnswer {
  refused_by?: undefined;
  /** Whose it was until now. */
  previous_owner: string | null;
  /** The account never had a number before. */
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

function owned({ phone, owner, verified_at, last_proved_at, held_until }: NumberAnswer): OwnedNumber {
  const [verifiedAt, lastProvedAt] = [new Date(verified_at), new Date(last_proved_at)];
  return { phone, owner, verifiedAt, lastProvedAt, heldUntil: date(held_until) };
}

function binding(row: BindingAnswer): NumberBinding {
  const { source, released_at: releasedAt, release_reason: releaseReason } = row;
  return { ...owned(row), source, releasedAt: date(releasedAt), releaseReason };
}
