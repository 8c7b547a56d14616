import type { KeyedHash } from '../keyed-hash.js';
import type { Database } from '../lifecycle/database.js';
import type { Tables } from '../lifecycle/tables.js';
import type { Background } from '../providers/background.js';
import type { AuditEvent } from './audit-entry.entity.js';
import { noteSql } from './audit.sql.js';

/** What no statement of the life cycle decided. `outcome` is a word of ours, never one that somebody typed. */
export interface Note {
  event: AuditEvent;
  outcome: string;
  purpose?: string;
  subject?: string;
  /** Canonical E.164; its keyed hash is kept. */
  phone?: string;
  challengeId?: string;
}

/**
 * Writes down what no other statement could: refusals by the host's own checks, and of grants, whose transaction is about
 * to be rolled back with everything in it. Nobody waits for it: a host's transaction that did, while it holds a connection,
 * could wait for ever for a second one.
 */
export class Auditor {
  readonly #note;

  constructor(
    private readonly database: Database,
    private readonly tables: Tables,
    private readonly hash: KeyedHash,
    private readonly background: Background,
  ) {
    this.#note = noteSql(tables);
  }

  note({ event, outcome, purpose, subject, phone, challengeId }: Note): void {
    if (!this.tables.audits) return;
    const parameters = {
      event,
      outcome,
      purpose: purpose ?? null,
      subject: subject ?? null,
      phoneHash: phone === undefined ? null : this.hash.ofPhone(phone),
      challengeId: challengeId ?? null,
    };
    this.background.run(this.database.run(this.#note, parameters));
  }
}
