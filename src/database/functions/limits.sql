-- Each take_… reserves one message in one limit, or finds it full. `s` is the reservation so far. After a refusal
-- nothing more is reserved: the remaining calls only check for a longer refusal. An absent limit, or one whose party
-- is absent, reserves nothing. A full row is locked as well, so the SELECT that follows reads the very values that
-- refused.

-- Of several refusals, the longest counts.
CREATE OR REPLACE FUNCTION {refused}(INOUT s {reservation}, by_limit text, until_then timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  IF s.refused_by IS NULL OR until_then > s.until THEN
    s.refused_by := by_limit;
    s.until := until_then;
  END IF;
END $$;

-- Checks sending stops and the subject's lockout, which reserve nothing.
CREATE OR REPLACE FUNCTION {look_for_stops}(INOUT s {reservation}, c {challenges}, allowed boolean) LANGUAGE plpgsql AS $$
DECLARE found_stop record;
BEGIN
  FOR found_stop IN
    SELECT CASE WHEN x.by_conversion THEN 'conversion' WHEN x.provider = '' THEN 'stopped' ELSE 'provider_stopped' END AS by_limit, x.until
    FROM {sending_stops} x
    WHERE x.enforced AND x.until > s.t AND x.region IN ('', c.region) AND x.provider IN ('', c.provider)
      AND (NOT x.by_conversion OR s.tier = 'stranger' AND allowed IS NOT TRUE)
    UNION ALL
    SELECT 'locked_out', x.locked_until FROM {lockouts} x
    WHERE x.subject_hash = c.subject_hash AND x.tier = s.tier AND x.locked_until > s.t
    ORDER BY by_limit DESC                                      -- of two that never end: stopped before provider_stopped
  LOOP
    s := {refused}(s, found_stop.by_limit, found_stop.until);
  END LOOP;
END $$;

-- Reserves in the cooldown, hour and day of a phone or an account.
CREATE OR REPLACE FUNCTION {take_send}(INOUT s {reservation}, name text, whose bytea, its {send_limit}) LANGUAGE plpgsql AS $$
DECLARE n {send_counters};
BEGIN
  IF whose IS NULL OR its IS NULL THEN
    RETURN;
  END IF;
  IF s.refused_by IS NULL THEN
    INSERT INTO {send_counters} AS x (party, tier, next_send_at, hour_sends, hour_ends_at, day_sends, day_ends_at)
    VALUES (whose, s.tier, coalesce(s.t + make_interval(secs => its.cooldown_seconds), '-infinity'), 1, s.t + interval '1 hour', 1, s.t + interval '1 day')
    ON CONFLICT (party, tier) DO UPDATE SET
      next_send_at = excluded.next_send_at,
      hour_sends = {counted}(x.hour_sends, x.hour_ends_at, s.t) + 1,
      hour_ends_at = {window_end}(x.hour_ends_at, s.t, excluded.hour_ends_at),
      day_sends = {counted}(x.day_sends, x.day_ends_at, s.t) + 1,
      day_ends_at = {window_end}(x.day_ends_at, s.t, excluded.day_ends_at)
    WHERE x.next_send_at <= s.t
      AND NOT {full}(x.hour_sends, x.hour_ends_at, its.per_hour, s.t)
      AND NOT {full}(x.day_sends, x.day_ends_at, its.per_day, s.t);
    IF FOUND THEN
      s.parties := s.parties || whose;
      RETURN;
    END IF;
  END IF;

  SELECT * INTO n FROM {send_counters} x WHERE x.party = whose AND x.tier = s.tier;
  IF n.next_send_at > s.t THEN
    s := {refused}(s, 'cooldown', n.next_send_at);
  END IF;
  IF {full}(n.hour_sends, n.hour_ends_at, its.per_hour, s.t) THEN
    s := {refused}(s, name || '_hour', n.hour_ends_at);
  END IF;
  IF {full}(n.day_sends, n.day_ends_at, its.per_day, s.t) THEN
    s := {refused}(s, name || '_day', n.day_ends_at);
  END IF;
END $$;

-- Reserves an unverified message of an owner, an address or a prefix. The message that crosses the minimum conversion
-- raises an alarm.
CREATE OR REPLACE FUNCTION {take_unverified}(INOUT s {reservation}, name text, its_key bytea, its {unverified_limit}) LANGUAGE plpgsql AS $$
DECLARE n {unverified_sends};
BEGIN
  IF its_key IS NULL OR its IS NULL THEN
    RETURN;
  END IF;
  IF s.refused_by IS NULL THEN
    INSERT INTO {unverified_sends} AS x (key, unverified, verified, ends_at) VALUES (its_key, 1, 0, s.t + interval '1 hour')
    ON CONFLICT (key) DO UPDATE SET
      unverified = {counted}(x.unverified, x.ends_at, s.t) + 1,
      verified = {counted}(x.verified, x.ends_at, s.t),
      ends_at = {window_end}(x.ends_at, s.t, excluded.ends_at)
    WHERE NOT {full}(x.unverified, x.ends_at, its.most, s.t)
      AND NOT (x.ends_at > s.t AND coalesce(its.enforced, false) AND {low_conversion}(x.unverified, x.verified, its))
    RETURNING x.* INTO n;
    IF FOUND THEN
      s.unverified_keys := s.unverified_keys || its_key;
      IF {low_conversion}(n.unverified, n.verified, its) AND NOT {low_conversion}(n.unverified - 1, n.verified, its) THEN
        s.alarms := coalesce(s.alarms, '[]') || jsonb_build_object('limit', name, 'messages', n.unverified + n.verified,
          'verified', n.verified, 'enforced', its.enforced);
      END IF;
      RETURN;
    END IF;
  END IF;

  s := {look_unverified}(s, name, its_key, its);
END $$;

-- Tells whether an owner, an address or a prefix has too many unverified messages, or too few verified ones.
CREATE OR REPLACE FUNCTION {look_unverified}(INOUT s {reservation}, name text, its_key bytea, its {unverified_limit}) LANGUAGE plpgsql AS $$
DECLARE n {unverified_sends};
BEGIN
  IF its_key IS NULL OR its IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO n FROM {unverified_sends} x WHERE x.key = its_key AND x.ends_at > s.t;
  IF n.unverified >= its.most THEN
    s := {refused}(s, name, n.ends_at);
  ELSIF its.enforced AND {low_conversion}(n.unverified, n.verified, its) THEN
    s := {refused}(s, name || '_conversion', n.ends_at);
  END IF;
END $$;

-- Reserves messages and money of the service or a region: from the drawn shard or, if that is full, from another one
-- with room.
CREATE OR REPLACE FUNCTION {take_budget}(INOUT s {reservation}, name text, its_scope text, drawn integer, its {budget_limit}) LANGUAGE plpgsql AS $$
DECLARE
  my_shard integer := drawn % its.shards;
  other record;
BEGIN
  IF its IS NULL THEN
    RETURN;
  END IF;
  LOOP
    IF s.refused_by IS NULL THEN
      INSERT INTO {budgets} AS x (scope, shard, minute_sends, minute_ends_at, day_sends, day_spend, currency, day_ends_at)
      VALUES (its_scope, my_shard, 1, s.t + interval '1 minute', 1, s.price, coalesce(its.currency, ''), s.t + interval '1 day')
      ON CONFLICT (scope, shard) DO UPDATE SET
        minute_sends = {counted}(x.minute_sends, x.minute_ends_at, s.t) + 1,
        minute_ends_at = {window_end}(x.minute_ends_at, s.t, excluded.minute_ends_at),
        day_sends = {counted}(x.day_sends, x.day_ends_at, s.t) + 1,
        day_spend = {spent}(x, its.currency, s.t) + s.price,
        currency = excluded.currency,
        day_ends_at = {window_end}(x.day_ends_at, s.t, excluded.day_ends_at)
      WHERE {full_budget}(x, its, s.price, s.t) IS NULL;
      IF FOUND THEN
        s.scopes := s.scopes || its_scope;
        s.shards := s.shards || my_shard;
        RETURN;
      END IF;
    ELSIF NOT EXISTS (SELECT FROM {budgets} x WHERE x.scope = its_scope AND x.shard = my_shard AND {full_budget}(x, its, s.price, s.t) IS NOT NULL) THEN
      RETURN;                                                   -- one shard with room is enough
    END IF;

    -- A random shard with room, or else the first that will have some. There are at most 64: a parameter would be
    -- planned anew each time.
    SELECT i AS shard, f.by_limit, CASE f.by_limit WHEN 'minute' THEN x.minute_ends_at ELSE x.day_ends_at END AS until INTO other
    FROM generate_series(0, 63) i
    LEFT JOIN {budgets} x ON x.scope = its_scope AND x.shard = i,
    LATERAL (SELECT CASE WHEN x.scope IS NOT NULL THEN {full_budget}(x, its, s.price, s.t) END) f (by_limit)
    WHERE i < its.shards
    ORDER BY f.by_limit IS NOT NULL, until, random() LIMIT 1;
    IF other.by_limit IS NOT NULL THEN
      s := {refused}(s, name || '_' || other.by_limit, other.until);
    END IF;
    EXIT WHEN s.refused_by IS NOT NULL;
    my_shard := other.shard;
  END LOOP;
END $$;
