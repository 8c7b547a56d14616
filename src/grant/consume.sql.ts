import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';

export interface ConsumeParameters {
  hash: Buffer;
  purposes: readonly string[];
  sessionBinding: Buffer | null;
  actionDigest: Buffer | null;
}

export interface ConsumeRow {
  challenge_id: string;
  purpose: string;
  subject: string;
  phone: string;
  created_at: Date;
}

/**
 * Uses a grant, once. The row is locked first and the clock read above the lock: a guard in the UPDATE alone would let
 * an expired grant through when whoever held the row rolled back.
 */
export const consumeSql = (t: Tables) =>
  statement<ConsumeParameters, ConsumeRow>(`
WITH held AS MATERIALIZED (
  SELECT * FROM ${t.grants} WHERE hash = :hash AND set_config('lock_timeout', '2s', true) IS NOT NULL FOR UPDATE
), judged AS MATERIALIZED (
  SELECT *, clock_timestamp() AS t FROM held OFFSET 0
)
UPDATE ${t.grants} g SET consumed_at = j.t
FROM judged j
WHERE g.hash = j.hash AND j.consumed_at IS NULL AND j.expires_at > j.t AND j.purpose = ANY (:purposes::text[])
  AND j.session_binding IS NOT DISTINCT FROM :sessionBinding::bytea
  AND j.action_digest IS NOT DISTINCT FROM :actionDigest::bytea
RETURNING g.challenge_id, g.purpose, g.subject, g.phone, g.created_at`);
