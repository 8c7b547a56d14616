-- Ends a challenge that its holder cancels.
--
-- Request: id, handle_hash, audit. Answer: what to report to the provider, if it made the code; {} if there was
-- nothing to end.
CREATE OR REPLACE FUNCTION {cancel}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE c {challenges};
BEGIN
  UPDATE {challenges} x SET status = 'cancelled', ended_at = clock_timestamp(), live_client = NULL, live_provider = NULL
  WHERE x.id = (request ->> 'id')::uuid AND x.handle_hash = (request ->> 'handle_hash')::bytea AND x.ended_at IS NULL
  RETURNING x.* INTO c;
  IF c.id IS NULL THEN
    RETURN '{}';
  END IF;
  IF request @> '{"audit": true}' THEN
    PERFORM {audit_challenge}('cancelled', NULL, c);
  END IF;
  RETURN jsonb_build_object('checked_by', c.checked_by, 'phone', c.phone, 'region', c.region, 'sends', c.sends,
    'provider', c.provider, 'provider_ref', c.provider_ref);
END $$;

-- Finds the challenge that a client already has for the same number, purpose, session and action, so that another
-- start within the cooldown gives the same handle. If the record has changed since, this ends the challenge: its code
-- confirms outdated data ((EU) 2018/389 art. 5(1)(d)). The first 16 bytes of a digest name the record; the others
-- cover all its content.
--
-- Request: phone, purpose, client, session_binding, action_digest, cooldown_seconds, audit. Answer: id, handle_hash,
-- expires_at, resend_at; or {}.
CREATE OR REPLACE FUNCTION {pending}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  w {challenges} := jsonb_populate_record(NULL::{challenges}, request);
  c {challenges};
  t timestamptz;
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.phone = w.phone AND x.purpose = w.purpose AND x.live_client = w.client FOR UPDATE;
  t := clock_timestamp();
  IF c.action_digest <> w.action_digest AND substring(c.action_digest FOR 16) = substring(w.action_digest FOR 16) THEN
    UPDATE {challenges} x SET status = 'superseded', ended_at = t, live_client = NULL, live_provider = NULL WHERE x.id = c.id;
    IF request @> '{"audit": true}' THEN
      PERFORM {audit_challenge}('superseded', 'record_changed', c);
    END IF;
  END IF;
  IF c.session_binding IS DISTINCT FROM w.session_binding OR c.action_digest IS DISTINCT FROM w.action_digest
    OR c.attempts >= c.max_attempts OR c.expires_at <= t OR c.id IS NULL
  THEN
    RETURN '{}';
  END IF;
  RETURN jsonb_build_object('id', c.id, 'handle_hash', encode(c.handle_hash, 'hex'), 'expires_at', c.expires_at,
    'resend_at', c.last_send_at + make_interval(secs => (request ->> 'cooldown_seconds')::integer));
END $$;
