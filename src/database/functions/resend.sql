-- Looks up a live challenge by its handle.
--
-- Request: id, handle_hash; resends: whether it is for a resend, whose refusal is recorded; audit. Answer: phone,
-- region, purpose, account, has_client, locale, provider, action_shown, attempts; {} if it is over or unknown.
CREATE OR REPLACE FUNCTION {find_challenge}(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  its_id uuid := request ->> 'id';
  c {challenges};
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.id = its_id AND x.handle_hash = (request ->> 'handle_hash')::bytea;
  IF c.id IS NULL OR c.ended_at IS NOT NULL OR c.expires_at <= clock_timestamp() OR c.attempts >= c.max_attempts THEN
    IF request @> '{"resends": true, "audit": true}' THEN
      c.id := its_id;
      PERFORM {refuse}('refused', 'no_resend', NULL, c, true);
    END IF;
    RETURN '{}';
  END IF;
  RETURN jsonb_build_object('phone', c.phone, 'region', c.region, 'purpose', c.purpose, 'account', c.account, 'has_client', c.client IS NOT NULL,
    'locale', c.locale, 'provider', c.provider, 'action_shown', c.action_shown, 'attempts', c.attempts,
    'wrong_codes', (SELECT x.count FROM {wrong_codes} x WHERE x.ends_at > clock_timestamp()));
END $$;

-- Sends a new code for the same challenge: reserves one message as a start does. Used attempts stay used.
--
-- Request: id, handle_hash, how the message is sent now (provider, checked_by, code_mac, key_id, max_attempts),
-- {send_request}, `limits`. Answer: as start's, with sends.
CREATE OR REPLACE FUNCTION {resend}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  level text := {read_committed}();
  fresh {challenges} := jsonb_populate_record(NULL::{challenges}, request);
  r {send_request} := jsonb_populate_record(NULL::{send_request}, request);
  c {challenges};
  payer {challenges};
  limits {tier_limits};
  s {reservation};
  unfit record;
  t timestamptz;
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.id = fresh.id AND x.handle_hash = fresh.handle_hash FOR UPDATE;
  t := clock_timestamp();                                       -- before the lock
  IF c.id IS NULL OR c.ended_at IS NOT NULL OR c.expires_at <= t OR c.sends >= r.max_sends OR c.attempts >= c.max_attempts THEN
    c.id := fresh.id;
    RETURN {refuse}('refused', 'no_resend', NULL, c, r.audit);
  END IF;

  -- The tier that pays for this message may differ from the one that paid for the first.
  payer := c;
  payer.provider := fresh.provider;
  payer.tier := {tier_of}(c, r, (request #>> '{limits,owner,owner,most}')::integer, t);
  limits := jsonb_populate_record(NULL::{tier_limits}, request -> 'limits' -> payer.tier);
  IF r.must_be_established AND r.signed_in THEN
    unfit := {unestablished}(c, r, t);
    IF unfit.reason IS NOT NULL THEN
      RETURN {refuse}('limited', unfit.reason, unfit.until, payer, r.audit);
    END IF;
  END IF;
  s.t := t;
  s.tier := payer.tier;
  s.price := r.price;
  s := {look_for_stops}(s, payer, r.allowed);
  s := {take_message}(s, payer, r, limits);
  IF s.refused_by IS NOT NULL THEN
    RETURN {refuse}('limited', s.refused_by, s.until, payer, r.audit);
  END IF;

  -- A decoy stays a decoy.
  c.checked_by := CASE c.checked_by WHEN 'nobody' THEN 'nobody' ELSE fresh.checked_by END;
  c.status := CASE c.checked_by WHEN 'nobody' THEN 'decoy' ELSE 'pending' END;
  UPDATE {challenges} x SET
    provider = fresh.provider, provider_ref = NULL, checked_by = c.checked_by, status = c.status, key_id = fresh.key_id,
    code_mac = CASE c.checked_by WHEN 'library' THEN fresh.code_mac END,
    live_provider = {live_provider}(r.one_per_phone, c.checked_by = 'nobody'),
    max_attempts = least(c.max_attempts, fresh.max_attempts),
    sends = c.sends + 1, last_send_at = t, expires_at = t + make_interval(secs => r.ttl_seconds),
    unverified_keys = ARRAY(SELECT u.key FROM unnest(c.unverified_keys || s.unverified_keys) u (key) ORDER BY u.key)
  WHERE x.id = c.id
  RETURNING x.* INTO c;
  IF r.audit THEN
    payer.id := c.id;
    PERFORM {audit_challenge}('resent', CASE c.status WHEN 'decoy' THEN 'decoy' END, payer);
  END IF;
  RETURN jsonb_build_object('expires_at', c.expires_at, 'resend_at', t + make_interval(secs => (limits.phone).cooldown_seconds),
    'tier', payer.tier, 'decoy', c.status = 'decoy', 'alarms', s.alarms, 'sends', c.sends);
END $$;
