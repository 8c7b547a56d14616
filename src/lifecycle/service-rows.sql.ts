import { audited, lazily } from '../audit/audit.sql.js';
import type { BudgetClass, ServicePlace } from '../limits/limits.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface RoomParameters {
  keys: Buffer[];
  caps: number[];
  take: number;
  /** Of the message that looks for room, for the audit. */
  place: ServicePlace;
  class: BudgetClass;
  purpose: string;
  subject: string;
  phoneHash: Buffer;
  challengeId: string | null;
}

/** Of the rows that share a service-wide cap, the place (from 1) of one that has room, by chance; none when all are full. */
export const roomSql = (t: Tables) =>
  statement<RoomParameters, { place: number }>(`
WITH room AS MATERIALIZED (
  SELECT k.place::int
  FROM unnest(:keys::bytea[], :caps::int[]) WITH ORDINALITY AS k(key, cap, place)
  WHERE NOT EXISTS (
    SELECT FROM ${t.limits} l WHERE l.key = k.key AND l.ends_at > clock_timestamp() AND l.used > k.cap - :take::int)
  ORDER BY random() LIMIT 1
)${audited(
    t,
    `
  SELECT 'limited', ${lazily(':place::text')}, :purpose::text, :subject::text, :phoneHash::bytea, :challengeId::uuid, :class::text, NULL
  WHERE NOT EXISTS (SELECT FROM room)`,
  )}
SELECT place FROM room`);

/** An operator opens the gates of a subject again. */
export const unlockSql = (t: Tables) =>
  statement<{ keys: Buffer[]; subject: string; phoneHash: Buffer | null }, { opened: number }>(`
WITH opened AS (
  UPDATE ${t.limits} SET used = 0, strikes = 0, streak = 0, ends_at = clock_timestamp()
  WHERE key = ANY (:keys::bytea[]) AND streak > 0
  RETURNING 1
)${audited(
    t,
    `
  SELECT 'unlocked', NULL, NULL, :subject::text, :phoneHash::bytea, NULL, NULL, NULL WHERE EXISTS (SELECT FROM opened)`,
  )}
SELECT count(*)::int AS opened FROM opened`);
