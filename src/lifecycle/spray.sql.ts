import { audited } from '../audit/audit.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface SprayParameters {
  sprayKey: Buffer;
  sprayCap: number;
}

const WINDOW = `interval '10 minutes'`;

/**
 * Counts a wrong code over all subjects: guessing one code on each of many accounts stays under every other limit. It never
 * refuses; it is for people and their bot check to act on.
 * @param failures SQL: the rows to count, with the time `t`
 */
export const countFailure = (t: Tables, failures: string) => `
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at)
  SELECT :sprayKey::bytea, 1, :sprayCap::int, t, t + ${WINDOW} FROM ${failures}
  ON CONFLICT (key) DO UPDATE SET
    used = CASE WHEN l.ends_at > excluded.at THEN l.used ELSE 0 END + 1,
    ends_at = CASE WHEN l.ends_at > excluded.at THEN l.ends_at ELSE excluded.ends_at END,
    at = excluded.at, cap = excluded.cap
  RETURNING used`;

/** For a code that the vendor found wrong, which the statement of the try could not know. */
export const countFailureSql = (t: Tables) =>
  statement<SprayParameters & { id: string }, { used: number }>(`
WITH counted AS (${countFailure(t, `(SELECT clock_timestamp() AS t WHERE set_config('lock_timeout', '2s', true) IS NOT NULL) now`)}
)${audited(
    t,
    `
  SELECT 'refused', 'wrong_code', purpose, subject, phone_hash, id, class, provider FROM ${t.challenges} WHERE id = :id`,
  )}
SELECT used FROM counted`);

/** Condition: so many codes were wrong lately that somebody may be guessing over many accounts. */
export const isSprayed = (t: Tables) =>
  `EXISTS (SELECT FROM ${t.limits} s WHERE s.key = :sprayKey AND s.used >= :sprayCap::int AND s.ends_at > clock_timestamp())`;
