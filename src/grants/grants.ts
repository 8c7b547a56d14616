import { Logger } from '@nestjs/common';

import type { HostAccounts } from '../accounts/host-accounts.js';
import type { Auditor } from '../audit/auditor.js';
import { type Action, readAction } from '../challenges/action.js';
import type { SessionBinding } from '../challenges/session-binding.js';
import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import { requireObject, requireText } from '../errors/input.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { Purpose, PurposeRules } from '../config/purposes.js';
import { maskPhone } from '../phone/mask.js';
import type { Background } from '../delivery/background.js';
import type { GrantSource } from './grant.entity.js';
import { parseGrant } from '../crypto/token.js';

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

/** What the database says of a grant (grants.sql). */
export interface GrantAnswer {
  /** Why it is no good: for logs and events only. */
  refused_by: string | null;
  challenge_id: string | null;
  purpose: string;
  account: string | null;
  phone: string;
  source: GrantSource;
  proved_at: string;
}

interface Parts {
  database: Database;
  bind: SessionBinding;
  purposes: ReadonlyMap<string, PurposeRules>;
  accounts: HostAccounts;
  events: EventSink;
  auditor: Auditor;
  background: Background;
  audit: boolean;
}

/** Opaque, single-use proofs that a code was verified. */
export class Grants {
  readonly #logger = new Logger('Otp');

  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Uses a grant. With a running `transaction` the use and the host's own writes commit together or not at all; without one it is
   * committed at once.
   *
   * A grant that is shown for another action than the one it was issued for is ended for good, also when the host rolls
   * back: the record may have been changed behind the person's back. That happens once the transaction has ended.
   * @param transaction with TypeORM: the `manager`
   * @throws {@link OtpError} `request_invalid` · `grant_required` for an empty grant · `grant_invalid` when it is unknown, used, expired, or
   * for something else (one answer for all) · `service_unavailable`
   */
  async consume(grant: string, expectation: GrantExpectation, transaction?: OtpTransaction): Promise<Proof> {
    const request = this.requestOf(grant, expectation);
    const answer = await this.parts.database.call<GrantAnswer>('consume_grant', request, transaction);
    return this.accepted(answer, request, transaction);
  }

  /**
   * Says what a grant proves without using it, for a host that must know the account before its transaction begins. What
   * it says may be over a moment later: only {@link Grants.consume} decides.
   * @throws {@link OtpError} as {@link Grants.consume}
   */
  async check(grant: string, expectation: GrantExpectation): Promise<Proof> {
    const request = this.requestOf(grant, expectation);
    const answer = await this.parts.database.call<GrantAnswer>('check_grant', request);
    return this.judged(answer, request, undefined);
  }

  /**
   * Uses the grant of a login, and dates the proof of the account's number anew as `VerifiedNumbers.prove` does. That the account may log
   * in is for the caller to know.
   * @internal
   */
  async logIn(
    grant: string,
    expectation: GrantExpectation,
    { owner, dormantDays }: { owner: string; dormantDays: number },
  ): Promise<{ proof: Proof; bound: boolean; dormant: boolean }> {
    const request = this.requestOf(grant, expectation);
    const answer = await this.parts.database.call<GrantAnswer & { bound: boolean; dormant: boolean }>('log_in', {
      ...request,
      owner,
      dormant_days: dormantDays,
    });
    if (answer.refused_by !== null) throw await this.refused(answer, request, undefined);
    const { bound, dormant } = answer;
    return { proof: this.used(answer, undefined), bound, dormant };
  }

