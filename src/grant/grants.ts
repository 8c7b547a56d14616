import { createHash, randomBytes } from 'node:crypto';

import { Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

import type { HostAccounts } from '../accounts/host-accounts.js';
import type { Auditor } from '../audit/auditor.js';
import { type Action, readAction } from '../challenge/action.js';
import type { SessionBinding } from '../challenge/session-binding.js';
import { requireObject, requireText } from '../input.js';
import { claimSql } from '../lifecycle/claim.sql.js';
import type { Database } from '../lifecycle/database.js';
import type { Statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';
import { OtpError } from '../otp.error.js';
import type { EventSink } from '../otp.events.js';
import type { BuiltInPurpose, Purpose, PurposeRules } from '../otp.purposes.js';
import { maskPhone } from '../phone/mask.js';
import type { GrantSource } from './grant.entity.js';
import { checkSql, type ConsumeParameters, type ConsumeRow, consumeSql, endSql } from './consume.sql.js';

/** What a grant must have been issued for. Whatever is left out here must have been left out at `start` too. */
export interface GrantExpectation {
  purpose: Purpose | readonly Purpose[];
  /** The account that the challenge was started for; absent for a challenge started by phone alone. */
  subject?: string;
  /** Its login session, where `start` was given one. */
  session?: string;
  /** What was confirmed, where there was something: read the record anew, under the lock that its execution needs. */
  action?: Action;
}

/** What a used grant proved. */
export interface Proof {
  challengeId: string;
  purpose: string;
  /** The account, or the phone where there was no account yet. */
  subject: string;
  /** Canonical E.164 of the phone that was proved. After a recovery code: of the number it stands in for, which it does not prove; empty where the account has none. */
  phone: string;
  /** `recovery` for a grant of `RecoveryCodes.use`, which proves no phone: `amr` then says neither `sms` nor `phone`. */
  source: GrantSource;
  /** When the code was verified: the `auth_time` of a login by it. */
  provedAt: Date;
}

interface Parts {
  database: Database;
  tables: Tables;
  bind: SessionBinding;
  purposes: ReadonlyMap<string, PurposeRules>;
  accounts: HostAccounts;
  events: EventSink;
  auditor: Auditor;
}

const GRANT_BYTES = 32; // LIM-17
const RESET = 'password_reset' satisfies BuiltInPurpose;
const FORM = /^[\w-]{43}$/;

export function newGrant(): string {
  return randomBytes(GRANT_BYTES).toString('base64url');
}

/** A grant is 256 random bits, so a plain hash keeps it. */
export function grantHash(grant: string): Buffer {
  return createHash('sha256').update(grant).digest();
}

/** Opaque, single-use proofs that a code was verified. */
export class Grants {
  readonly #logger = new Logger('Otp');
  readonly #sql;

  /** @internal */
  constructor(private readonly parts: Parts) {
    const { tables } = parts;
    this.#sql = {
      claim: claimSql(tables),
      consume: consumeSql(tables),
      check: checkSql(tables),
      end: endSql(tables),
    };
  }

  /**
   * Uses a grant. With the `manager` of a running transaction the use and the host's own writes commit together or not
   * at all; without one it is committed at once.
   *
   * A grant that is shown for another action than the one it was issued for is ended for good, also when the host rolls
   * back: the record may have been changed behind the person's back.
   * @throws {@link OtpError} `request_invalid` · `grant_required` for an empty grant · `grant_invalid` when it is unknown, used, expired, or
   * for something else (one answer for all) · `service_unavailable`
   */
  consume(grant: string, expectation: GrantExpectation, manager?: EntityManager): Promise<Proof> {
    return this.#judge(this.#sql.consume, grant, expectation, manager);
  }

  /**
   * Says what a grant proves without using it, for a host that must know the account before its transaction begins. What
   * it says may be over a moment later: only {@link Grants.consume} decides.
   * @throws {@link OtpError} as {@link Grants.consume}
   */
  check(grant: string, expectation: GrantExpectation): Promise<Proof> {
    return this.#judge(this.#sql.check, grant, expectation);
  }

  async #judge(
    statement: Statement<ConsumeParameters, ConsumeRow>,
    grant: string,
    expectation: GrantExpectation,
    manager?: EntityManager,
  ): Promise<Proof> {
    requireObject('What the grant must be for', expectation);
    if (grant === undefined || grant === null || grant === '') {
      throw new OtpError('grant_required', 'This call needs a grant: verify a code first.');
    }
    const parameters = this.#parameters(expectation);
    if (typeof grant !== 'string' || !FORM.test(grant)) throw grantInvalid();
    const hash = grantHash(grant);
    const row = await this.#run(statement, { hash, ...parameters }, manager);
    if (row === undefined) {
      this.parts.auditor.note({ event: 'refused', outcome: 'unknown_grant' });
      throw grantInvalid();
    }
    if (row.reason !== null) throw await this.#refused(hash, row, row.reason);
    if (!(await this.parts.accounts.mayUse(row))) throw await this.#refused(hash, row, 'account_refused');
    const { challenge_id: challengeId, purpose, subject, phone, source, created_at: provedAt } = row;
    if (statement === this.#sql.consume) {
      this.parts.database.afterCommit(manager, () =>
        this.parts.events.emit('otp.grant_used', { challengeId, purpose, ...named(row) }),
      );
    }
    return { challengeId, purpose, subject, phone, source, provedAt };
  }

  /** A password reset ends the trust in devices, and so has the account to itself. */
  async #run(
    statement: Statement<ConsumeParameters, ConsumeRow>,
    parameters: ConsumeParameters,
    manager?: EntityManager,
  ): Promise<ConsumeRow | undefined> {
    const { database } = this.parts;
    if (statement === this.#sql.consume && parameters.purposes.includes(RESET)) {
      if (manager === undefined) return database.transaction((own) => this.#run(statement, parameters, own));
      await database.run(this.#sql.claim, { grant: parameters.hash }, manager);
    }
    return database.run(statement, parameters, manager);
  }

  #parameters({ purpose, subject, session, action }: GrantExpectation): Omit<ConsumeParameters, 'hash'> {
    const purposes = [purpose].flat().map((one) => requireText('purpose', one));
    const rules = purposes.map((one) => this.parts.purposes.get(one));
    return {
      purposes,
      subject: subject ?? null,
      sessionBinding: this.parts.bind(rules[0], {
        ...(subject !== undefined && { subject }),
        ...(session !== undefined && { session }),
      }),
      actionDigest: readAction(action)?.digest ?? null,
      settled: rules.some((rule) => rule?.number === 'settled'),
    };
  }

  async #refused(hash: Buffer, row: ConsumeRow, reason: string): Promise<OtpError> {
    const { challenge_id: challengeId, purpose, subject, phone } = row;
    this.#logger.log(`grant refused: ${reason}, purpose ${purpose}, challenge ${challengeId}`);
    this.parts.events.emit('otp.refused', { challengeId, purpose, reason });
    this.parts.auditor.note({ event: 'refused', outcome: reason, purpose, subject, phone, challengeId });
    if (reason === 'other_action') {
      await this.parts.database.run(this.#sql.end, { hash }).catch((error: Error) => {
        this.#logger.error(`a grant for a changed record could not be ended: ${error.message}`);
      });
    }
    return grantInvalid();
  }
}

/** Whom an event may name: the account, or the masked phone where there was no account yet. */
function named({ subject, phone }: ConsumeRow): { subject: string; phone: string } {
  const masked = maskPhone(phone);
  return { subject: subject === phone ? masked : subject, phone: masked };
}

export function grantInvalid(): OtpError {
  return new OtpError('grant_invalid', 'This grant cannot be used here. Verify a code again.');
}
