import { audited } from '../audit/audit.sql.js';
import { distrust } from '../devices/devices.sql.js';
import { statement } from '../lifecycle/statement.js';
import type { Tables } from '../lifecycle/tables.js';
import type { TakenNumbers } from '../otp.options.js';
import { forget } from '../recovery/recovery.sql.js';
import { releasedSince } from './released-since.sql.js';

// Bindings are history: a binding ends by being dated, and a new one is a new row.

export interface NumberRow {
  phone: string;
  owner: string;
  verified_at: Date;
  last_proved_at: Date;
  held_until: Date | null;
}

const COLUMNS = 'phone, owner, verified_at, last_proved_at, held_until';

export interface ActivateParameters {
  phone: string;
  owner: string;
  source: string;
  policy: TakenNumbers;
  reconfirmDays: number;
  holdSeconds: number;
  /** When the code was verified. */
  provedAt: Date;
  phoneHash: Buffer;
  /** Whose code it was, where there was one. */
  challengeId: string | null;
}

export interface ActivatedRow extends NumberRow {
  /** Whose it was until now. */
  previous_owner: string | null;
  /** The account never had a number before. */
  first: boolean;
  released: false;
}

/** Nothing was bound. */
interface RefusedRow {
  phone: null;
  /** A binding of the number ended since it was proved. Otherwise somebody else owns it, and the policy leaves it to them. */
  released: boolean;
}

/**
 * Binds a number to its owner, or dates the proof anew when it is theirs already. The unique index decides between accounts
 * that race for a number, and a binding made since the proof stands: nobody takes a number by a code that is older than its
 * owner's. The account is claimed before, so what it has by then is all that it has.
 *
 * An account's first number takes away the devices and recovery codes that it has by then: who made them proved no number.
 * A transfer takes away the devices of the former owner.
 *
 * A number that joins or replaces another is on hold at first, or whoever stole a session could add a phone of their own
 * and confirm with that.
 */
export const activateSql = (t: Tables) =>
  statement<ActivateParameters, ActivatedRow | RefusedRow>(`
WITH now AS MATERIALIZED (
  SELECT clock_timestamp() AS t, ${releasedSince(t, ':phone', ':provedAt::timestamptz')} AS released
  WHERE set_config('lock_timeout', '2s', true) IS NOT NULL
), taken AS MATERIALIZED (
  SELECT n.id, n.owner, n.verified_at, n.last_proved_at FROM ${t.verifiedNumbers} n, now
  WHERE n.phone = :phone AND n.released_at IS NULL AND NOT now.released
  FOR UPDATE OF n
), freed AS (
  UPDATE ${t.verifiedNumbers} n SET released_at = now.t, release_reason = 'transferred'
  FROM taken, now
  WHERE n.id = taken.id AND taken.owner <> :owner AND taken.verified_at <= :provedAt::timestamptz AND (
    :policy = 'transfer' OR
    :policy = 'transfer_unconfirmed' AND taken.last_proved_at < now.t - make_interval(days => :reconfirmDays::int))
  RETURNING n.owner
), other AS MATERIALIZED (
  SELECT FROM ${t.verifiedNumbers} n, now
  WHERE n.owner = :owner AND n.phone <> :phone
    AND (n.released_at IS NULL OR n.released_at > now.t - make_interval(secs => :holdSeconds::int))
), prepared AS MATERIALIZED (
  SELECT NOT EXISTS (SELECT FROM ${t.verifiedNumbers} n WHERE n.owner = :owner) AS yes
), bound AS (
  INSERT INTO ${t.verifiedNumbers} AS n (phone, owner, verified_at, last_proved_at, source, held_until)
  SELECT :phone, :owner, now.t, now.t, :source::text,
    CASE WHEN EXISTS (SELECT FROM other) THEN now.t + make_interval(secs => :holdSeconds::int) END
  FROM now
  WHERE NOT now.released AND (SELECT count(*) FROM freed) >= 0 -- so that it runs after the unique index is free
  ON CONFLICT (phone) WHERE released_at IS NULL DO UPDATE SET
    last_proved_at = excluded.last_proved_at
  WHERE n.owner = excluded.owner
  RETURNING n.*
), first AS (
  SELECT bound.verified_at = now.t AND prepared.yes AS yes FROM bound, now, prepared
), distrusted AS (${distrust(t, `account IN (SELECT owner FROM freed UNION ALL SELECT :owner FROM first WHERE yes)`)}
), forgotten AS (${forget(t, `account = :owner AND EXISTS (SELECT FROM first WHERE yes)`)}
)${audited(
    t,
    `
  SELECT 'number_activated', NULL, :source::text, owner, :phoneHash::bytea, :challengeId::uuid, NULL, NULL FROM bound
  UNION ALL
  SELECT 'number_transferred', NULL, :source::text, owner, :phoneHash::bytea, :challengeId::uuid, NULL, NULL FROM freed`,
  )}
SELECT ${COLUMNS}, (SELECT owner FROM freed) AS previous_owner, (SELECT yes FROM first) AS first, now.released
FROM now LEFT JOIN bound ON true`);

