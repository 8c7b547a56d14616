-- Plain SQL that the planner inlines: naming these expressions costs nothing.

-- Seconds until a time, as reported to a caller; 1 if it has passed. For a limit that never ends, the caller may ask
-- again in a day.
CREATE OR REPLACE FUNCTION {seconds_until}(until timestamptz, t timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN until = 'infinity' THEN 86400 WHEN until > t THEN ceil(extract(epoch FROM until - t))::integer WHEN until IS NOT NULL THEN 1 END $$;

-- What a window has counted so far.
CREATE OR REPLACE FUNCTION {counted}(count bigint, ends_at timestamptz, t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN ends_at > t THEN count ELSE 0 END $$;

-- The end of a window, or of the one that opens now.
CREATE OR REPLACE FUNCTION {window_end}(ends_at timestamptz, t timestamptz, next_end timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN ends_at > t THEN ends_at ELSE next_end END $$;

-- The end of a window after a message is returned: a window that contained nothing else was not open.
CREATE OR REPLACE FUNCTION {given_back_end}(count bigint, ends_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN count > 1 THEN ends_at ELSE '-infinity' END $$;

-- Whether one more is too many. Never without a limit.
CREATE OR REPLACE FUNCTION {full}(count bigint, ends_at timestamptz, most bigint, t timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(ends_at > t AND count >= most, false) $$;

-- Whether too few of these messages were verified.
CREATE OR REPLACE FUNCTION {low_conversion}(unverified integer, verified integer, its {unverified_limit}) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(unverified + verified >= (its).minimum_messages AND verified * 100 < (its).minimum_conversion * (unverified + verified), false) $$;

-- A shard's part of a budget; the first shard takes the remainder.
CREATE OR REPLACE FUNCTION {share}(total bigint, shards integer, shard integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT total / shards + CASE WHEN shard = 0 THEN total % shards ELSE 0 END $$;

-- Money that a budget's row has counted so far, in this currency.
CREATE OR REPLACE FUNCTION {spent}(x {budgets}, currency text, t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN (x).day_ends_at > t AND (x).currency = coalesce(currency, '') THEN (x).day_spend ELSE 0 END $$;

-- The part of its budget that a shard has used up, or null.
CREATE OR REPLACE FUNCTION {full_budget}(x {budgets}, its {budget_limit}, price bigint, t timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE
  WHEN {full}((x).day_sends, (x).day_ends_at, {share}((its).per_day, (its).shards, (x).shard), t) THEN 'day'
  WHEN {spent}(x, (its).currency, t) + price > {share}((its).spend_per_day, (its).shards, (x).shard) THEN 'spend'
  WHEN {full}((x).minute_sends, (x).minute_ends_at, {share}((its).per_minute, (its).shards, (x).shard), t) THEN 'minute' END $$;

-- A lower bound of every UUID of version 7 that is made from this moment on, allowing for clock differences between
-- instances.
CREATE OR REPLACE FUNCTION {first_id_at}(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid $$;
