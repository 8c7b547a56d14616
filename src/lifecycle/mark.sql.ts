import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface MarkParameters {
  id: string;
  sendNumber: number;
  status: 'sent' | 'failed' | 'unknown';
  provider: string;
  providerRef: string | null;
  outcome: string;
  segments: number | null;
  cost: string | null;
  latencyMs: number;
}

/**
 * What came of a message: dates the challenge and writes the log, one round trip.
 *
 * The mark fits only the send it speaks of, and only a challenge still `sending`: a late answer changes neither a used
 * challenge nor the next send. Losing it in a crash costs nothing but the knowledge (the row then counts as `unknown`),
 * so this commit alone does not wait for the disk. The setting ends with the transaction.
 */
export const markSql = (t: Tables) =>
  statement<MarkParameters, { marked: boolean }>(`
WITH marked AS (
  UPDATE ${t.challenges} SET status = :status, provider_ref = :providerRef,
    sent_at = CASE WHEN :status = 'sent' THEN clock_timestamp() END
  WHERE id = :id AND status = 'sending' AND sends = :sendNumber AND ended_at IS NULL
  RETURNING 1
), logged AS (${logSend(t)}
)
SELECT EXISTS (SELECT FROM marked) AS marked, set_config('synchronous_commit', 'off', true) FROM logged`);

export interface FailParameters extends MarkParameters {
  cooldownKey: Buffer;
}

/**
 * Surely nothing was sent, and a signed-in caller waits to hear it: the challenge ends and the cooldown is given back.
 * The cooldown is locked first, as in every statement that takes both.
 */
export const failSql = (t: Tables) =>
  statement<FailParameters, { marked: boolean }>(`
WITH cooldown AS MATERIALIZED (
  SELECT key FROM ${t.limits} WHERE key = :cooldownKey AND set_config('lock_timeout', '2s', true) IS NOT NULL FOR UPDATE
), marked AS (
  UPDATE ${t.challenges} c SET status = :status, ended_at = clock_timestamp()
  WHERE c.id = :id AND c.status = 'sending' AND c.sends = :sendNumber AND c.ended_at IS NULL
    AND (SELECT count(*) FROM cooldown) >= 0
  RETURNING 1
), released AS (
  UPDATE ${t.limits} l SET used = 0, ends_at = clock_timestamp() FROM marked WHERE l.key = :cooldownKey
), logged AS (${logSend(t)}
)
SELECT EXISTS (SELECT FROM marked) AS marked FROM logged`);

const logSend = (t: Tables) => `
  INSERT INTO ${t.sends} (challenge_id, send_number, provider, provider_ref, outcome, segments, cost, latency_ms, at)
  VALUES (:id::uuid, :sendNumber::smallint, :provider, :providerRef, :outcome, :segments::smallint, :cost, :latencyMs::int, clock_timestamp())
  RETURNING 1`;
