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

/** What a grant must have been issued for. A field omitted here must have been omitted at `start` too. */
export interface GrantExpectation {
  purpose: Purpose | readonly Purpose[];
  /** The account that the challenge was started for; absent for a challenge started by phone only. */
  subject?: string;
  /** The account's login session, if one was passed to `start`. */
  session?: string;
  /** The confirmed action, if one was passed to `start`. Read the record again, under the lock that its execution needs. */
  action?: Action;
}

/** What a grant proves. */
export interface Proof {
  challengeId: string;
  purpose: string;
  /** The account, or the phone if there was no account yet. */
  subject: string;
  /**
   * The proved phone in canonical E.164. After a recovery code, the number it stands in for, which it does not prove; empty if
   * the account has no number.
   */
  phone: string;
  /** `recovery` for a grant of `RecoveryCodes.use`, which proves no phone: put neither `sms` nor `phone` into `amr`. */
  source: GrantSource;
  /** When the code was verified: the `auth_time` of the login. */
  provedAt: Date;
}

/** The database's answer about a grant (grants.sql). */
export interface GrantAnswer {
  /** Why the grant was rejected. For logs and events only. */
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
   * Uses a grant. With a running `transaction`, the use and your own writes commit together or not at all. Without one, the use
   * commits immediately.
   *
   * A grant presented for a different action than it was issued for is ended permanently, because the record may have been
   * changed without the user's knowledge. The grant ends after the transaction, even if you roll back.
   * @param transaction with TypeORM, the `manager`
   * @throws {@link OtpError} `request_invalid` · `grant_required` for an empty grant · `grant_invalid` if it is unknown, used,
   * expired, or issued for something else (one error for all) · `service_unavailable`
   */
  async consume(grant: string, expectation: GrantExpectation, transaction?: OtpTransaction): Promise<Proof> {
    const request = this.requestOf(grant, expectation);
    const answer = await this.parts.database.call<GrantAnswer>('consume_grant', request, transaction);
    await this.requireProof(answer, request, transaction);
    return this.reportUse(answer, transaction);
  }

  /**
   * Returns what a grant proves without using it, for code that must know the account before its transaction begins. The
   * grant may become invalid right afterwards: only {@link Grants.consume} is decisive.
   * @throws {@link OtpError} as {@link Grants.consume}
   */
  async check(grant: string, expectation: GrantExpectation): Promise<Proof> {
    const request = this.requestOf(grant, expectation);
    const answer = await this.parts.database.call<GrantAnswer>('check_grant', request);
    return this.requireProof(answer, request, undefined);
  }

  /**
   * Uses the grant of a login and renews the proof date of the account's number, as `VerifiedNumbers.prove` does. The caller
   * checks that the account may log in.
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
    if (answer.refused_by !== null) throw await this.refuse(answer, request, undefined);
    const { bound, dormant } = answer;
    return { proof: this.reportUse(answer, undefined), bound, dormant };
  }

  /**
   * Builds the database request for a grant and its expectation.
   * @internal
   */
  requestOf(grant: string, expectation: GrantExpectation): GrantRequest {
    requireObject('The expectation of the grant', expectation);
    if (grant === undefined || grant === null || grant === '') {
      throw new OtpError('grant_required', 'This call needs a grant. Verify a code first.');
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
   * Emits the event of a used grant after the commit, and returns its proof.
   * @internal
   */
  reportUse(answer: GrantAnswer, transaction: OtpTransaction | undefined): Proof {
    const proof = proofOf(answer);
    const { challengeId, purpose, phone } = proof;
    const masked = maskPhone(phone);
    const event = { challengeId, purpose, subject: answer.account ?? masked, phone: masked };
    this.parts.database.afterCommit(transaction, () => this.parts.events.emit('otp.grant_used', event));
    return proof;
  }

  /**
   * Returns the proof of a grant that the database accepts and the host allows to use.
   * @throws {@link OtpError} `grant_invalid`
   * @internal
   */
  async requireProof(
    answer: GrantAnswer,
    request: GrantRequest,
    transaction: OtpTransaction | undefined,
  ): Promise<Proof> {
    const isUsable = answer.refused_by === null && (await this.parts.accounts.mayUse(answer, transaction));
    if (!isUsable) throw await this.refuse(answer, request, transaction);
    return proofOf(answer);
  }

  /**
   * Reports why a grant was rejected, and returns the error for the caller.
   * @internal
   */
  async refuse(
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
          this.#logger.error(`failed to end the grant for a changed record: ${error.message}`);
        });
      // Waiting for a second connection inside the transaction could wait forever.
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
