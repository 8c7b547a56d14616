-- Starts a challenge: reserves one message in every limit and stores the challenge, or reserves nothing and says what
-- refuses.
--
-- Request: the columns of {challenges} that the library decides, {send_request}, and `limits`: {tier_limits} by tier.
-- Answer: expires_at, resend_at, tier, decoy, alarms; or refused_by and retry_after (seconds).
CREATE OR REPLACE FUNCTION {start}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  level text := {read_committed}();
  t timestamptz := clock_timestamp();                           -- before the locks: limits are judged as of the request's arrival
  c {challenges} := jsonb_populate_record(NULL::{challenges}, request);
  r {send_request} := jsonb_populate_record(NULL::{send_request}, request);
  limits {tier_limits};
  s {reservation};
  unfit record;
  replaced uuid[];
  decoy boolean := c.checked_by = 'nobody';
BEGIN
  -- Decide whose limits pay. A caller who is neither signed in nor on a device with a key is unknown.
  c.tier := 'stranger';
  IF r.signed_in OR c.client IS NOT NULL THEN
    c.tier := {tier_of}(c, r, (request #>> '{limits,owner,owner,most}')::integer, t);
  END IF;
  limits := jsonb_populate_record(NULL::{tier_limits}, request -> 'limits' -> c.tier);

  -- Check what forbids it. Only the number's signed-in owner is told about it; anyone else gets a decoy.
  IF r.must_be_established THEN
    unfit := {unestablished}(c, r, t);
    IF unfit.reason IS NOT NULL AND r.signed_in THEN
      c.id := NULL;
      RETURN {refuse}('limited', unfit.reason, unfit.until, c, r.audit);
    END IF;
    decoy := decoy OR unfit.reason IS NOT NULL;
  END IF;
  s.t := t;
  s.tier := c.tier;
  s.price := r.price;
  IF EXISTS (SELECT FROM {sending_stops}) OR EXISTS (SELECT FROM {lockouts} x WHERE x.subject_hash = c.subject_hash AND x.tier = c.tier) THEN
    s := {look_for_stops}(s, c, r.allowed);
  END IF;

  -- Lock what this start would replace before any counter, then reserve one message in every limit.
  IF s.refused_by IS NULL AND (c.client IS NOT NULL OR r.one_per_phone IS NOT NULL) THEN
    replaced := {lock_replaced}(c, r.one_per_phone);
  END IF;
  s := {take_message}(s, c, r, limits);
  IF s.refused_by IS NOT NULL THEN
    c.id := NULL;
    RETURN {refuse}('limited', s.refused_by, s.until, c, r.audit);
  END IF;

  -- A provider that finds codes by phone alone keeps the challenge of a known caller; a stranger who starts meanwhile
  -- gets a decoy.
  IF r.one_per_phone IS NOT NULL AND c.tier = 'stranger' THEN
    decoy := decoy OR EXISTS (SELECT FROM {challenges} x
      WHERE x.phone = c.phone AND x.live_provider = r.one_per_phone AND x.expires_at > t AND x.tier <> 'stranger');
  END IF;
  IF replaced IS NOT NULL THEN
    PERFORM {end_replaced}(replaced, c, r.one_per_phone, decoy, t, r.audit);
  END IF;

  -- The database decides these columns, whatever the request contains.
  IF decoy THEN
    c.checked_by := 'nobody';
    c.code_mac := NULL;
  END IF;
  c.status := CASE WHEN decoy THEN 'decoy' ELSE 'pending' END;
  c.live_client := c.client;
  c.live_provider := {live_provider}(r.one_per_phone, decoy);
  c.provider_ref := NULL;
  c.unverified_keys := coalesce(s.unverified_keys, '{}');
  c.attempts := 0;
  c.sends := 1;
  c.created_at := t;
  c.last_send_at := t;
  c.expires_at := t + make_interval(secs => r.ttl_seconds);
  c.ended_at := NULL;
  INSERT INTO {challenges} VALUES (c.*);
  IF r.audit THEN
    PERFORM {audit_challenge}('started', CASE WHEN decoy THEN 'decoy' END, c);
  END IF;
  RETURN jsonb_build_object('expires_at', c.expires_at, 'resend_at', t + make_interval(secs => (limits.phone).cooldown_seconds),
    'tier', c.tier, 'decoy', decoy, 'alarms', s.alarms);
END $$;
