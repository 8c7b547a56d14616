import { audited } from '../audit/audit.sql.js';
import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';

/** A new set in the places of the one before. Whoever comes second waits at the first place and replaces the whole. */
export const issueSql = (t: Tables) =>
  statement<{ account: string; hashes: Buffer[] }, { issued: number }>(`
WITH issued AS (
  INSERT INTO ${t.recoveryCodes} (account, place, hash, issued_at)
  SELECT :account::text, place, hash, clock_timestamp()
  FROM unnest(:hashes::bytea[]) WITH ORDINALITY AS new(hash, place)
  WHERE set_config('lock_timeout', '2s', true) IS NOT NULL
  ORDER BY place
  ON CONFLICT (account, place) DO UPDATE SET hash = excluded.hash, issued_at = excluded.issued_at, used_at = NULL
  RETURNING place
)${audited(
    t,
    `
  SELECT 'recovery_issued', NULL, NULL, :account, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM issued)`,
  )}
SELECT count(*)::int AS issued FROM issued`);

/**
 * A new code in the place of each used one; `hashes` has one for each place. The used are locked first, in the order in
 * which the other statements lock them: whoever comes second finds them unused again, and replaces none.
 */
export const replaceUsedSql = (t: Tables) =>
  statement<{ account: string; hashes: Buffer[] }, { place: number }>(`
WITH used AS MATERIALIZED (
  SELECT place FROM ${t.recoveryCodes}
  WHERE account = :account::text AND used_at IS NOT NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
  ORDER BY place
  FOR UPDATE
), replaced AS (
  UPDATE ${t.recoveryCodes} c SET hash = (:hashes::bytea[])[used.place], issued_at = clock_timestamp(), used_at = NULL
  FROM used WHERE c.account = :account AND c.place = used.place
  RETURNING c.place
)${audited(
    t,
    `
  SELECT 'recovery_replaced', NULL, NULL, :account, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM replaced)`,
  )}
SELECT place FROM replaced ORDER BY place`);

export const remainingSql = (t: Tables) =>
  statement<{ account: string }, { remaining: number }>(`
SELECT count(*)::int AS remaining FROM ${t.recoveryCodes} WHERE account = :account AND used_at IS NULL`);

export const revokeSql = (t: Tables) =>
  statement<{ account: string }, { revoked: number }>(`
WITH revoked AS (${forget(t, `account = :account::text AND set_config('lock_timeout', '2s', true) IS NOT NULL`)}
)${audited(
    t,
    `
  SELECT 'recovery_revoked', NULL, NULL, :account, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM revoked)`,
  )}
SELECT count(*)::int AS revoked FROM revoked`);

/**
 * What ends codes, alone or in a statement that takes them away. They are locked by place, as by whoever uses or replaces them.
 * @param which SQL: a condition on the codes of one account
 */
export function forget(t: Tables, which: string): string {
  return `
  DELETE FROM ${t.recoveryCodes} WHERE (account, place) IN (
    SELECT account, place FROM ${t.recoveryCodes} WHERE ${which} ORDER BY place FOR UPDATE)
  RETURNING place`;
}
