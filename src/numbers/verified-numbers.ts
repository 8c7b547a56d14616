import type { EntityManager } from 'typeorm';

import type { Auditor } from '../audit/auditor.js';
import { type GrantExpectation, grantInvalid, type Grants, type Proof } from '../grant/grants.js';
import { readLocale, requireObject, requireText } from '../input.js';
import type { KeyedHash } from '../keyed-hash.js';
import { claimSql } from '../lifecycle/claim.sql.js';
import type { Database } from '../lifecycle/database.js';
import type { Tables } from '../lifecycle/tables.js';
import { OtpError } from '../otp.error.js';
import type { EventSink } from '../otp.events.js';
import type { OtpSettings } from '../otp.options.js';
import { maskPhone } from '../phone/mask.js';
import {
  activateSql,
  type ActivatedRow,
  type BindingRow,
  historySql,
  leaveSql,
  numbersOfSql,
  type NumberRow,
  ownerOfSql,
  proveSql,
  releaseSql,
} from './ledger.sql.js';

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

/** Called in the transaction that binds a first number to an account. */
export type OnFirstProof = (account: string, phone: string, manager: EntityManager) => Promise<void>;

interface Parts {
  database: Database;
  tables: Tables;
  grants: Grants;
  settings: OtpSettings;
  events: EventSink;
  auditor: Auditor;
  hash: KeyedHash;
  tellLeft: TellLeft;
  onFirstProof: OnFirstProof;
}

const HOUR = 3600;

/**
 * The ledger: which number belongs to whom, now and before. Nothing but these methods writes it; verifying a code never
 * does. Those that write take the `manager` of a transaction of the host, so that both commit together or not at all.
 */
export class VerifiedNumbers {
  readonly #sql;

