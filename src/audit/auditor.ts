import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import type { AuditEvent } from './audit-entry.entity.js';

/** What no function of the database decided. `outcome` is a word of ours, never one that somebody typed. */
export interface Note {
  event: AuditEvent;
  outcome: string;
  purpose?: string;
  account?: string | null;
  /** Canonical E.164; its keyed hash is kept. */
  phone?: string;
  challengeId?: string;
}

/**
 * Writes down what nothing else could: refusals by the host's own checks, and of grants, whose transaction is about to be rolled back with
 * everything in it. Nobody waits for it, and it waits for the end of such a transaction: one that holds a connection could wait for ever
 * for a second one.
 */
export class Auditor {
  constructor(
    private readonly database: Database,
    private readonly audit: boolean,
    private readonly hash: KeyedHash,
    private readonly background: { run(work: Promise<unknown>): void },
  ) {}

  /** Writes a fact that the transaction makes: both are there, or neither. */
  async add(note: Note, transaction: OtpTransaction): Promise<void> {
    if (this.audit) await this.database.call('write_note', { ...this.#requestOf(note), joins: true }, transaction);
  }

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
