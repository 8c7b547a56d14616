-- Judges one attempt at a code. The attempt is counted and committed before anything is granted.
--
-- Request: {verify_request}. Answer: matched with grant_expires_at; not matched with counts; ask, if the provider
-- must judge (the attempt is spent; settle follows if it says yes); or refused_by and retry_after. waits_for: for a
-- decoy, the provider whose check it must imitate in time.
CREATE OR REPLACE FUNCTION {verify}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  level text := {read_committed}();
  turn text;
  r {verify_request} := jsonb_populate_record(NULL::{verify_request}, request);
  c {challenges};
  lockout {lockouts};
  t timestamptz;
  refused_by text;
  wrong_codes integer;
BEGIN
  -- Attempts at the same challenge wait here for their turn; attempts at another challenge of the same subject wait
  -- one line below.
  SELECT * INTO c FROM {challenges} x WHERE x.id = r.id AND x.handle_hash = r.handle_hash FOR UPDATE;
  turn := {lock_subject}(c.subject_hash, c.tier);
  SELECT * INTO lockout FROM {lockouts} x WHERE x.subject_hash = c.subject_hash AND x.tier = c.tier;
  t := clock_timestamp();                                       -- after both locks: a caller who waited past the expiry is too late

  refused_by := CASE
    WHEN c.id IS NULL THEN 'unknown'
    WHEN c.ended_at IS NOT NULL THEN c.status
    WHEN c.expires_at <= t THEN 'expired'
    WHEN c.attempts >= c.max_attempts THEN 'locked'
    WHEN c.purpose IS DISTINCT FROM r.purpose THEN 'other_purpose'
    WHEN c.session_binding IS DISTINCT FROM r.session_binding THEN 'other_session'
    WHEN {released_since}(c.phone, c.created_at) THEN 'number_released'
    WHEN lockout.locked_until > t THEN 'locked_out' END;
  IF refused_by IS NOT NULL THEN
    IF c.id IS NULL THEN
      c.id := r.id;
      c.purpose := r.purpose;
    END IF;
    RETURN {refuse}('refused', refused_by, CASE refused_by WHEN 'locked_out' THEN lockout.locked_until END, c, r.audit);
  END IF;

  c.attempts := c.attempts + 1;
  IF c.checked_by = 'library' AND c.code_mac = ANY (r.code_macs) THEN
    RETURN {succeed}(c, r, lockout.subject_hash IS NOT NULL, t);
  END IF;

  -- Wrong, or spent before its provider is asked. A provider's last attempt may turn out right, so it does not end
  -- the challenge.
  UPDATE {challenges} x SET attempts = c.attempts WHERE x.id = c.id;
  lockout := {count_failure}(lockout, c.subject_hash, c.tier, r.failures_per_hour, r.failures_in_a_row, r.lockout_minutes, t);
  IF c.checked_by = 'provider' THEN
    IF r.audit THEN
      PERFORM {audit_challenge}('attempted', NULL, c);
      IF lockout.locked_until > t THEN
        PERFORM {audit_challenge}('locked_out', NULL, c);
      END IF;
    END IF;
    RETURN {attempt_answer}(c, lockout) || jsonb_build_object('ask', jsonb_build_object(
      'region', c.region, 'provider', c.provider, 'provider_ref', c.provider_ref, 'sends', c.sends));
  END IF;

  IF c.attempts >= c.max_attempts THEN
    UPDATE {challenges} x SET status = 'locked', ended_at = t, live_client = NULL, live_provider = NULL WHERE x.id = c.id;
  END IF;
  IF r.audit THEN
    PERFORM {audit_challenge}('refused', 'wrong_code', c);
    IF c.attempts >= c.max_attempts THEN
      PERFORM {audit_challenge}('locked', NULL, c);
    END IF;
    IF lockout.locked_until > t THEN
      PERFORM {audit_challenge}('locked_out', NULL, c);
    END IF;
  END IF;
  -- Last, since all attempts share the row. At a decoy every code is wrong, which says nothing about guessing, but it
  -- waits as a real one does.
  wrong_codes := {count_wrong_code}(CASE c.checked_by WHEN 'library' THEN 1 ELSE 0 END, t);
  RETURN {attempt_answer}(c, lockout) || jsonb_build_object('wrong_codes', CASE c.checked_by WHEN 'library' THEN wrong_codes END,
    'waits_for', CASE c.checked_by WHEN 'nobody' THEN c.provider END);
END $$;

-- Returns the answer to an attempt that did not match, or is not judged yet.
CREATE OR REPLACE FUNCTION {attempt_answer}(c {challenges}, lockout {lockouts}) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN jsonb_build_object('matched', false, 'attempts', c.attempts, 'max_attempts', c.max_attempts, 'failures', lockout.failures,
    'failures_in_a_row', lockout.failures_in_a_row, 'account', c.account, 'phone', c.phone, 'purpose', c.purpose);
END $$;

-- Records the provider's yes. The attempt was spent before the provider was asked; if the challenge ended or was
-- resent meanwhile, the yes is ignored.
--
-- Request: {verify_request}. Answer: as verify's, or refused_by.
CREATE OR REPLACE FUNCTION {settle}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  level text := {read_committed}();
  turn text;
  r {verify_request} := jsonb_populate_record(NULL::{verify_request}, request);
  c {challenges};
  t timestamptz;
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.id = r.id FOR UPDATE;
  turn := {lock_subject}(c.subject_hash, c.tier);
  t := clock_timestamp();
  IF c.id IS NULL OR c.ended_at IS NOT NULL OR c.sends IS DISTINCT FROM r.send_number OR c.checked_by <> 'provider' OR {released_since}(c.phone, c.created_at) THEN
    c.id := r.id;
    RETURN {refuse}('refused', 'overtaken', NULL, c, r.audit);
  END IF;
  RETURN {succeed}(c, r, true, t);
END $$;