export interface LeaveParameters {
  owner: string;
  from: string;
  to: string;
  /** Of the number that is left. */
  phoneHash: Buffer;
  /** Whose code left it. */
  challengeId: string;
  /** For the history. */
  reason: string;
}

/**
 * The first half of a change of number: the old binding ends. Both numbers are locked in one order, so that two accounts
 * that change to each other's number do not wait in a circle. No row: the old number is not the owner's.
 */
export const leaveSql = (t: Tables) =>
  statement<LeaveParameters, { phone: string }>(`
WITH locked AS MATERIALIZED (
  SELECT id, phone, owner FROM ${t.verifiedNumbers}
  WHERE phone IN (:from, :to) AND released_at IS NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
  ORDER BY phone
  FOR UPDATE
), left_ AS (
  UPDATE ${t.verifiedNumbers} n SET released_at = clock_timestamp(), release_reason = :reason
  FROM locked
  WHERE n.id = locked.id AND locked.phone = :from AND locked.owner = :owner
  RETURNING n.phone, n.owner
), distrusted AS (${distrust(t, `account = :owner AND EXISTS (SELECT FROM left_)`)}
)${audited(
    t,
    `
  SELECT 'number_changed', nullif(:reason, 'changed'), 'change_number', owner, :phoneHash::bytea, :challengeId::uuid, NULL, NULL FROM left_`,
  )}
SELECT phone FROM left_`);

export const releaseSql = (t: Tables) =>
  statement<{ phone: string; owner: string; reason: string; phoneHash: Buffer }, { phone: string }>(`
WITH released AS (
  UPDATE ${t.verifiedNumbers} SET released_at = clock_timestamp(), release_reason = :reason
  WHERE phone = :phone AND owner = :owner AND released_at IS NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
  RETURNING phone, owner, release_reason
), distrusted AS (${distrust(t, `account = :owner AND EXISTS (SELECT FROM released)`)}
)${audited(
    t,
    `
  SELECT 'number_released', CASE WHEN release_reason ~ '^[a-z][a-z0-9_]{0,31}$' THEN release_reason END, NULL, owner, :phoneHash::bytea, NULL, NULL, NULL
  FROM released`,
  )}
SELECT phone FROM released`);

/** Dates the proof of a number anew. `dormant`: it was not proved for so long that its account counts as dormant. */
export const proveSql = (t: Tables) =>
  statement<{ phone: string; owner: string; dormantDays: number }, { dormant: boolean }>(`
WITH held AS MATERIALIZED (
  SELECT id, last_proved_at FROM ${t.verifiedNumbers}
  WHERE phone = :phone AND owner = :owner AND released_at IS NULL AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), judged AS MATERIALIZED (
  SELECT id, t, last_proved_at < t - make_interval(days => :dormantDays::int) AS dormant
  FROM (SELECT *, clock_timestamp() AS t FROM held OFFSET 0) now
), dated AS (
  UPDATE ${t.verifiedNumbers} n SET last_proved_at = j.t FROM judged j WHERE n.id = j.id AND NOT j.dormant
)
SELECT dormant FROM judged`);

export const ownerOfSql = (t: Tables) =>
  statement<{ phone: string }, { owner: string }>(`
SELECT owner FROM ${t.verifiedNumbers} WHERE phone = :phone AND released_at IS NULL`);

/** Those that are not on hold come first, and among them the one proved last. */
export const numbersOfSql = (t: Tables) =>
  statement<{ owner: string }, NumberRow>(`
SELECT ${COLUMNS} FROM ${t.verifiedNumbers} WHERE owner = :owner AND released_at IS NULL
ORDER BY coalesce(held_until > clock_timestamp(), false), last_proved_at DESC, id DESC`);

export interface BindingRow extends NumberRow {
  source: string;
  released_at: Date | null;
  release_reason: string | null;
}

export const historySql = (t: Tables) =>
  statement<{ phone: string | null; owner: string | null }, BindingRow>(`
SELECT ${COLUMNS}, source, released_at, release_reason FROM ${t.verifiedNumbers}
WHERE phone = :phone OR owner = :owner
ORDER BY verified_at DESC, id DESC LIMIT 1000`);
