import type { Tables } from './tables.js';

export interface SuccessParameters {
  id: string;
  grantHash: Buffer;
  grantSeconds: number;
  knownClientDays: number;
}

/**
 * What follows a right code, in the statement that found it right: the grant is made, the slots of unverified messages go
 * back, and the client becomes a known one. The gate is for the statement itself to clear, which may write it only once.
 * Reads `won`: at most one row with the columns of the challenge and the time `t`.
 */
export const afterSuccess = (t: Tables) => `granted AS (
  INSERT INTO ${t.grants} (hash, challenge_id, purpose, subject, phone, phone_hash, session_binding, action_digest, created_at, expires_at)
  SELECT :grantHash::bytea, :id, purpose, subject, phone, phone_hash, session_binding, action_digest, t, t + make_interval(secs => :grantSeconds::int)
  FROM won
  RETURNING expires_at
), due AS MATERIALIZED (
  SELECT l.key
  FROM (SELECT unnest(unverified_keys) AS key FROM won ORDER BY key) u, -- by key, as a start takes them
    LATERAL (SELECT x.key FROM ${t.limits} x WHERE x.key = u.key FOR UPDATE OFFSET 0) l
), given_back AS (
  UPDATE ${t.limits} l SET used = greatest(l.used - d.sends, 0), verified = l.verified + least(l.used, d.sends)
  FROM (SELECT key, count(*)::int AS sends FROM due GROUP BY key) d WHERE l.key = d.key
), known AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at)
  SELECT client, 1, 1, t, t + make_interval(days => :knownClientDays::int)
  FROM won WHERE client IS NOT NULL AND session_binding IS NULL AND subject = phone
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, ends_at = excluded.ends_at
)`;
