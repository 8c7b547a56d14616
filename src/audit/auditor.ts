import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import type { AuditEvent } from './audit-entry.entity.js';

/** An audit entry for a decision made outside the database. `outcome` is a fixed keyword, never user input. */
export interface Note {
  event: AuditEvent;
  outcome: string;
  purpose?: string;
  account?: string | null;
  /** Canonical E.164; only its keyed hash is stored. */
  phone?: string;
  challengeId?: string;
}

/**
 * Writes audit entries that no database function can write: rejections by the host's own checks, and rejected grants, whose
 * transaction usually rolls back. It writes in the background after the end of the transaction: waiting for a second connection
 * while the transaction holds one could wait forever.
 */
export class Auditor {
  constructor(
    private readonly database: Database,
    private readonly audit: boolean,
    private readonly hash: KeyedHash,
    private readonly background: { run(work: Promise<unknown>): void },
  ) {}

  /** Writes an entry within the transaction: both commit together or not at all. */
  async add(note: Note, transaction: OtpTransaction): Promise<void> {
    if (this.audit) await this.database.call('write_note', { ...this.#requestOf(note), joins: true }, transaction);
  }

  /** Writes an entry in the background, after the end of the transaction if there is one. */
  note(note: Note, transaction?: OtpTransaction): void {
    if (!this.audit) return;
    const request = this.#requestOf(note);
    this.database.afterEnd(transaction, () => this.background.run(this.database.call('write_note', request)));
  }

  #requestOf({ event, outcome, purpose, account, phone, challengeId }: Note) {
    return {
      event,
      outcome,
      purpose,
      account,
      ...(phone !== undefined && { phone_hash: hex(this.hash.ofPhone(phone)) }),
      challenge_id: challengeId,
    };
  }
}
