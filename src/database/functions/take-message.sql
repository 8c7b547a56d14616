-- Reserves one message in every limit of the paying tier, in lock order, or in none if one of them refuses. To add a
-- limit: one line here, and one in the type {tier_limits} (types.sql).
--
-- The caller is told the longest wait where that is cheap to find. Sending stops, lockouts, a crowded address or
-- prefix, and the phone's own limits must stay cheap in a flood: after these, nothing more is checked.
CREATE OR REPLACE FUNCTION {take_message}(INOUT s {reservation}, c {challenges}, r {send_request}, limits {tier_limits}) LANGUAGE plpgsql AS $$
BEGIN
  IF limits IS NULL THEN
    RAISE EXCEPTION 'no limits were sent for tier %', s.tier;
  END IF;
  IF s.refused_by IS NOT NULL THEN
    RETURN;
  END IF;

  -- A plain read refuses a flood from one address or to one prefix without writing anything. A limit that fills up
  -- meanwhile is found below.
  s := {look_unverified}(s, 'address', r.address_key, limits.address);
  s := {look_unverified}(s, 'prefix', r.prefix_key, limits.prefix);
  IF s.refused_by IS NOT NULL THEN
    RETURN;
  END IF;

  s := {take_send}(s, 'phone', CASE s.tier WHEN 'owner' THEN r.cooldown_hash ELSE c.phone_hash END, limits.phone);
  IF s.refused_by IS NOT NULL THEN
    RETURN;
  END IF;
  IF r.signed_in THEN
    s := {take_send}(s, 'account', r.account_hash, limits.account);
    s := {take_unverified}(s, 'owner', r.owner_key, limits.owner);
  END IF;
  s := {take_unverified}(s, 'address', r.address_key, limits.address);
  s := {take_unverified}(s, 'prefix', r.prefix_key, limits.prefix);
  s := {take_budget}(s, 'region', c.region, r.shard, limits.region);
  s := {take_budget}(s, 'service', '', r.shard, limits.service);
  IF s.refused_by IS NOT NULL THEN
    PERFORM {give_back}(s);
  ELSIF s.alarms IS NOT NULL THEN
    PERFORM {close_by_alarm}(s, r);
  END IF;
END $$;

-- Returns what was reserved, under the locks that are still held: no one has seen it reserved. A window that
-- contained nothing else closes again. The cooldown was over, or it would have refused.
CREATE OR REPLACE FUNCTION {give_back}(s {reservation}) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. coalesce(cardinality(s.parties), 0) LOOP
    UPDATE {send_counters} x SET next_send_at = '-infinity',
      hour_sends = x.hour_sends - 1, hour_ends_at = {given_back_end}(x.hour_sends, x.hour_ends_at),
      day_sends = x.day_sends - 1, day_ends_at = {given_back_end}(x.day_sends, x.day_ends_at)
    WHERE x.party = s.parties[i] AND x.tier = s.tier;
  END LOOP;
  FOR i IN 1 .. coalesce(cardinality(s.unverified_keys), 0) LOOP
    UPDATE {unverified_sends} x SET unverified = x.unverified - 1, ends_at = {given_back_end}(x.unverified + x.verified, x.ends_at)
    WHERE x.key = s.unverified_keys[i];
  END LOOP;
  FOR i IN 1 .. coalesce(cardinality(s.scopes), 0) LOOP
    UPDATE {budgets} x SET
      minute_sends = x.minute_sends - 1, minute_ends_at = {given_back_end}(x.minute_sends, x.minute_ends_at),
      day_sends = x.day_sends - 1, day_spend = x.day_spend - s.price, day_ends_at = {given_back_end}(x.day_sends, x.day_ends_at)
    WHERE x.scope = s.scopes[i] AND x.shard = s.shards[i];
  END LOOP;
END $$;

-- If a minimum conversion is enforced and this message is the first to miss it, the window lasts a full hour from
-- now. It opens again as soon as enough messages are verified.
CREATE OR REPLACE FUNCTION {close_by_alarm}(s {reservation}, r {send_request}) RETURNS void LANGUAGE plpgsql AS $$
DECLARE alarm jsonb;
BEGIN
  FOR alarm IN SELECT a FROM jsonb_array_elements(s.alarms) a WHERE a -> 'enforced' = 'true' LOOP
    UPDATE {unverified_sends} x SET ends_at = s.t + interval '1 hour'
    WHERE x.key = CASE alarm ->> 'limit' WHEN 'owner' THEN r.owner_key WHEN 'address' THEN r.address_key WHEN 'prefix' THEN r.prefix_key END;
  END LOOP;
END $$;