  /**
   * What the database is to be told of a grant and what it is shown for.
   * @internal
   */
  requestOf(grant: string, expectation: GrantExpectation): GrantRequest {
    requireObject('What the grant must be for', expectation);
    if (grant === undefined || grant === null || grant === '') {
      throw new OtpError('grant_required', 'This call needs a grant: verify a code first.');
    }
    const { purpose, subject, session, action } = expectation;
    const purposes = [purpose].flat().map((one) => requireText('purpose', one));
    const rules = purposes.map((one) => this.parts.purposes.get(one));
    const binding = this.parts.bind(rules[0], {
      ...(subject !== undefined && { subject }),
      ...(session !== undefined && { session }),
    });
    const digest = readAction(action)?.digest;
    const token = parseGrant(grant);
    if (!token) throw grantInvalid();
    return {
      id: token.id,
      hash: hex(token.hash),
      purposes,
      ...(subject !== undefined && { account: subject }),
      ...(binding && { session_binding: hex(binding) }),
      ...(digest && { action_digest: hex(digest) }),
      ...(rules.some((rule) => rule?.number === 'established') && { must_be_established: true }),
      ...(this.parts.audit && { audit: true }),
    };
  }

  /**
   * Of a grant that the database used: what it proves, if it was good.
   * @internal
   */
  async accepted(answer: GrantAnswer, request: GrantRequest, transaction: OtpTransaction | undefined): Promise<Proof> {
    await this.judged(answer, request, transaction);
    return this.used(answer, transaction);
  }

  /** @internal */
  used(answer: GrantAnswer, transaction: OtpTransaction | undefined): Proof {
    const proof = proofOf(answer);
    const { challengeId, purpose, phone } = proof;
    const masked = maskPhone(phone);
    const used = { challengeId, purpose, subject: answer.account ?? masked, phone: masked };
    this.parts.database.afterCommit(transaction, () => this.parts.events.emit('otp.grant_used', used));
    return proof;
  }

  /**
   * What a grant proves, if it was good and the host says that it may be used.
   * @internal
   */
  async judged(answer: GrantAnswer, request: GrantRequest, transaction: OtpTransaction | undefined): Promise<Proof> {
    const isGood = answer.refused_by === null && (await this.parts.accounts.mayUse(answer, transaction));
    if (!isGood) throw await this.refused(answer, request, transaction);
    return proofOf(answer);
  }

  /**
   * Tells of a refusal, and answers with the error for the caller.
   * @internal
   */
  async refused(
    { challenge_id: challengeId, purpose, account, phone, refused_by: refusedBy }: GrantAnswer,
    { id, hash }: GrantRequest,
    transaction: OtpTransaction | undefined,
  ): Promise<OtpError> {
    const { database, events, auditor, background } = this.parts;
    const reason = refusedBy ?? 'account_refused';
    if (challengeId === null) {
      auditor.note({ event: 'refused', outcome: reason }, transaction);
      return grantInvalid();
    }
    this.#logger.log(`grant refused: ${reason}, purpose ${purpose}, challenge ${challengeId}`);
    events.emit('otp.refused', { challengeId, purpose, reason });
    auditor.note({ event: 'refused', outcome: reason, purpose, account, phone, challengeId }, transaction);
    if (reason === 'other_action') {
      const end = () =>
        database.call('end_grant', { id, hash }).catch((error: Error) => {
          this.#logger.error(`a grant for a changed record could not be ended: ${error.message}`);
        });
      // A transaction that waited for another connection while it holds one could wait for ever.
      if (transaction) database.afterEnd(transaction, () => background.run(end()));
      else await end();
    }
    return grantInvalid();
  }
}

/** A `grant_request` (types.sql). */
export interface GrantRequest {
  readonly id: string;
  readonly hash: string;
  readonly purposes: readonly string[];
  readonly account?: string;
  readonly session_binding?: string;
  readonly action_digest?: string;
  readonly must_be_established?: boolean;
  readonly audit?: boolean;
}

function proofOf({
  challenge_id: challengeId,
  purpose,
  account,
  phone,
  source,
  proved_at: provedAt,
}: GrantAnswer): Proof {
  return { challengeId: challengeId!, purpose, subject: account ?? phone, phone, source, provedAt: new Date(provedAt) };
}

export function grantInvalid(): OtpError {
  return new OtpError('grant_invalid', 'This grant cannot be used here. Verify a code again.');
}
