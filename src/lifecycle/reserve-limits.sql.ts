import { isServicePlace, PLACES, type BudgetClass, type Place, type SendContext, type Slot } from '../limits/limits.js';
import type { OtpFigures } from '../otp.options.js';
import { when } from './statement.js';
import type { Tables } from './tables.js';

/** Who asks: a signed-in account, a device that identified itself, or somebody of whom nothing is known. */
export type Sender = 'account' | 'device' | 'anonymous';

/** What can apply to a call. Each shape has a statement of its own, see {@link when}. */
export interface Shape {
  sender: Sender;
  /** Whether only a settled number will do, see `PurposeRules.number`. */
  settled: boolean;
}

export const shapeOf = ({ signedIn, client, settled }: SendContext): Shape => ({
  sender: signedIn ? 'account' : client ? 'device' : 'anonymous',
  settled,
});

/** Parameters of {@link reserveLimits}: one array per column of the slots. */
export interface LimitParameters {
  slotKeys: Buffer[];
  slotTakes: number[];
  slotCaps: number[];
  slotSeconds: number[];
  slotPlaces: number[];
  slotClasses: BudgetClass[];
  slotFloors: number[];
  /** Messages below which the share of verified ones says nothing. */
  floorMessages: number;
  phone: string;
  phoneHash: Buffer;
  /** The signed-in account, if there is one: owner when the ledger says so. */
  account: string | null;
  client: Buffer | null;
  reconfirmDays: number;
}

/** What {@link reserveLimits} answers beside the caller's own columns. */
export interface LimitAnswer {
  class: BudgetClass;
  /** When the next message to this phone can be asked for. */
  resend_at: Date | null;
  /** The place whose counter is full, and the seconds until it is not. */
  refused_by: number | null;
  retry_after: number | null;
  /** It is full only because too few of its messages were verified. */
  below_floor: boolean | null;
  /** Counters that this very message brought below their floor. */
  lowered: Lowered[] | null;
  /** Why the number is not settled, where it must be. A signed-in account is refused for it. */
  unsettled: 'phone_missing' | 'phone_on_hold' | 'phone_unconfirmed' | null;
  /** Seconds until its hold ends. */
  hold: number | null;
}

export interface Lowered {
  place: number;
  messages: number;
  verified: number;
  /** Closed, and not only told. */
  enforced: boolean;
}

export function limitParameters(
  slots: readonly Slot[],
  { phone, phoneHash, subject, signedIn, client }: SendContext,
  { reconfirmAfterDays: reconfirmDays, conversionFloorMessages: floorMessages }: OtpFigures,
): LimitParameters {
  return {
    slotKeys: slots.map(({ key }) => key),
    slotTakes: slots.map(({ take }) => take),
    slotCaps: slots.map(({ cap }) => cap),
    slotSeconds: slots.map(({ seconds }) => seconds),
    slotPlaces: slots.map(({ place }) => PLACES.indexOf(place)),
    slotClasses: slots.map((slot) => slot.class),
    slotFloors: slots.map(({ floor }) => floor),
    floorMessages,
    phone,
    phoneHash,
    account: signedIn ? subject : null,
    client: client ?? null,
    reconfirmDays,
  };
}

export const place = (name: Place): number => PLACES.indexOf(name);

/** Counters of unverified messages. Among themselves they are locked by key, since `verify` has nothing but their keys. */
const unverifiedPlaces = [place('address'), place('prefix'), place('unverified')].join(', ');

/** From here on rows are only read: operators wrote them, or the look at all conversions. */
const readOnly = place('closed');

/** Condition: enough messages to judge by, and too few of them verified. Never so where the floor is 0, or negative. */
const isBelow = (used: string, verified: string, floor: string) =>
  `(${used} + ${verified} >= :floorMessages::int AND ${verified} * 100 < ${floor} * (${used} + ${verified}))`;

