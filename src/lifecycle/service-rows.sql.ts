import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface RoomParameters {
  keys: Buffer[];
  caps: number[];
  take: number;
}

/** Of the rows that share a service-wide cap, the place (from 1) of one that has room, by chance; none when all are full. */
export const roomSql = (t: Tables) =>
  statement<RoomParameters, { place: number }>(`
SELECT k.place::int
FROM unnest(:keys::bytea[], :caps::int[]) WITH ORDINALITY AS k(key, cap, place)
WHERE NOT EXISTS (
  SELECT FROM ${t.limits} l WHERE l.key = k.key AND l.ends_at > clock_timestamp() AND l.used > k.cap - :take::int)
ORDER BY random() LIMIT 1`);

/** An operator opens the gates of a subject again. */
export const unlockSql = (t: Tables) =>
  statement<{ keys: Buffer[] }, { opened: number }>(`
WITH opened AS (
  UPDATE ${t.limits} SET used = 0, strikes = 0, streak = 0, ends_at = clock_timestamp()
  WHERE key = ANY (:keys::bytea[]) AND streak > 0
  RETURNING 1
)
SELECT count(*)::int AS opened FROM opened`);
