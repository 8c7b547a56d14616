import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface PurgeParameters {
  batch: number;
  retentionSeconds: number;
}

interface PurgeRow {
  deleted: number;
}

/** Rows per statement: short enough not to hold anybody up. */
export const PURGE_BATCH = 1000;

// Each statement deletes at most one batch and passes over rows that others hold, so every instance may run it at any
// time. Challenges and sends are looked for among the oldest only, which their growing ids make the first of the index.

export const purgeChallengesSql = (t: Tables) =>
  statement<PurgeParameters, PurgeRow>(`
WITH gone AS (
  DELETE FROM ${t.challenges} WHERE id IN (
    SELECT id FROM ${t.challenges}
    WHERE id IN (SELECT id FROM ${t.challenges} ORDER BY id LIMIT :batch)
      AND expires_at < clock_timestamp() - make_interval(secs => :retentionSeconds::int)
    FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM gone`);

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

export const purgeSendsSql = (t: Tables) =>
  statement<{ batch: number; days: number }, PurgeRow>(`
WITH gone AS (
  DELETE FROM ${t.sends} WHERE id IN (
    SELECT id FROM ${t.sends}
    WHERE id IN (SELECT id FROM ${t.sends} ORDER BY id LIMIT :batch)
      AND at < clock_timestamp() - make_interval(days => :days::int)
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
  RETURNING 1
)
SELECT count(*)::int AS deleted FROM lost`);
