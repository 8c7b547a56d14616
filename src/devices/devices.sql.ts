import { audited } from '../audit/audit.sql.js';
import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';
import { releasedSince } from '../numbers/released-since.sql.js';

export interface DeviceRow {
  id: string;
  label: string | null;
  trusted_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

const COLUMNS = 'id, label, trusted_at, last_used_at, expires_at';

export interface TrustParameters {
  id: string;
  account: string;
  label: string | null;
  seriesHash: Buffer;
  secretHash: Buffer;
  days: number;
  phone: string;
  provedAt: Date;
  /** Whose code it was. */
  challengeId: string;
  purpose: string;
  /** Whether the proof names the account; otherwise the ledger must say that the phone is its own. */
  named: boolean;
}

/**
 * No row: the phone that was proved is not the account's, or what ends the trust in devices came after the proof: a number of
 * the account was released, its password was reset, or it proved its first number, which was not this one. The account is
 * claimed before, as by whatever ends trust: so of this and that the one sees the other.
 */
export const trustSql = (t: Tables) =>
  statement<TrustParameters, DeviceRow>(`
WITH own AS MATERIALIZED (
  SELECT phone, verified_at, released_at FROM ${t.verifiedNumbers} WHERE owner = :account
), trusted AS (
  INSERT INTO ${t.trustedDevices} (id, account, label, series_hash, secret_hash, trusted_at, last_used_at, expires_at)
  SELECT :id::uuid, :account::text, :label::text, :seriesHash::bytea, :secretHash::bytea, t, t, t + make_interval(days => :days::int)
  FROM (SELECT clock_timestamp() AS t WHERE set_config('lock_timeout', '2s', true) IS NOT NULL) now
  WHERE (:named::boolean OR EXISTS (SELECT FROM own WHERE phone = :phone AND released_at IS NULL))
    AND NOT ${releasedSince(t, ':phone::text', ':provedAt::timestamptz')}
    AND NOT EXISTS (SELECT FROM own WHERE released_at >= :provedAt)
    AND (NOT EXISTS (SELECT FROM own) OR EXISTS (SELECT FROM own WHERE phone = :phone OR verified_at < :provedAt))
    AND NOT EXISTS (
      SELECT FROM ${t.grants} g
      WHERE g.purpose = 'password_reset' AND g.consumed_at >= :provedAt
        AND g.expires_at >= :provedAt -- of which there is an index
        AND (g.subject = :account OR g.phone IN (SELECT phone FROM own WHERE released_at IS NULL)))
  RETURNING ${COLUMNS}
)${audited(
    t,
    `
  SELECT 'device_trusted', NULL, :purpose::text, :account::text, NULL, :challengeId::uuid, NULL, NULL FROM trusted`,
  )}
SELECT ${COLUMNS} FROM trusted`);

export interface RecogniseParameters {
  account: string;
  seriesHash: Buffer;
  secretHash: Buffer;
  /** What takes the place of a token that is good. */
  nextHash: Buffer;
  graceSeconds: number;
}

export interface RecognisedRow extends DeviceRow {
  /** `stolen`: a token that was rotated out is in somebody else's hands, or this one is; the device is gone. */
  state: 'current' | 'previous' | 'expired' | 'stolen';
}

/**
 * Takes a token in for the next one. Its row is locked first and the clock read above the lock, so that of two tabs one
 * rotates and the other comes with the previous token, which is good for a moment longer. Whoever knows the half that stays
 * and not the half that changes once had a token: that the same one is used twice means that two have it.
 */
export const recogniseSql = (t: Tables) =>
  statement<RecogniseParameters, RecognisedRow>(`
WITH held AS MATERIALIZED (
  SELECT ${COLUMNS}, secret_hash, previous_hash FROM ${t.trustedDevices}
  WHERE series_hash = :seriesHash AND account = :account AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), judged AS MATERIALIZED (
  SELECT *, CASE
    WHEN expires_at <= t THEN 'expired'
    WHEN secret_hash = :secretHash THEN 'current'
    WHEN previous_hash = :secretHash AND last_used_at > t - make_interval(secs => :graceSeconds::int) THEN 'previous'
    ELSE 'stolen' END AS state
  FROM (SELECT *, clock_timestamp() AS t FROM held OFFSET 0) now
), rotated AS (
  UPDATE ${t.trustedDevices} d SET secret_hash = :nextHash, previous_hash = d.secret_hash, last_used_at = j.t
  FROM judged j WHERE d.id = j.id AND j.state = 'current'
), gone AS (
  DELETE FROM ${t.trustedDevices} d USING judged j WHERE d.id = j.id AND j.state = 'stolen'
)${audited(
    t,
    `
  SELECT 'device_stolen', NULL, NULL, :account, NULL, NULL, NULL, NULL FROM judged WHERE state = 'stolen'`,
  )}
SELECT id, label, trusted_at, CASE WHEN state = 'current' THEN t ELSE last_used_at END AS last_used_at, expires_at, state
FROM judged`);

export const listSql = (t: Tables) =>
  statement<{ account: string }, DeviceRow>(`
SELECT ${COLUMNS} FROM ${t.trustedDevices} WHERE account = :account AND expires_at > clock_timestamp()
ORDER BY last_used_at DESC, id DESC`);

/** Of one account, one device or all of them. */
export const revokeSql = (t: Tables) =>
  statement<{ account: string; id: string | null }, { revoked: number }>(`
WITH revoked AS (${distrust(t, `account = :account::text AND (:id::uuid IS NULL OR id = :id::uuid) AND set_config('lock_timeout', '2s', true) IS NOT NULL`)}
)${audited(
    t,
    `
  SELECT 'devices_revoked', NULL, NULL, :account, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM revoked)`,
  )}
SELECT count(*)::int AS revoked FROM revoked`);

/**
 * What ends the trust in devices, alone or in a statement that takes its reason away. They are locked in one order, after
 * whatever else that statement locks.
 * @param which SQL: a condition on the devices
 */
export function distrust(t: Tables, which: string): string {
  return `
  DELETE FROM ${t.trustedDevices} WHERE id IN (
    SELECT id FROM ${t.trustedDevices} WHERE ${which} ORDER BY id FOR UPDATE)
  RETURNING id`;
}
