import { audited } from '../audit/audit.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface PurgeParameters {
  batch: number;
  retentionSeconds: number;
}

interface PurgeRow {
  deleted: number;
  /** Rows that were due among the oldest, whoever deleted them. Absent where every due row was looked for. */
  due?: number;
}

/** Rows per statement: short enough not to hold anybody up. */
export const PURGE_BATCH = 1000;

// Each statement deletes at most one batch and passes over rows that others hold, so every instance may run it at any
// time. Challenges, sends and audit are looked for among the oldest only, which their growing ids make the first of the index.

/** Of the oldest rows, those of which `over` is true and that nobody holds. */
const purgeOldest = (table: string, over: string) => `
WITH due AS MATERIALIZED (
  SELECT id FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY id LIMIT :batch) AND ${over}
), gone AS (
  DELETE FROM ${table} WHERE id IN (
    SELECT x.id FROM ${table} x WHERE x.id IN (SELECT id FROM due) AND ${over} FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS deleted, (SELECT count(*)::int FROM due) AS due FROM gone`;

export const purgeChallengesSql = (t: Tables) =>
  statement<PurgeParameters, PurgeRow>(
    purgeOldest(t.challenges, 'expires_at < clock_timestamp() - make_interval(secs => :retentionSeconds::int)'),
  );

export const purgeGrantsSql = (t: Tables) =>
  statement<PurgeParameters, PurgeRow>(`
WITH gone AS (
  DELETE FROM ${t.grants} WHERE hash IN (
    SELECT hash FROM ${t.grants}
    WHERE expires_at < clock_timestamp() - make_interval(secs => :retentionSeconds::int)
    ORDER BY expires_at LIMIT :batch
    FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM gone`);

/**
 * Counters whose window is over. A gate with a streak stays until a success or an operator clears it: time alone must
 * not give anybody new guesses. The hour's grace keeps a gate for the challenges that still point at it.
 */
export const purgeLimitsSql = (t: Tables) =>
  statement<Pick<PurgeParameters, 'batch'>, PurgeRow>(`
WITH gone AS (
  DELETE FROM ${t.limits} WHERE key IN (
    SELECT key FROM ${t.limits}
    WHERE ends_at < clock_timestamp() - interval '1 hour' AND streak = 0
    LIMIT :batch
    FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM gone`);

const OLDER = 'at < clock_timestamp() - make_interval(days => :days::int)';

export const purgeSendsSql = (t: Tables) =>
  statement<{ batch: number; days: number }, PurgeRow>(purgeOldest(t.sends, OLDER));

/** Also where the audit is off: what it held from before goes in time. */
export const purgeAuditSql = (t: Tables) =>
  statement<{ batch: number; days: number }, PurgeRow>(purgeOldest(t.audit, OLDER));

/** Devices whose trust is over by time; one that was ended otherwise has no row. */
export const purgeDevicesSql = (t: Tables) =>
  statement<{ batch: number }, PurgeRow>(`
WITH gone AS (
  DELETE FROM ${t.trustedDevices} WHERE id IN (
    SELECT id FROM ${t.trustedDevices}
    WHERE expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT :batch
    FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM gone`);

/** A message whose process died before the vendor's answer: nobody will mark it any more, so its state is `unknown`. */
export const forgetSendingSql = (t: Tables) =>
  statement<{ batch: number; afterSeconds: number }, PurgeRow>(`
WITH lost AS (
  UPDATE ${t.challenges} SET status = 'unknown' WHERE id IN (
    SELECT id FROM ${t.challenges}
    WHERE status = 'sending' AND last_send_at < clock_timestamp() - make_interval(secs => :afterSeconds::int)
    LIMIT :batch
    FOR UPDATE SKIP LOCKED)
  RETURNING *
)${audited(
    t,
    `
  SELECT 'unknown', 'no_answer', purpose, subject, phone_hash, id, class, provider FROM lost`,
  )}
SELECT count(*)::int AS deleted FROM lost`);
