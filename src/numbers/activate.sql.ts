import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';

export interface ActivateParameters {
  phone: string;
  owner: string;
  source: string;
}

export interface NumberRow {
  phone: string;
  owner: string;
  verified_at: Date;
  last_proved_at: Date;
}

/** Binds a number to its owner, or dates the proof anew when it is theirs already. No row: somebody else owns it. */
export const activateSql = (t: Tables) =>
  statement<ActivateParameters, NumberRow>(`
INSERT INTO ${t.verifiedNumbers} AS n (phone, owner, verified_at, last_proved_at, source)
SELECT :phone, :owner, now.t, now.t, :source::text
FROM (SELECT clock_timestamp() AS t WHERE set_config('lock_timeout', '2s', true) IS NOT NULL) now
ON CONFLICT (phone) WHERE released_at IS NULL DO UPDATE SET last_proved_at = excluded.last_proved_at WHERE n.owner = excluded.owner
RETURNING n.phone, n.owner, n.verified_at, n.last_proved_at`);

export const ownerOfSql = (t: Tables) =>
  statement<{ phone: string }, { owner: string }>(`
SELECT owner FROM ${t.verifiedNumbers} WHERE phone = :phone AND released_at IS NULL`);
