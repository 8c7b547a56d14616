import { audited } from '../audit/audit.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

// A stop is a row of `otp_limits` that never ends. Starts only read it: a row that each of them wrote would make them queue.

export interface StopParameters {
  key: Buffer;
  region: string | null;
  provider: string | null;
}

/** @returns whether it was not stopped before */
export const stopSql = (t: Tables) =>
  statement<StopParameters & { reason: string | null }, { added: boolean }>(`
WITH stopped AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at, reason)
  SELECT :key::bytea, 1, 1, clock_timestamp(), 'infinity', :reason::text WHERE set_config('lock_timeout', '2s', true) IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET reason = coalesce(excluded.reason, l.reason)
  RETURNING l.xmax = 0 AS added
)${audited(
    t,
    `
  SELECT 'sending_stopped', :region::text, NULL, NULL, NULL, NULL, NULL, :provider::text FROM stopped WHERE added`,
  )}
SELECT added FROM stopped`);

export const resumeSql = (t: Tables) =>
  statement<StopParameters, { resumed: boolean }>(`
WITH resumed AS (
  DELETE FROM ${t.limits} WHERE key = :key AND set_config('lock_timeout', '2s', true) IS NOT NULL RETURNING 1
)${audited(
    t,
    `
  SELECT 'sending_resumed', :region::text, NULL, NULL, NULL, NULL, NULL, :provider::text FROM resumed`,
  )}
SELECT true AS resumed FROM resumed`);

/** Of these stops, those that are in force, by their place in the list (from 1). */
export const stopsSql = (t: Tables) =>
  statement<{ keys: Buffer[] }, { place: number; at: Date; reason: string | null }>(`
SELECT k.place::int, l.at, l.reason
FROM unnest(:keys::bytea[]) WITH ORDINALITY AS k(key, place) JOIN ${t.limits} l ON l.key = k.key
ORDER BY k.place`);