/**
 * The head of every statement that leads to a message: finds the sender's class, then takes a slot in each counter of
 * that class, all or none. What follows it reads `taken` (was everything taken, and when) and calls its own result `made`.
 *
 * 0. `unsettled`: a number that may not confirm this. A signed-in account is told and takes nothing; for anybody else the
 *    caller makes a decoy.
 * 1. `refused`: a plain read, so that an ordinary refusal takes no lock and writes nothing.
 * 2. `first`: the cooldown alone. Of a burst on one phone all but one end here, without an error.
 * 3. `rest`: the other counters, in lock order: by place, and by key where `verify` gives slots back.
 * 4. When a counter of `rest` was filled between 1 and 3, `all_or_none` divides by zero: everything is rolled back, the
 *    caller runs again and reads the refusal in 1.
 *
 * A counter with a `floor` is also full while too few of its messages were verified; the message that brings it there makes
 * its window a full one from then on. Verifying outstanding codes opens it again.
 *
 * The clock is the database's, read once before any lock; each counter is judged on its latest row, under its lock.
 */
export function reserveLimits(t: Tables, { sender, settled }: Shape, guard = 'true'): string {
  const upsert = `
    ON CONFLICT (key) DO UPDATE SET
      used = CASE WHEN l.ends_at > excluded.at THEN l.used ELSE 0 END + excluded.used,
      verified = CASE WHEN l.ends_at > excluded.at THEN l.verified ELSE 0 END,
      ends_at = CASE WHEN l.ends_at > excluded.at AND NOT ${isBelow('l.used + excluded.used', 'l.verified', 'excluded.floor')}
        THEN l.ends_at ELSE excluded.ends_at END,
      cap = excluded.cap,
      floor = excluded.floor,
      at = excluded.at
    WHERE l.ends_at <= excluded.at
      OR l.used <= excluded.cap - greatest(excluded.used, 1) AND NOT ${isBelow('l.used', 'l.verified', 'excluded.floor')}`;

  return `
WITH now AS MATERIALIZED (
  SELECT clock_timestamp() AS t WHERE set_config('lock_timeout', '2s', true) IS NOT NULL
), slots AS (
  SELECT * FROM unnest(:slotKeys::bytea[], :slotTakes::int[], :slotCaps::int[], :slotSeconds::int[], :slotPlaces::int[], :slotClasses::text[], :slotFloors::int[])
    AS s(key, take, cap, seconds, place, class, floor)
), unsettled AS ${settled ? unsettled(t, sender) : NOT_ASKED}, who AS ${classOf(t, sender)}, k AS MATERIALIZED (
  SELECT s.key, s.take AS used, s.cap, s.floor, s.place, now.t AS at, now.t + make_interval(secs => s.seconds) AS ends_at
  FROM now, who, slots s WHERE s.class = who.class
), refused AS MATERIALIZED (
  SELECT k.place, l.ends_at, l.used <= k.cap - greatest(k.used, 1) AS below_floor
  FROM k, LATERAL (SELECT x.used, x.verified, x.ends_at FROM ${t.limits} x WHERE x.key = k.key OFFSET 0) l
  WHERE l.ends_at > k.at AND (l.used > k.cap - greatest(k.used, 1) OR ${isBelow('l.used', 'l.verified', 'k.floor')})
), first AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, floor, at, ends_at)
  SELECT key, used, cap, floor, at, ends_at FROM k
  WHERE place = ${place('cooldown')} AND NOT EXISTS (SELECT FROM refused) AND ${guard}
    ${when(sender === 'account', 'AND NOT EXISTS (SELECT FROM unsettled)')}${upsert}
  RETURNING at, ends_at
), rest AS (
  INSERT INTO ${t.limits} AS l (key, used, cap, floor, at, ends_at)
  SELECT k.key, k.used, k.cap, k.floor, k.at, k.ends_at FROM k, first
  WHERE k.place > ${place('cooldown')} AND k.place < ${readOnly}
  ORDER BY CASE WHEN k.place IN (${unverifiedPlaces}) THEN ${place('address')} ELSE k.place END, k.key${upsert}
  RETURNING at, key, used, verified, floor
), taken AS (
  SELECT count(*) = (SELECT count(*) FROM k WHERE place < ${readOnly}) AS everything, max(at) AS t
  FROM (SELECT at FROM first UNION ALL SELECT at FROM rest) parts
)`;
}

const NOT_ASKED = 'NOT MATERIALIZED (SELECT NULL::timestamptz AS held_until, NULL::text AS why WHERE false)';

