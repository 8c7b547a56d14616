import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface VerifyParameters {
  id: string;
  handleHash: Buffer;
  purpose: string;
  sessionBinding: Buffer | null;
  /** The typed code's MAC under each readable pepper. */
  macs: Buffer[];
  grantHash: Buffer;
  grantSeconds: number;
  pauseMinutes: number;
  failuresInARow: number;
  knownClientDays: number;
}

/** No row: there is no such challenge, or the secret half is wrong. */
export interface VerifyRow {
  /** Null: no try was made, see `reason`. */
  matched: boolean | null;
  subject: string;
  phone: string;
  purpose: string;
  grant_expires_at: Date | null;
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
}

/** A gate that no time opens: `used` is past every cap. */
const CLOSED = 2 ** 31 - 1;

/**
 * One try: locked, judged, counted, compared and granted in one statement, committed before anything is answered.
 *
 * 1. The subject's gate is locked, then the challenge, always in this order. A wrong secret half finds neither.
 * 2. The clock is read after both waits: a guard in the UPDATE alone would accept a code that expired while it waited.
 * 3. The challenge is written once (the try, and the end if it is one), then the gate once, with the truth: a success
 *    clears it, a failure counts, the last failure of the hour starts a pause, the last of the streak closes it for good.
 * 4. A success also makes the grant, gives back the slots of unverified messages, and remembers the client as known.
 */
export const verifySql = (t: Tables) =>
  statement<VerifyParameters, VerifyRow>(`
WITH gate AS MATERIALIZED (
  SELECT key, used, cap, ends_at, strikes, streak FROM ${t.limits}
  WHERE key = (SELECT gate_key FROM ${t.challenges} WHERE id = :id AND handle_hash = :handleHash)
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), ch AS MATERIALIZED (
  SELECT c.purpose, c.subject, c.phone, c.client, c.session_binding, c.action_digest, c.unverified_keys, c.code_mac, c.status,
    c.tries, c.max_tries, c.sends, c.expires_at, c.ended_at,
    gate.key, gate.used, gate.cap, gate.ends_at AS gate_ends_at, gate.strikes, gate.streak
  FROM gate, ${t.challenges} c WHERE c.id = :id AND c.handle_hash = :handleHash
  FOR UPDATE OF c
), judged AS MATERIALIZED (
  SELECT *,
    CASE WHEN gate_ends_at > t THEN used ELSE 0 END AS failures,
    CASE WHEN used >= cap AND gate_ends_at > t THEN ceil(extract(epoch FROM least(gate_ends_at, t + interval '1 day') - t))::int END AS paused,
    CASE
      WHEN ended_at IS NOT NULL THEN status
      WHEN expires_at <= t THEN 'expired'
      WHEN tries >= max_tries THEN 'locked'
      WHEN purpose <> :purpose THEN 'other_purpose'
      WHEN session_binding IS DISTINCT FROM :sessionBinding THEN 'other_session'
    END AS dead
  FROM (SELECT *, clock_timestamp() AS t FROM ch OFFSET 0) now
), tried AS (
  UPDATE ${t.challenges} c SET
    tries = j.tries + 1,
    status = CASE WHEN j.code_mac = ANY (:macs::bytea[]) THEN 'consumed' WHEN j.tries + 1 >= j.max_tries THEN 'locked' ELSE c.status END,
    ended_at = CASE WHEN j.code_mac = ANY (:macs::bytea[]) OR j.tries + 1 >= j.max_tries THEN j.t END
  FROM judged j
  WHERE c.id = :id AND j.dead IS NULL AND j.paused IS NULL
  RETURNING j.*, coalesce(j.code_mac = ANY (:macs::bytea[]), false) AS matched -- a decoy has no MAC
), counted AS (
  UPDATE ${t.limits} l SET
    used = CASE WHEN o.matched THEN 0 WHEN o.streak + 1 >= :failuresInARow THEN ${CLOSED} ELSE o.failures + 1 END,
    ends_at = CASE
      WHEN o.matched THEN o.t
      WHEN o.streak + 1 >= :failuresInARow THEN 'infinity'
      WHEN o.failures + 1 >= o.cap THEN o.t + make_interval(mins => :pauseMinutes::int * (1 << least(o.strikes, 2)))
      WHEN o.failures > 0 THEN o.gate_ends_at
      ELSE o.t + interval '1 hour' END,
    strikes = CASE WHEN o.matched THEN 0 WHEN o.failures + 1 >= o.cap THEN o.strikes + 1 ELSE o.strikes END,
    streak = CASE WHEN o.matched THEN 0 ELSE o.streak + 1 END
  FROM tried o
  WHERE l.key = o.key AND NOT (o.matched AND o.used = 0 AND o.streak = 0)
), granted AS (
  INSERT INTO ${t.grants} (hash, challenge_id, purpose, subject, phone, session_binding, action_digest, created_at, expires_at)
  SELECT :grantHash::bytea, :id, purpose, subject, phone, session_binding, action_digest, t, t + make_interval(secs => :grantSeconds::int)
  FROM tried WHERE matched
  RETURNING expires_at
), due AS MATERIALIZED (
  SELECT l.key
  FROM (SELECT unnest(unverified_keys) AS key FROM tried WHERE matched ORDER BY key) u, -- by key, as a start takes them
    LATERAL (SELECT x.key FROM ${t.limits} x WHERE x.key = u.key FOR UPDATE OFFSET 0) l
), given_back AS (
  UPDATE ${t.limits} l SET used = greatest(l.used - d.sends, 0)
  FROM (SELECT key, count(*)::int AS sends FROM due GROUP BY key) d WHERE l.key = d.key
), known AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at)
  SELECT client, 1, 1, t, t + make_interval(days => :knownClientDays::int)
  FROM tried WHERE matched AND client IS NOT NULL AND session_binding IS NULL
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, ends_at = excluded.ends_at
)
SELECT x.matched, j.subject, j.phone, j.purpose, g.expires_at AS grant_expires_at,
  j.dead AS reason, CASE WHEN j.dead IS NULL THEN j.paused END AS retry_after,
  j.max_tries, j.tries + (x.matched IS NOT NULL)::int AS tries,
  j.cap, j.failures + (x.matched IS FALSE)::int AS failures, j.streak + (x.matched IS FALSE)::int AS streak
FROM judged j LEFT JOIN tried x ON true LEFT JOIN granted g ON true`);
