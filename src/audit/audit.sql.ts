import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';
import type { AuditEvent } from './audit-entry.entity.js';

/**
 * One more CTE of a statement: it writes down what the statement does, in the statement itself, so that the fact and its
 * entry are both there or neither is, and it costs no round trip. Empty where the option `audit` is off.
 *
 * What stands for a subject is stored only if it is an account: numbers begin with "+".
 * @param facts SQL: SELECT event, outcome, purpose, subject, phone_hash, challenge_id, class, provider FROM …
 */
export const audited = (t: Tables, facts: string) =>
  t.audits
    ? `, audited AS (
  INSERT INTO ${t.audit} (event, outcome, purpose, account, phone_hash, challenge_id, class, provider)
  SELECT event, outcome, purpose, CASE WHEN subject NOT LIKE '+%' THEN subject END, phone_hash::bytea, challenge_id::uuid, class, provider
  FROM (${facts}
  ) AS fact (event, outcome, purpose, subject, phone_hash, challenge_id, class, provider)
)`
    : '';

/**
 * The outcome of a refusal that changes nothing else: its commit does not wait for the disk, or whoever floods us with
 * refused calls would have each of them cost as much as a message. A crash can lose the last half second of them.
 */
export const lazily = (outcome: string) =>
  `CASE WHEN set_config('synchronous_commit', 'off', true) IS NOT NULL THEN ${outcome} END`;

export interface NoteParameters {
  event: AuditEvent;
  outcome: string;
  purpose: string | null;
  subject: string | null;
  phoneHash: Buffer | null;
  challengeId: string | null;
}

/** A fact that no other statement knew, such as what the host's own checks refused. */
export const noteSql = (t: Tables) =>
  statement<NoteParameters, { noted: boolean }>(`
WITH fact AS (
  SELECT ${lazily(':outcome::text')} AS outcome
)${audited(
    t,
    `
  SELECT :event::text, outcome, :purpose::text, :subject::text, :phoneHash::bytea, :challengeId::uuid, NULL, NULL FROM fact`,
  )}
SELECT true AS noted`);

export interface FindAuditParameters {
  value: string | Buffer;
  before: string | null;
  since: Date | null;
  until: Date | null;
  limit: number;
}

export interface AuditRow {
  id: string;
  at: Date;
  event: AuditEvent;
  outcome: string | null;
  purpose: string | null;
  account: string | null;
  phone_hash: Buffer | null;
  challenge_id: string | null;
  class: string | null;
  provider: string | null;
}

/** Newest first. One statement per column, since each has an index that already holds its entries in this order. */
export const findAuditSql = (t: Tables, column: 'phone_hash' | 'account' | 'challenge_id') =>
  statement<FindAuditParameters, AuditRow>(`
SELECT id, at, event, outcome, purpose, account, phone_hash, challenge_id, class, provider
FROM ${t.audit}
WHERE ${column} = :value
  AND id < coalesce(:before::bigint, ${2n ** 63n - 1n})
  AND at >= coalesce(:since::timestamptz, '-infinity') AND at < coalesce(:until::timestamptz, 'infinity')
ORDER BY id DESC LIMIT :limit`);
