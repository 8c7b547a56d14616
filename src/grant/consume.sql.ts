import { audited } from '../audit/audit.sql.js';
import { distrust } from '../devices/devices.sql.js';
import type { GrantSource } from './grant.entity.js';
import { claimed } from '../lifecycle/claim.sql.js';
import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';
import { releasedSince } from '../numbers/released-since.sql.js';

export interface ConsumeParameters {
  hash: Buffer;
  purposes: readonly string[];
  /** The account; null for a grant that was won by phone alone. */
  subject: string | null;
  sessionBinding: Buffer | null;
  actionDigest: Buffer | null;
  /** Whether only a settled number will do, see `PurposeRules.number`. */
  settled: boolean;
}

/** Why a grant is not good: for logs and events only. */
export type GrantRefusal =
  'other_purpose' | 'other_session' | 'other_action' | 'used' | 'expired' | 'number_released' | 'number_on_hold';

/** No row: there is no such grant. */
export interface ConsumeRow {
  challenge_id: string;
  purpose: string;
  subject: string;
  phone: string;
  created_at: Date;
  source: GrantSource;
  /** Null: the grant is good, and now used. */
  reason: GrantRefusal | null;
}

/** What a grant was issued for never changes, so it is judged without a lock. */
const seen = (t: Tables) => `
WITH seen AS MATERIALIZED (
  SELECT hash, challenge_id, purpose, subject, phone, created_at, source, CASE
    WHEN purpose <> ALL (:purposes::text[]) THEN 'other_purpose'
    WHEN subject <> coalesce(:subject, phone) OR session_binding IS DISTINCT FROM :sessionBinding::bytea THEN 'other_session'
    WHEN action_digest IS DISTINCT FROM :actionDigest::bytea THEN 'other_action' END AS unfit
  FROM ${t.grants} WHERE hash = :hash
)`;

/** What may have changed since, as of `now.t`. A recovery code stands in for a number, so that one's hold is nothing to it. */
const dead = (t: Tables) => `CASE
    WHEN now.consumed_at IS NOT NULL THEN 'used'
    WHEN now.expires_at <= now.t THEN 'expired'
    WHEN ${releasedSince(t, 'now.phone', 'now.created_at')} THEN 'number_released'
    WHEN :settled::boolean AND now.source = 'code' AND EXISTS (
      SELECT FROM ${t.verifiedNumbers} n WHERE n.phone = now.phone AND n.released_at IS NULL AND n.held_until > now.t)
      THEN 'number_on_hold' END`;

/**
 * Uses a grant, once. Its row is locked first and the clock read above the lock: a guard in the UPDATE alone would let an
 * expired grant through when whoever held the row rolled back. A grant that does not fit is not even locked, so that
 * another connection can end it while the host's transaction is still open.
 *
 * The proof dates the account's number anew, unless it is a recovery code's. One for the ledger itself does not: `activate`
 * and `change` write that, and `change` must be the first to lock a number, or two changes wait for each other. The account
 * is claimed before its number is locked, as by whatever else locks both.
 *
 * A password reset ends the trust in the devices of the account, and so locks them last.
 */
export const consumeSql = (t: Tables) =>
  statement<ConsumeParameters, ConsumeRow>(`${seen(t)}, held AS MATERIALIZED (
  SELECT g.hash, g.purpose, g.subject, g.phone, g.phone_hash, g.challenge_id, g.created_at, g.source, g.consumed_at, g.expires_at FROM seen, ${t.grants} g
  WHERE g.hash = seen.hash AND seen.unfit IS NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE OF g
), judged AS MATERIALIZED (
  SELECT now.*, ${dead(t)} AS dead
  FROM (SELECT *, clock_timestamp() AS t FROM held OFFSET 0) now
), used AS (
  UPDATE ${t.grants} g SET consumed_at = j.t FROM judged j WHERE g.hash = j.hash AND j.dead IS NULL
), own AS MATERIALIZED (
  SELECT n.id, j.created_at, ${claimed(t, 'n.owner')}
  FROM judged j, ${t.verifiedNumbers} n
  WHERE j.dead IS NULL AND n.phone = j.phone AND n.owner = j.subject AND n.released_at IS NULL
    AND j.purpose NOT IN ('verify_number', 'change_number') AND j.source = 'code'
), proved AS (
  UPDATE ${t.verifiedNumbers} n SET last_proved_at = greatest(n.last_proved_at, own.created_at)
  FROM own WHERE n.id = own.id AND n.released_at IS NULL
  RETURNING n.id
), distrusted AS (${distrust(
    t,
    `account IN (
    SELECT unnest(ARRAY[j.subject, n.owner]) FROM judged j LEFT JOIN ${t.verifiedNumbers} n ON n.phone = j.phone AND n.released_at IS NULL
    WHERE j.dead IS NULL AND j.purpose = 'password_reset') AND (SELECT count(*) FROM proved) >= 0`,
  )}
)${audited(
    t,
    `
  SELECT 'grant_used', NULL, purpose, subject, phone_hash, challenge_id, NULL, NULL FROM judged WHERE dead IS NULL`,
  )}
SELECT s.challenge_id, s.purpose, s.subject, s.phone, s.created_at, s.source, coalesce(s.unfit, j.dead) AS reason
FROM seen s LEFT JOIN judged j ON true`);

/** The same judgement, without using the grant. */
export const checkSql = (t: Tables) =>
  statement<ConsumeParameters, ConsumeRow>(`${seen(t)}
SELECT s.challenge_id, s.purpose, s.subject, s.phone, s.created_at, s.source, coalesce(s.unfit, ${dead(t)}) AS reason
FROM seen s, LATERAL (
  SELECT g.phone, g.created_at, g.source, g.consumed_at, g.expires_at, clock_timestamp() AS t FROM ${t.grants} g WHERE g.hash = s.hash
) now`);

/** Ends a grant that was shown for a record which has changed since. */
export const endSql = (t: Tables) =>
  statement<{ hash: Buffer }, { challenge_id: string }>(`
UPDATE ${t.grants} SET consumed_at = clock_timestamp()
WHERE hash = :hash AND consumed_at IS NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
RETURNING challenge_id`);
