import { audited } from '../audit/audit.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface ConversionParameters {
  /** Taken by one instance at a time: all of them look, in turn. */
  turnKey: Buffer;
  turnSeconds: number;
  /** What is judged: one array per column. */
  keys: Buffer[];
  scopes: ('region' | 'provider')[];
  names: string[];
  floorMessages: number;
  floorPercent: number;
}

/** A region or a provider of whose messages too few were verified, and that was not known for it yet. */
export interface ConversionRow {
  scope: 'region' | 'provider';
  name: string;
  messages: number;
  verified: number;
}

/**
 * Looks at the last hour's messages to strangers, by region and by provider. Each that is below the floor gets a row for an
 * hour, which is why it is told once and, where that is enforced, what a start finds full.
 *
 * No counters are kept for this, since every start of a country would queue for one; and only codes that are over count, so
 * that a burst which nobody had the time to answer accuses no country. Ids are in the order of their time, give or take an hour.
 */
export const conversionSql = (t: Tables) =>
  statement<ConversionParameters, ConversionRow>(`
WITH now AS MATERIALIZED (
  SELECT clock_timestamp() AS t WHERE set_config('lock_timeout', '2s', true) IS NOT NULL
), turn AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at)
  SELECT :turnKey::bytea, 1, 1, t, t + make_interval(secs => :turnSeconds::int) FROM now
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, ends_at = excluded.ends_at WHERE l.ends_at <= excluded.at
  RETURNING 1
), measured AS MATERIALIZED (
  SELECT c.region, c.provider, sum(c.sends)::int AS messages,
    coalesce(sum(c.sends) FILTER (WHERE c.status = 'consumed'), 0)::int AS verified
  FROM ${t.challenges} c, now
  WHERE EXISTS (SELECT FROM turn) AND c.id >= (
      SELECT (lpad(to_hex((extract(epoch FROM now.t - interval '2 hours') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid FROM now)
    AND c.last_send_at > now.t - interval '1 hour' AND (c.ended_at IS NOT NULL OR c.expires_at <= now.t)
    AND c.class = 'stranger' AND c.checker <> 'nobody' AND c.status <> 'failed'
  GROUP BY GROUPING SETS ((c.region), (c.provider))
), low AS MATERIALIZED (
  SELECT s.key, s.scope, s.name, m.messages, m.verified
  FROM unnest(:keys::bytea[], :scopes::text[], :names::text[]) AS s(key, scope, name)
  JOIN measured m ON s.name = CASE s.scope WHEN 'region' THEN m.region ELSE m.provider END
  WHERE m.messages >= :floorMessages::int AND m.verified * 100 < :floorPercent::int * m.messages
), closed AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, at, ends_at)
  SELECT low.key, 1, 1, now.t, now.t + interval '1 hour' FROM low, now ORDER BY low.key
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, ends_at = excluded.ends_at WHERE l.ends_at <= excluded.at
  RETURNING key
)${audited(
    t,
    `
  SELECT 'conversion_low', CASE scope WHEN 'region' THEN name END, NULL, NULL, NULL, NULL, NULL, CASE scope WHEN 'provider' THEN name END
  FROM closed JOIN low USING (key)`,
  )}
SELECT scope, name, messages, verified FROM closed JOIN low USING (key)`);
