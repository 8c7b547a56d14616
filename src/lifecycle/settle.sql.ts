import { audited } from '../audit/audit.sql.js';
import { afterSuccess, type SuccessParameters } from './after-success.sql.js';
import { releasedSince } from '../numbers/released-since.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface SettleParameters extends SuccessParameters {
  /** The message whose code the vendor was asked about. */
  sendNumber: number;
}

/**
 * The vendor said yes: the challenge is consumed, once. The try was spent before the call, so whatever happened in
 * between (another success, a resend, an end, a release of the number) wins, and then there is no row. Locks gate and challenge in the usual order.
 */
export const settleSql = (t: Tables) =>
  statement<SettleParameters, { grant_expires_at: Date }>(`
WITH gate AS MATERIALIZED (
  SELECT key, used, streak FROM ${t.limits}
  WHERE key = (SELECT gate_key FROM ${t.challenges} WHERE id = :id) AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), ch AS MATERIALIZED (
  SELECT c.purpose, c.subject, c.phone, c.phone_hash, c.class, c.provider, c.created_at, c.ended_at, c.sends, c.checker, gate.* FROM gate, ${t.challenges} c WHERE c.id = :id FOR UPDATE OF c
), judged AS MATERIALIZED (
  SELECT *, clock_timestamp() AS t FROM ch OFFSET 0
), won AS (
  UPDATE ${t.challenges} c SET status = 'consumed', ended_at = j.t
  FROM judged j
  WHERE c.id = :id AND j.ended_at IS NULL AND j.sends = :sendNumber AND j.checker = 'vendor'
    AND NOT ${releasedSince(t, 'j.phone', 'j.created_at')}
  RETURNING c.purpose, c.subject, c.phone, c.phone_hash, c.client, c.session_binding, c.action_digest, c.unverified_keys, j.key, j.used, j.streak, j.t
), cleared AS (
  UPDATE ${t.limits} l SET used = 0, strikes = 0, streak = 0, ends_at = w.t
  FROM won w WHERE l.key = w.key AND NOT (w.used = 0 AND w.streak = 0)
), ${afterSuccess(t)}${audited(
    t,
    `
  SELECT CASE WHEN won THEN 'verified' ELSE 'refused' END, CASE WHEN NOT won THEN 'overtaken' END, purpose, subject, phone_hash, :id, class, provider
  FROM judged, LATERAL (SELECT EXISTS (SELECT FROM won) AS won) came`,
  )}
SELECT expires_at AS grant_expires_at FROM granted`);
