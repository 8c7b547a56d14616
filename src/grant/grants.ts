import { createHash, randomBytes } from 'node:crypto';

import type { EntityManager } from 'typeorm';

import type { SessionBinding } from '../challenge/session-binding.js';
import type { Database } from '../lifecycle/database.js';
import type { Tables } from '../lifecycle/tables.js';
import { readDigest, requireObject, requireText } from '../input.js';
import { OtpError } from '../otp.error.js';
import type { Purpose } from '../otp.purposes.js';
import { consumeSql } from './consume.sql.js';

/** What a grant must have been issued for. Whatever is left out here must have been left out at `start` too. */
export interface GrantExpectation {
  purpose: Purpose | readonly Purpose[];
  /** The signed-in account that started the challenge; absent for a challenge started by phone alone. */
  subject?: string;
  /** Its login session, where `start` was given one. */
  session?: string;
  /** SHA-256 of the action that was confirmed, where there was one. */
  actionDigest?: Uint8Array;
}

/** What a used grant proved. */
export interface Proof {
  challengeId: string;
  purpose: string;
  /** The account, or the phone where there was no account yet. */
  subject: string;
  /** Canonical E.164 of the phone that was proved. */
  phone: string;
  provedAt: Date;
}

const GRANT_BYTES = 32; // LIM-17
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
  readonly #consume;

  constructor(
    private readonly database: Database,
    tables: Tables,
    private readonly bind: SessionBinding,
  ) {
    this.#consume = consumeSql(tables);
  }

  /**
   * Uses a grant. With the `manager` of a running transaction the use and the host's own writes commit together or not
   * at all; without one it is committed at once.
   * @throws {@link OtpError} `request_invalid` · `grant_required` for an empty grant · `grant_invalid` when it is unknown, used, expired, or
   * for something else (one answer for all) · `service_unavailable`
   */
  async consume(grant: string, expectation: GrantExpectation, manager?: EntityManager): Promise<Proof> {
    requireObject('What the grant must be for', expectation);
    if (grant === undefined || grant === null || grant === '') {
      throw new OtpError('grant_required', 'This call needs a grant: verify a code first.');
    }
    if (typeof grant !== 'string' || !FORM.test(grant)) throw grantInvalid();
    const row = await this.database.run(
      this.#consume,
      {
        hash: grantHash(grant),
        purposes: [expectation.purpose].flat().map((purpose) => requireText('purpose', purpose)),
        sessionBinding: this.bind(expectation),
        actionDigest: readDigest(expectation.actionDigest),
      },
      manager,
    );
    if (row === undefined) throw grantInvalid();
    return {
      challengeId: row.challenge_id,
      purpose: row.purpose,
      subject: row.subject,
      phone: row.phone,
      provedAt: row.created_at,
    };
  }
}

function grantInvalid(): OtpError {
  return new OtpError('grant_invalid', 'This grant cannot be used here. Verify a code again.');
}
