import type { EntityManager } from 'typeorm';

import type { GrantExpectation, Grants } from '../grant/grants.js';
import type { Database } from '../lifecycle/database.js';
import type { Tables } from '../lifecycle/tables.js';
import { requireObject, requireText } from '../input.js';
import { OtpError } from '../otp.error.js';
import { activateSql, ownerOfSql } from './activate.sql.js';

/** A number and whom it belongs to. */
export interface OwnedNumber {
  /** Canonical E.164. */
  phone: string;
  owner: string;
  verifiedAt: Date;
  lastProvedAt: Date;
}

/** The ledger: which number belongs to whom. Only `activate` writes it; verifying a code never does. */
export class VerifiedNumbers {
  readonly #sql;

  constructor(
    private readonly database: Database,
    tables: Tables,
    private readonly grants: Grants,
  ) {
    this.#sql = { activate: activateSql(tables), ownerOf: ownerOfSql(tables) };
  }

  /**
   * Uses a grant and binds the number it proved to an owner.
   *
   * Pass the `manager` of the transaction that makes the account, so that both exist or neither does. Without one it
   * opens a transaction of its own.
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
    if (manager === undefined) return this.database.transaction((own) => this.activate(grant, owner, own, proof));

    const { phone, purpose } = await this.grants.consume(grant, proof, manager);
    const row = await this.database.run(this.#sql.activate, { phone, owner, source: purpose }, manager);
    if (row === undefined) {
      throw new OtpError('phone_already_activated', 'This number is already activated for another account.');
    }
    return { phone: row.phone, owner: row.owner, verifiedAt: row.verified_at, lastProvedAt: row.last_proved_at };
  }

  /** Who owns a number (canonical E.164) at present. */
  async ownerOf(phone: string): Promise<string | null> {
    return (await this.database.run(this.#sql.ownerOf, { phone: requireText('phone', phone) }))?.owner ?? null;
  }
}
