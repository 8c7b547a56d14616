import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface ClaimParameters {
  account?: string;
  /** Claims whoever owns it at present. */
  phone?: string;
  /** Hash of a grant: claims whom it is of, and whoever owns its phone. */
  grant?: Buffer;
}

/** SQL: an account as a lock. It is the host's, so there is no row of ours to hold; the table tells our schemas apart. */
const keyOf = (t: Tables, account: string) =>
  `hashtextextended($ledger$${t.verifiedNumbers} $ledger$ || ${account}, 0)`;

/** SQL: waits until nobody else has claimed an account. */
export const claimed = (t: Tables, account: string) => `pg_advisory_xact_lock(${keyOf(t, account)})`;

/**
 * Claims accounts until the transaction ends. Whoever decides what an account may be entered by has it to itself: whether a
 * number is its first, and which devices it trusts, since such rows cannot be locked before they are there.
 *
 * A statement of its own, because the next one must see what was committed while this one waited. Accounts are claimed in
 * one order, after the grants that are used and before any number is locked.
 */
export const claimSql = (t: Tables) =>
  statement<ClaimParameters, object>(`
SELECT pg_advisory_xact_lock(key) FROM (
  SELECT DISTINCT ${keyOf(t, 'account')} AS key
  FROM (
    SELECT :account::text AS account
    UNION ALL SELECT subject FROM ${t.grants} WHERE hash = :grant::bytea
    UNION ALL SELECT owner FROM ${t.verifiedNumbers}
    WHERE released_at IS NULL AND phone IN (:phone::text, (SELECT phone FROM ${t.grants} WHERE hash = :grant::bytea))
  ) accounts
  WHERE account IS NOT NULL
  ORDER BY key
) keys
WHERE set_config('lock_timeout', '2s', true) IS NOT NULL`);