  /** @internal */
  constructor(private readonly parts: Parts) {
    const { tables } = parts;
    this.#sql = {
      claim: claimSql(tables),
      activate: activateSql(tables),
      leave: leaveSql(tables),
      release: releaseSql(tables),
      prove: proveSql(tables),
      ownerOf: ownerOfSql(tables),
      numbersOf: numbersOfSql(tables),
      history: historySql(tables),
    };
  }

  /**
   * Uses a grant and binds the number it proved to an owner.
   *
   * Pass the `manager` of the transaction that makes the account, so that both exist or neither does. Without one it
   * opens a transaction of its own. A number that belongs to somebody else stays theirs, unless the option
   * `takenNumbers` moves it.
   * @param proof what the grant must be for: by default a `registration` by phone alone. For a number that a signed-in
   * account adds: `{ purpose: 'verify_number', subject: owner, session }`.
   * @throws {@link OtpError} `phone_already_activated` when somebody else owns the number; let the transaction roll back,
   * which gives the grant back · `grant_required` · `grant_invalid` · `service_unavailable`
   */
  async activate(
    grant: string,
    owner: string,
    manager?: EntityManager,
    proof: GrantExpectation = { purpose: 'registration' },
  ): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('What the grant must be for', proof);
    if (proof.subject !== undefined && proof.subject !== owner) {
      throw new OtpError(
        'request_invalid',
        'A number goes to the account that proved it: "subject" must equal "owner".',
      );
    }
    if (manager === undefined) return this.parts.database.transaction((own) => this.activate(grant, owner, own, proof));

    return this.bind(await this.parts.grants.consume(grant, proof, manager), owner, manager);
  }

  /** As {@link VerifiedNumbers.activate}, for a grant that was used already in this very transaction. */
  async bind(
    proof: Pick<Proof, 'phone' | 'purpose' | 'provedAt'> & Partial<Proof>,
    owner: string,
    manager: EntityManager,
  ): Promise<OwnedNumber> {
    const { phone, purpose, provedAt, challengeId, source } = proof;
    if (source === 'recovery') throw grantInvalid(); // it proves no number
    const { database, events, settings, auditor, hash, onFirstProof } = this.parts;
    const { takenNumbers: policy, reconfirmAfterDays: reconfirmDays, holdHours } = settings;
    await database.run(this.#sql.claim, { account: owner, phone }, manager); // who has the phone may lose it
    const row = (await database.run(
      this.#sql.activate,
      {
        phone,
        owner,
        source: purpose,
        policy,
        reconfirmDays,
        holdSeconds: holdHours * HOUR,
        provedAt,
        phoneHash: hash.ofPhone(phone),
        challengeId: challengeId ?? null,
      },
      manager,
    ))!;
    if (row.released) throw grantInvalid();
    if (row.phone === null) {
      const refused = { event: 'refused', outcome: 'phone_already_activated' } as const;
      auditor.note({ ...refused, purpose, subject: owner, phone, ...(challengeId && { challengeId }) });
      throw new OtpError('phone_already_activated', 'This number is already activated for another account.');
    }
    const { previous_owner: from, first }: ActivatedRow = row;
    if (first) await onFirstProof(owner, phone, manager);
    const masked = maskPhone(phone);
    database.afterCommit(manager, () => {
      if (from !== null) events.emit('otp.number_transferred', { from, to: owner, phone: masked });
      events.emit('otp.number_activated', { owner, phone: masked, purpose });
    });
    return owned(row);
  }

  /**
   * Moves an account from one number to another. The old number hears of it, where the provider carries texts of ours,
   * and every listener of `otp.number_changed`: tell the account's e-mail address there. For `holdHours` the new number
   * confirms neither a password reset nor a transaction (OWASP Multifactor Authentication Cheat Sheet).
   * @throws {@link OtpError} `grant_required` · `grant_invalid` · `phone_already_activated` · `service_unavailable`; let
   * the transaction roll back
   */
  async change(owner: string, change: NumberChange, manager?: EntityManager): Promise<OwnedNumber> {
    requireText('owner', owner);
    requireObject('The change', change);
    const { currentNumberGrant, newNumberGrant, session, locale } = change;
    readLocale(locale); // now: a notice that fails after the commit would be one that whoever names the locale prevents
    const { database, grants, events, hash, tellLeft } = this.parts;
    if (manager === undefined) return database.transaction((own) => this.change(owner, change, own));

    const who = { subject: owner, ...(session !== undefined && { session }) };
    const {
      phone: from,
      challengeId,
      source,
    } = await grants.consume(currentNumberGrant, { purpose: 'change_number', ...who }, manager);
    const proof = await grants.consume(newNumberGrant, { purpose: 'verify_number', ...who }, manager);
    if (from === proof.phone) throw new OtpError('request_invalid', 'The new number is the current one.');
    const reason = source === 'recovery' ? 'changed_by_recovery' : 'changed';
    await database.run(this.#sql.claim, { account: owner, phone: proof.phone }, manager);
    const leaving = { owner, from, to: proof.phone, phoneHash: hash.ofPhone(from), challengeId, reason };
    const left = await database.run(this.#sql.leave, leaving, manager);
    if (left === undefined) throw new OtpError('grant_invalid', 'The current number is no longer of this account.');

    const number = await this.bind(proof, owner, manager);
    database.afterCommit(manager, () => {
      events.emit('otp.number_changed', { owner, from: maskPhone(from), to: maskPhone(proof.phone) });
      tellLeft(from, locale);
    });
    return number;
  }

  /**
   * Ends a binding, for example when an account is closed. What was started for the number before can no longer be used.
   * @param reason kept with the binding, such as `account_closed`
   * @returns whether the number was the owner's
   */
  async release(phone: string, owner: string, reason: string, manager?: EntityManager): Promise<boolean> {
    requireText('phone', phone);
    requireText('owner', owner);
    requireText('reason', reason);
    const { database, events, hash } = this.parts;
    if (manager === undefined) return database.transaction((own) => this.release(phone, owner, reason, own));

    await database.run(this.#sql.claim, { account: owner }, manager);
    const row = await database.run(
      this.#sql.release,
      { phone, owner, reason, phoneHash: hash.ofPhone(phone) },
      manager,
    );
    if (row === undefined) return false;
    database.afterCommit(manager, () => events.emit('otp.number_released', { owner, phone: maskPhone(phone), reason }));
    return true;
  }

  /** Who owns a number (canonical E.164) at present. */
  async ownerOf(phone: string): Promise<string | null> {
    const row = await this.parts.database.run(this.#sql.ownerOf, { phone: requireText('phone', phone) });
    return row?.owner ?? null;
  }

  /** The numbers of an account at present: those on hold come last, otherwise the one proved last first. */
  async numbersOf(owner: string): Promise<OwnedNumber[]> {
    const rows = await this.parts.database.rows(this.#sql.numbersOf, { owner: requireText('owner', owner) });
    return rows.map(owned);
  }

  /** Every binding of a number, or of an account, newest first; at most a thousand. */
  async history(of: { phone: string } | { owner: string }): Promise<NumberBinding[]> {
    requireObject('What the history is of', of);
    const parameters =
      'phone' in of
        ? { phone: requireText('phone', of.phone), owner: null }
        : { phone: null, owner: requireText('owner', of.owner) };
    return (await this.parts.database.rows(this.#sql.history, parameters)).map(binding);
  }

  /**
   * Dates the proof of an account's number anew, as a login does.
   * @param admitDormant also where it was not proved for `dormantAfterDays`: another factor was
   * @returns whether the number is the account's by the ledger, and whether the account is dormant; then nothing is dated,
   * unless it is admitted
   */
  async prove(phone: string, owner: string, admitDormant = false): Promise<{ bound: boolean; dormant: boolean }> {
    const dormantDays = admitDormant ? FOREVER_DAYS : this.parts.settings.dormantAfterDays;
    const row = await this.parts.database.run(this.#sql.prove, { phone, owner, dormantDays });
    return { bound: row !== undefined, dormant: row?.dormant ?? false };
  }
}

const FOREVER_DAYS = 100_000;

function owned({ phone, owner, verified_at, last_proved_at, held_until }: NumberRow): OwnedNumber {
  return { phone, owner, verifiedAt: verified_at, lastProvedAt: last_proved_at, heldUntil: held_until };
}

function binding(row: BindingRow): NumberBinding {
  const { source, released_at: releasedAt, release_reason: releaseReason } = row;
  return { ...owned(row), source, releasedAt, releaseReason };
}
