-- Proofs that a code was verified, each used once. They join the host's transaction, so a refusal is an answer. Only
-- a lock held for 2 seconds raises an error.

-- Judges a grant. What it was issued for never changes, so a grant that does not match is not even locked: another
-- connection can then end it while the host's transaction is still open. Otherwise its row is locked before the clock
-- is read.
CREATE OR REPLACE FUNCTION {judge_grant}(r {grant_request}, locks boolean) RETURNS {judged_grant} LANGUAGE plpgsql AS $$
DECLARE
  j {judged_grant};
  g {grants};
BEGIN
  SELECT * INTO g FROM {grants} x WHERE x.id = r.id AND x.hash = r.hash;
  j.refused_by := CASE
    WHEN g.id IS NULL THEN 'unknown_grant'
    WHEN (g.purpose = ANY (r.purposes)) IS NOT TRUE THEN 'other_purpose'
    WHEN g.account IS DISTINCT FROM r.account OR g.session_binding IS DISTINCT FROM r.session_binding THEN 'other_session'
    WHEN g.action_digest IS DISTINCT FROM r.action_digest THEN 'other_action' END;
  IF j.refused_by IS NULL THEN
    IF locks THEN
      SELECT * INTO g FROM {grants} x WHERE x.id = r.id FOR UPDATE;
    END IF;
    j.t := clock_timestamp();
    j.refused_by := CASE
      WHEN g.id IS NULL THEN 'unknown_grant'                    -- purged while this waited for it
      WHEN g.consumed_at IS NOT NULL THEN 'used'
      WHEN g.expires_at <= j.t THEN 'expired'
      WHEN {released_since}(g.phone, g.created_at) THEN 'number_released' END;
    -- A recovery code stands in for a number, so the number's hold does not apply.
    IF j.refused_by IS NULL AND r.must_be_established AND g.source = 'code'
      AND EXISTS (SELECT FROM {verified_numbers} n WHERE n.phone = g.phone AND n.released_at IS NULL AND n.held_until > j.t)
    THEN
      j.refused_by := 'number_on_hold';
    END IF;
  END IF;
  j.g := g;
  RETURN j;
END $$;

-- Returns what is known about a grant, valid or not.
CREATE OR REPLACE FUNCTION {grant_answer}(g {grants}, refused_by text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('refused_by', refused_by, 'challenge_id', g.id, 'purpose', g.purpose, 'account', g.account, 'phone', g.phone,
    'source', g.source, 'proved_at', g.created_at);
END $$;

-- Uses a grant that was judged valid.
CREATE OR REPLACE FUNCTION {use_grant}(g {grants}, t timestamptz, audit boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE {grants} x SET consumed_at = t WHERE x.id = g.id;
  IF audit THEN
    PERFORM {write_audit}('grant_used', NULL, g.purpose, g.account, g.phone_hash, g.id);
  END IF;
END $$;

-- Returns what a grant proves, without using it.
--
-- Request: {grant_request}. Answer: challenge_id, purpose, account, phone, source, proved_at; refused_by if it is
-- invalid.
CREATE OR REPLACE FUNCTION {check_grant}(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE j {judged_grant} := {judge_grant}(jsonb_populate_record(NULL::{grant_request}, request), false);
BEGIN
  RETURN {grant_answer}(j.g, j.refused_by);
END $$;

-- Uses a grant, once.
--
-- The proof renews the date of the account's number, except for a recovery code's grant and for grants that activate
-- and change_number use: those write the ledger themselves. A password reset ends the trust in the account's devices.
-- Locks: grant, accounts, number, devices.
--
-- Request and answer as for check_grant.
CREATE OR REPLACE FUNCTION {consume_grant}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  r {grant_request} := jsonb_populate_record(NULL::{grant_request}, request);
  j {judged_grant} := {judge_grant}(r, true);
  g {grants} := j.g;
  its_owner text;
BEGIN
  IF j.refused_by IS NULL THEN
    PERFORM {use_grant}(g, j.t, r.audit);
    SELECT x.owner INTO its_owner FROM {verified_numbers} x WHERE x.phone = g.phone AND x.released_at IS NULL;
    IF g.purpose = 'password_reset' THEN
      PERFORM {lock_accounts}(g.account, its_owner);
    END IF;
    IF its_owner = g.account AND g.purpose NOT IN ('verify_number', 'change_number') AND g.source = 'code' THEN
      PERFORM {lock_accounts}(g.account);
      UPDATE {verified_numbers} x SET last_proved_at = greatest(x.last_proved_at, g.created_at)
      WHERE x.phone = g.phone AND x.owner = g.account AND x.released_at IS NULL;
    END IF;
    IF g.purpose = 'password_reset' THEN
      PERFORM {end_trust}(g.account, its_owner);
    END IF;
  END IF;
  RETURN {grant_answer}(g, j.refused_by);
END $$;

-- Uses a login grant and renews the proof date of the account's number, as prove_number does. A number not proved for
-- too long is not renewed: its account counts as dormant.
--
-- Request: {grant_request}; owner (the account that logs in), dormant_days. Answer: as check_grant's, with bound and
-- dormant.
CREATE OR REPLACE FUNCTION {log_in}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  r {grant_request} := jsonb_populate_record(NULL::{grant_request}, request);
  j {judged_grant} := {judge_grant}(r, true);
BEGIN
  IF j.refused_by IS NOT NULL THEN
    RETURN {grant_answer}(j.g, j.refused_by);
  END IF;
  PERFORM {use_grant}(j.g, j.t, r.audit);
  RETURN {grant_answer}(j.g, NULL) || {date_proof}((j.g).phone, request ->> 'owner', (request ->> 'dormant_days')::integer);
END $$;

-- Ends a grant that was presented for a record that has changed since: it counts as used from now on.
--
-- Request: id, hash. Answer: ended.
CREATE OR REPLACE FUNCTION {end_grant}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
BEGIN
  UPDATE {grants} x SET consumed_at = clock_timestamp()
  WHERE x.id = (request ->> 'id')::uuid AND x.hash = (request ->> 'hash')::bytea AND x.consumed_at IS NULL;
  RETURN jsonb_build_object('ended', FOUND);
END $$;
