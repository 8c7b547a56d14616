-- Recovery codes: each account has 10 places, each with an unused or a used code. Places are locked in order.

-- Counts and judges one attempt at a recovery code. An account without codes, or one that does not exist, takes the
-- same steps. A failure counts, even with a used code. A right code that cannot be used here stays unused.
--
-- Request: account, account_hash, code_hash, phone (the lost number; absent: the number that a code would go to),
-- needs_number, id, purpose, session_binding, grant_hash, grant_seconds, failures_per_hour, failures_in_a_row,
-- lockout_minutes, audit. Answer: grant_expires_at; or refused_by (locked_out, wrong_code, used, phone_missing) and
-- retry_after. With remaining, phones, failures, failures_in_a_row.
CREATE OR REPLACE FUNCTION {recover}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  level text := {read_committed}();
  turn text;
  its_account text := request ->> 'account';
  its_hash bytea := request ->> 'account_hash';
  r {verify_request} := jsonb_populate_record(NULL::{verify_request}, request);
  lockout {lockouts};
  code {recovery_codes};
  lost text;
  t timestamptz;
  refused_by text;
BEGIN
  turn := {lock_subject}(its_hash, 'recovery');
  SELECT * INTO lockout FROM {lockouts} x WHERE x.subject_hash = its_hash AND x.tier = 'recovery';
  SELECT * INTO code FROM {recovery_codes} x WHERE x.account = its_account AND x.hash = (request ->> 'code_hash')::bytea FOR UPDATE;
  t := clock_timestamp();
  SELECT x.phone INTO lost FROM {verified_numbers} x
  WHERE x.owner = its_account AND x.released_at IS NULL AND x.phone = coalesce(request ->> 'phone', x.phone)
  ORDER BY coalesce(x.held_until > t, false), x.last_proved_at DESC, x.id DESC LIMIT 1;

  refused_by := CASE
    WHEN lockout.locked_until > t THEN 'locked_out'
    WHEN code.place IS NULL THEN 'wrong_code'
    WHEN code.used_at IS NOT NULL THEN 'used'
    WHEN lost IS NULL AND request @> '{"needs_number": true}' THEN 'phone_missing' END;
  IF refused_by IN ('wrong_code', 'used') THEN
    lockout := {count_failure}(lockout, its_hash, 'recovery', r.failures_per_hour, r.failures_in_a_row, r.lockout_minutes, t);
  END IF;
  IF refused_by IS NOT NULL THEN
    IF refused_by = 'locked_out' THEN                           -- it changes nothing, so it need not wait for the disk
      turn := set_config('synchronous_commit', 'off', true);
    END IF;
    IF r.audit THEN
      PERFORM {write_audit}('recovery_refused', refused_by, r.purpose, its_account, challenge_id => r.id);
      IF lockout.locked_until > t AND refused_by <> 'locked_out' THEN
        PERFORM {write_audit}('locked_out', NULL, r.purpose, its_account, challenge_id => r.id);
      END IF;
    END IF;
    RETURN jsonb_build_object('refused_by', refused_by, 'retry_after', CASE refused_by WHEN 'locked_out' THEN {seconds_until}(lockout.locked_until, t) END,
      'failures', lockout.failures, 'failures_in_a_row', lockout.failures_in_a_row);
  END IF;

  UPDATE {recovery_codes} x SET used_at = t WHERE x.account = its_account AND x.place = code.place;
  DELETE FROM {lockouts} x WHERE x.subject_hash = its_hash AND x.tier = 'recovery';
  INSERT INTO {grants} (id, hash, purpose, account, phone, source, session_binding, created_at, expires_at)
  VALUES (r.id, r.grant_hash, r.purpose, its_account, coalesce(lost, ''), 'recovery', r.session_binding, t, t + make_interval(secs => r.grant_seconds));
  IF r.audit THEN
    PERFORM {write_audit}('recovery_used', NULL, r.purpose, its_account, challenge_id => r.id);
  END IF;
  RETURN jsonb_build_object('grant_expires_at', t + make_interval(secs => r.grant_seconds), 'failures', 0, 'failures_in_a_row', 0,
    'remaining', (SELECT count(*) FROM {recovery_codes} x WHERE x.account = its_account AND x.used_at IS NULL),
    'phones', (SELECT coalesce(jsonb_agg(x.phone ORDER BY x.id), '[]') FROM {verified_numbers} x WHERE x.owner = its_account AND x.released_at IS NULL));
END $$;

-- Replaces the set of codes with a new one. A concurrent call waits at the first place and then replaces the whole
-- set.
--
-- Request: account, hashes (one for each place), audit. Answer: issued.
CREATE OR REPLACE FUNCTION {issue_codes}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
BEGIN
  INSERT INTO {recovery_codes} (account, place, hash, issued_at)
  SELECT request ->> 'account', h.place, h.hash::bytea, clock_timestamp()
  FROM jsonb_array_elements_text(request -> 'hashes') WITH ORDINALITY h (hash, place) ORDER BY h.place
  ON CONFLICT (account, place) DO UPDATE SET hash = excluded.hash, issued_at = excluded.issued_at, used_at = NULL;
  IF request @> '{"audit": true}' THEN
    PERFORM {write_audit}('recovery_issued', account => request ->> 'account');
  END IF;
  RETURN jsonb_build_object('issued', jsonb_array_length(request -> 'hashes'));
END $$;

-- Replaces each used code with a new one. A concurrent call then finds no used code and replaces none.
--
-- Request: account, hashes (one for each place), audit. Answer: places that have a new code.
CREATE OR REPLACE FUNCTION {replace_codes}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  used record;
  places jsonb := '[]';
BEGIN
  FOR used IN SELECT x.place FROM {recovery_codes} x WHERE x.account = request ->> 'account' AND x.used_at IS NOT NULL ORDER BY x.place FOR UPDATE LOOP
    UPDATE {recovery_codes} x SET hash = (request -> 'hashes' ->> used.place - 1)::bytea, issued_at = clock_timestamp(), used_at = NULL
    WHERE x.account = request ->> 'account' AND x.place = used.place;
    places := places || to_jsonb(used.place);
  END LOOP;
  IF places <> '[]' AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('recovery_replaced', account => request ->> 'account');
  END IF;
  RETURN jsonb_build_object('places', places);
END $$;

-- Request: account. Answer: remaining (unused codes).
CREATE OR REPLACE FUNCTION {count_codes}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('remaining', (SELECT count(*) FROM {recovery_codes} x WHERE x.account = request ->> 'account' AND x.used_at IS NULL));
END $$;

-- Deletes all codes of an account. Returns how many there were.
CREATE OR REPLACE FUNCTION {drop_codes}(its_account text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE dropped integer;
BEGIN
  PERFORM FROM {recovery_codes} x WHERE x.account = its_account ORDER BY x.place FOR UPDATE;
  DELETE FROM {recovery_codes} x WHERE x.account = its_account;
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN dropped;
END $$;

-- Request: account, audit. Answer: revoked (how many).
CREATE OR REPLACE FUNCTION {revoke_codes}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE revoked integer := {drop_codes}(request ->> 'account');
BEGIN
  IF revoked > 0 AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('recovery_revoked', account => request ->> 'account');
  END IF;
  RETURN jsonb_build_object('revoked', revoked);
END $$;
