import { audited, lazily } from '../audit/audit.sql.js';
import { AFTER_FAILURE, FAILURES, type GateParameters, PAUSED } from './gate.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface RecoverParameters extends GateParameters {
  account: string;
  codeHash: Buffer;
  gateKey: Buffer;
  failuresPerHour: number;
  /** Which number was lost; null for the one that a code would go to. */
  phone: string | null;
  /** Whether there must be one. */
  needsNumber: boolean;
  id: string;
  purpose: string;
  sessionBinding: Buffer | null;
  grantHash: Buffer;
  grantSeconds: number;
}

export interface RecoverRow {
  grant_expires_at: Date | null;
  /** Codes of the set that were not used yet. */
  remaining: number;
  /** The numbers of the account, to be told. */
  phones: string[];
  /** For events only, but for `phone_missing`: why there is no grant. */
  reason: 'wrong_code' | 'used' | 'phone_missing' | null;
  /** Set when the gate is full; then nothing was tried. */
  retry_after: number | null;
  failures: number;
  streak: number;
}

/**
 * One try of a recovery code, counted and judged in one committed statement, as that of a code is.
 *
 * 1. The gate is locked, then the set, and the clock read above both. An account without codes, or without a gate yet,
 *    takes the same steps.
 * 2. A failure counts, also that of a code which was used. Where there was no gate yet it is made with the truth; who comes
 *    second to that violates its key, so that nothing was written, and runs again.
 * 3. A success spends the code, clears the gate and makes the grant. A right code that is of no use here stays as it was.
 */
export const recoverSql = (t: Tables) =>
  statement<RecoverParameters, RecoverRow>(`
WITH patience AS MATERIALIZED (
  SELECT set_config('lock_timeout', '2s', true) AS set
), gate AS MATERIALIZED (
  SELECT l.used, l.ends_at, l.strikes, l.streak FROM patience, ${t.limits} l
  WHERE l.key = :gateKey AND patience.set IS NOT NULL
  FOR UPDATE OF l
), codes AS MATERIALIZED (
  SELECT c.place, c.hash, c.used_at FROM ${t.recoveryCodes} c
  WHERE c.account = :account AND (SELECT count(*) FROM gate) >= 0 -- so that the gate comes first
  ORDER BY c.place
  FOR UPDATE
), numbers AS MATERIALIZED (
  SELECT phone, held_until, last_proved_at, id FROM ${t.verifiedNumbers} WHERE owner = :account AND released_at IS NULL
), number AS MATERIALIZED (
  SELECT phone FROM numbers WHERE :phone::text IS NULL OR phone = :phone
  ORDER BY coalesce(held_until > clock_timestamp(), false), last_proved_at DESC, id DESC LIMIT 1
), judged AS MATERIALIZED (
  SELECT *, ${FAILURES} AS failures, ${PAUSED} AS paused, CASE
      WHEN place IS NULL THEN 'wrong_code'
      WHEN used_at IS NOT NULL THEN 'used'
      WHEN :needsNumber::boolean AND lost IS NULL THEN 'phone_missing' END AS reason
  FROM (
    SELECT code.place, code.used_at, number.phone AS lost, gate.used IS NULL AS first, :failuresPerHour::int AS cap,
      coalesce(gate.used, 0) AS used, gate.ends_at AS gate_ends_at, coalesce(gate.strikes, 0) AS strikes,
      coalesce(gate.streak, 0) AS streak, clock_timestamp() AS t
    FROM patience LEFT JOIN gate ON true LEFT JOIN number ON true
      LEFT JOIN (SELECT place, used_at FROM codes WHERE hash = :codeHash) code ON true
    OFFSET 0
  ) now
), failed AS (
  SELECT * FROM judged WHERE paused IS NULL AND reason IN ('wrong_code', 'used')
), won AS (
  SELECT * FROM judged WHERE paused IS NULL AND reason IS NULL
), counted AS (
  UPDATE ${t.limits} l SET
    used = ${AFTER_FAILURE.used}, ends_at = ${AFTER_FAILURE.endsAt},
    strikes = ${AFTER_FAILURE.strikes}, streak = ${AFTER_FAILURE.streak}
  FROM failed o WHERE l.key = :gateKey AND NOT o.first
), opened AS (
  INSERT INTO ${t.limits} (key, used, cap, at, ends_at, strikes, streak)
  SELECT :gateKey, ${AFTER_FAILURE.used}, o.cap, o.t, ${AFTER_FAILURE.endsAt}, ${AFTER_FAILURE.strikes}, ${AFTER_FAILURE.streak}
  FROM failed o WHERE o.first
), cleared AS (
  UPDATE ${t.limits} l SET used = 0, strikes = 0, streak = 0, ends_at = w.t FROM won w WHERE l.key = :gateKey
), spent AS (
  UPDATE ${t.recoveryCodes} c SET used_at = w.t FROM won w WHERE c.account = :account AND c.place = w.place
), granted AS (
  INSERT INTO ${t.grants} (hash, challenge_id, purpose, subject, phone, source, session_binding, created_at, expires_at)
  SELECT :grantHash::bytea, :id::uuid, :purpose::text, :account, coalesce(lost, ''), 'recovery', :sessionBinding::bytea,
    t, t + make_interval(secs => :grantSeconds::int)
  FROM won
  RETURNING expires_at
)${audited(
    t,
    `
  SELECT 'recovery_used', NULL, :purpose::text, :account, NULL, :id::uuid, NULL, NULL FROM won
  UNION ALL
  SELECT 'recovery_refused', reason, :purpose::text, :account, NULL, :id::uuid, NULL, NULL FROM judged WHERE paused IS NULL AND reason IS NOT NULL
  UNION ALL
  SELECT 'paused', NULL, :purpose::text, :account, NULL, :id::uuid, NULL, NULL FROM failed o
  WHERE o.failures + 1 >= o.cap OR o.streak + 1 >= :failuresInARow
  UNION ALL
  SELECT 'recovery_refused', ${lazily(`'paused'`)}, :purpose::text, :account, NULL, :id::uuid, NULL, NULL FROM judged WHERE paused IS NOT NULL`,
  )}
SELECT g.expires_at AS grant_expires_at, ARRAY(SELECT phone FROM numbers ORDER BY id) AS phones,
  (SELECT count(*)::int FROM codes WHERE used_at IS NULL) - (g.expires_at IS NOT NULL)::int AS remaining,
  CASE WHEN j.paused IS NULL THEN j.reason END AS reason, j.paused AS retry_after,
  j.failures + (f.t IS NOT NULL)::int AS failures, j.streak + (f.t IS NOT NULL)::int AS streak
FROM judged j LEFT JOIN failed f ON true LEFT JOIN granted g ON true`);
