-- Ends a challenge whose code was right; c is locked. Makes the grant, deletes the lockout, counts its messages as
-- verified.
CREATE OR REPLACE FUNCTION {succeed}(c {challenges}, r {verify_request}, has_failures boolean, t timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  grant_ends timestamptz := t + make_interval(secs => r.grant_seconds);
  its_key bytea;
BEGIN
  UPDATE {challenges} x SET attempts = c.attempts, status = 'consumed', ended_at = t, live_client = NULL, live_provider = NULL WHERE x.id = c.id;
  IF has_failures THEN
    DELETE FROM {lockouts} x WHERE x.subject_hash = c.subject_hash AND x.tier = c.tier;
  END IF;
  INSERT INTO {grants} (id, hash, purpose, account, phone, phone_hash, source, session_binding, action_digest, created_at, expires_at)
  VALUES (c.id, r.grant_hash, c.purpose, c.account, c.phone, c.phone_hash, 'code', c.session_binding, c.action_digest, t, grant_ends);
  FOREACH its_key IN ARRAY c.unverified_keys LOOP
    UPDATE {unverified_sends} x SET unverified = greatest(x.unverified - 1, 0), verified = x.verified + least(x.unverified, 1) WHERE x.key = its_key;
  END LOOP;
  IF c.client IS NOT NULL AND c.account IS NULL THEN
    INSERT INTO {known_devices} (client, known_until) VALUES (c.client, t + make_interval(days => r.known_device_days))
    ON CONFLICT (client) DO UPDATE SET known_until = excluded.known_until;
  END IF;
  IF r.audit THEN
    PERFORM {audit_challenge}('verified', NULL, c);
  END IF;
  RETURN jsonb_build_object('matched', true, 'grant_expires_at', grant_ends, 'account', c.account, 'phone', c.phone, 'purpose', c.purpose);
END $$;