const unsettled = (t: Tables, sender: Sender) => `MATERIALIZED (
  SELECT * FROM (
    SELECT n.held_until, CASE
      ${when(sender === 'account', `WHEN n.owner IS DISTINCT FROM :account THEN 'phone_missing'`)}
      WHEN n.held_until > now.t THEN 'phone_on_hold'
      WHEN n.last_proved_at < now.t - make_interval(days => :reconfirmDays::int) THEN 'phone_unconfirmed' END AS why
    FROM now LEFT JOIN ${t.verifiedNumbers} n ON n.phone = :phone AND n.released_at IS NULL
  ) n WHERE why IS NOT NULL
)`;

function classOf(t: Tables, sender: Sender): string {
  switch (sender) {
    case 'account':
      return `MATERIALIZED (
  SELECT CASE WHEN EXISTS (
      SELECT FROM ${t.verifiedNumbers} WHERE phone = :phone AND owner = :account AND released_at IS NULL)
    AND NOT EXISTS (
      SELECT FROM slots s, LATERAL (SELECT l.used, l.ends_at FROM ${t.limits} l WHERE l.key = s.key OFFSET 0) l
      WHERE s.place = ${place('unverified')} AND l.ends_at > now.t AND l.used >= s.cap)
    THEN 'owner' ELSE 'stranger' END AS class
  FROM now
)`;
    case 'device':
      return `MATERIALIZED (
  SELECT CASE WHEN EXISTS (SELECT FROM ${t.limits} WHERE key = :client AND ends_at > now.t)
    THEN 'known' ELSE 'stranger' END AS class
  FROM now
)`;
    case 'anonymous':
      return `NOT MATERIALIZED (SELECT 'stranger'::text AS class)`;
  }
}

/** The counters of unverified messages among those taken: a success gives one slot back per message. */
export const unverifiedKeys = `ARRAY(
      SELECT key FROM k WHERE place IN (${unverifiedPlaces}))`;

/** Of the counters just taken, those that were not below their floor one message ago. */
const lowered = `(
    SELECT json_agg(json_build_object(
      'place', k.place, 'messages', r.used + r.verified, 'verified', r.verified, 'enforced', r.floor > 0))
    FROM rest r, LATERAL (SELECT k.place FROM k WHERE k.key = r.key OFFSET 0) k
    WHERE ${isBelow('r.used', 'r.verified', 'abs(r.floor)')} AND NOT ${isBelow('r.used - 1', 'r.verified', 'abs(r.floor)')})`;

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(', ');

/**
 * For the audit: why nothing was reserved, or null, in the words of `LimitName`. A full row of a service-wide cap is not yet
 * the reason, since another may have room, and whoever looks for that writes it down.
 */
export function limitedBy({ sender }: Shape): string {
  const words = PLACES.map((name) => (name === 'closed' ? 'conversion' : name));
  return `(SELECT CASE WHEN reason NOT IN (${quoted(PLACES.filter(isServicePlace))}) THEN reason END AS reason FROM (SELECT coalesce(
      ${sender === 'account' ? '(SELECT why FROM unsettled)' : 'NULL'},
      (SELECT CASE WHEN below_floor THEN 'conversion' ELSE (ARRAY[${quoted(words)}])[place + 1] END
       FROM refused ORDER BY ends_at DESC, place DESC LIMIT 1)) AS reason) r)`;
}

/** The tail: the caller's own columns of `made`, and why nothing was made if nothing was. The longest wait wins. */
export function reserveAnswer(columns: string): string {
  return `
SELECT ${columns}, who.class, f.ends_at AS resend_at, r.place AS refused_by, r.below_floor, ${lowered} AS lowered,
  ceil(extract(epoch FROM least(r.ends_at, now.t + interval '1 day') - now.t))::int AS retry_after,
  u.why AS unsettled, ceil(extract(epoch FROM u.held_until - now.t))::int AS hold,
  1 / CASE WHEN m.made IS NULL AND f.at IS NOT NULL THEN 0 ELSE 1 END AS all_or_none
FROM now, who LEFT JOIN made m ON true LEFT JOIN first f ON true LEFT JOIN refused r ON true LEFT JOIN unsettled u ON true
ORDER BY r.ends_at DESC, r.place DESC LIMIT 1`;
}
