import { audited, lazily } from '../audit/audit.sql.js';
import type { Checker } from '../challenge/challenge.entity.js';
import { afterSuccess, type SuccessParameters } from './after-success.sql.js';
import { AFTER_FAILURE, FAILURES, type GateParameters, PAUSED } from './gate.sql.js';
import { countFailure, type SprayParameters } from './spray.sql.js';
import { statement } from './statement.js';
import { releasedSince } from '../numbers/released-since.sql.js';
import type { Tables } from './tables.js';

export interface VerifyParameters extends SuccessParameters, SprayParameters, GateParameters {
  handleHash: Buffer;
  purpose: string;
  sessionBinding: Buffer | null;
  /** The typed code's MAC under each readable pepper. */
  macs: Buffer[];
}

/** No row: there is no such challenge, or the secret half is wrong. */
export interface VerifyRow {
  /** Null: no try was made, see `reason`. */
  matched: boolean | null;
  subject: string;
  phone: string;
  purpose: string;
  grant_expires_at: Date | null;
  /** `vendor`: the try is spent and counted as a failure; ask the vendor, then {@link settleSql} puts a success right. */
  checker: Checker;
  region: string;
  provider: string;
  provider_ref: string | null;
  sends: number;
  /** Set when the subject's gate is full. */
  retry_after: number | null;
  /** For logs and events only: why no try was made. */
  reason: string | null;
  /** Tries spent, this one included. */
  tries: number;
  max_tries: number;
  /** Failures of the subject in this hour, this one included, and the most there may be. */
  failures: number;
  cap: number;
  /** Failures of the subject since its last success, this one included. */
  streak: number;
  /** Wrong codes over all subjects lately, this one included; null where none was counted. */
  failures_everywhere: number | null;
}

/**
 * One try: locked, judged, counted, compared and granted in one statement, committed before anything is answered.
 *
 * 1. The subject's gate is locked, then the challenge, always in this order. A wrong secret half finds neither.
 * 2. The clock is read after both waits: a guard in the UPDATE alone would accept a code that expired while it waited.
 *    A number whose binding ended since the start must be proved anew: it may be somebody else's by now.
 * 3. The challenge is written once (the try, and the end if it is one), then the gate once, with the truth: a failure
 *    counts, the last failure of the hour starts a pause, the last of the streak closes it for good.
 * 4. A success clears the gate, makes the grant, gives back the slots of unverified messages, and remembers the client.
 * 5. Last, a wrong code is counted over all subjects, in a row that everybody shares and only failures touch.
 *
 * A code that the vendor checks fits nothing here: its try is spent as a failure before the vendor is asked. The last try
 * does not end such a challenge, since it may turn out right.
 */
export const verifySql = (t: Tables) =>
  statement<VerifyParameters, VerifyRow>(`
WITH gate AS MATERIALIZED (
  SELECT key, used, cap, ends_at, strikes, streak FROM ${t.limits}
  WHERE key = (SELECT gate_key FROM ${t.challenges} WHERE id = :id AND handle_hash = :handleHash)
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), ch AS MATERIALIZED (
  SELECT c.purpose, c.subject, c.phone, c.phone_hash, c.class, c.client, c.session_binding, c.action_digest, c.unverified_keys, c.checker, c.code_mac, c.status,
    c.tries, c.max_tries, c.sends, c.region, c.provider, c.provider_ref, c.created_at, c.expires_at, c.ended_at,
    gate.key, gate.used, gate.cap, gate.ends_at AS gate_ends_at, gate.strikes, gate.streak
  FROM gate, ${t.challenges} c WHERE c.id = :id AND c.handle_hash = :handleHash
  FOR UPDATE OF c
), judged AS MATERIALIZED (
  SELECT *,
    ${FAILURES} AS failures,
    ${PAUSED} AS paused,
    CASE
      WHEN ended_at IS NOT NULL THEN status
      WHEN expires_at <= t THEN 'expired'
      WHEN tries >= max_tries THEN 'locked'
      WHEN purpose <> :purpose THEN 'other_purpose'
      WHEN session_binding IS DISTINCT FROM :sessionBinding THEN 'other_session'
      WHEN ${releasedSince(t, 'now.phone', 'now.created_at')} THEN 'number_released'
    END AS dead
  FROM (SELECT *, clock_timestamp() AS t FROM ch OFFSET 0) now
), tried AS (
  UPDATE ${t.challenges} c SET
    tries = j.tries + 1,
    status = CASE WHEN j.fits THEN 'consumed' WHEN j.last THEN 'locked' ELSE c.status END,
    ended_at = CASE WHEN j.fits OR j.last THEN j.t END
  FROM (
    SELECT *, checker = 'module' AND code_mac = ANY (:macs::bytea[]) AS fits, checker <> 'vendor' AND tries + 1 >= max_tries AS last
    FROM judged WHERE dead IS NULL AND paused IS NULL
  ) j
  WHERE c.id = :id
  RETURNING j.*
), counted AS (
  UPDATE ${t.limits} l SET
    used = CASE WHEN o.fits THEN 0 ELSE ${AFTER_FAILURE.used} END,
    ends_at = CASE WHEN o.fits THEN o.t ELSE ${AFTER_FAILURE.endsAt} END,
    strikes = CASE WHEN o.fits THEN 0 ELSE ${AFTER_FAILURE.strikes} END,
    streak = CASE WHEN o.fits THEN 0 ELSE ${AFTER_FAILURE.streak} END
  FROM tried o
  WHERE l.key = o.key AND NOT (o.fits AND o.used = 0 AND o.streak = 0)
), sprayed AS (${countFailure(t, `tried WHERE NOT fits AND checker = 'module'`)}
), won AS (
  SELECT * FROM tried WHERE fits
), ${afterSuccess(t)}${audited(
    t,
    `
  SELECT CASE WHEN fits THEN 'verified' WHEN checker = 'vendor' THEN 'tried' ELSE 'refused' END,
    CASE WHEN NOT fits AND checker <> 'vendor' THEN 'wrong_code' END, purpose, subject, phone_hash, :id::uuid, class, provider
  FROM tried
  UNION ALL
  SELECT e.event, NULL, purpose, subject, phone_hash, :id::uuid, class, provider
  FROM tried, LATERAL (VALUES ('locked', last), ('paused', failures + 1 >= cap OR streak + 1 >= :failuresInARow)) AS e(event, so)
  WHERE NOT fits AND e.so
  UNION ALL
  SELECT 'refused', ${lazily(`coalesce(dead, 'paused')`)}, purpose, subject, phone_hash, :id::uuid, class, provider
  FROM judged WHERE dead IS NOT NULL OR paused IS NOT NULL
  UNION ALL
  SELECT 'refused', ${lazily(`'unknown'`)}, :purpose, NULL, NULL, :id::uuid, NULL, NULL WHERE NOT EXISTS (SELECT FROM judged)`,
  )}
SELECT x.fits AS matched, j.subject, j.phone, j.purpose, g.expires_at AS grant_expires_at,
  j.checker, j.region, j.provider, j.provider_ref, j.sends,
  j.dead AS reason, CASE WHEN j.dead IS NULL THEN j.paused END AS retry_after,
  j.max_tries, j.tries + (x.fits IS NOT NULL)::int AS tries,
  j.cap, j.failures + (x.fits IS FALSE)::int AS failures, j.streak + (x.fits IS FALSE)::int AS streak,
  (SELECT used FROM sprayed) AS failures_everywhere
FROM judged j LEFT JOIN tried x ON true LEFT JOIN granted g ON true`);
