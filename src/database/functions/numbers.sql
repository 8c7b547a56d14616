-- The ledger of numbers. Bindings are history: a binding that ends gets an end date, and a new one is a new row.
-- Locks: grants, then accounts, then numbers, then devices and recovery codes.

-- Binds a number to its owner, or renews its proof date if the account already has it. A refusal writes nothing.
--
-- The unique index decides between accounts that race for a number, and a binding made or proved since the proof
-- stands: a code older than the owner's proof cannot take a number. An account's first number removes the devices and
-- recovery codes that it has by then: they were created without a proved number. A transfer removes the devices of
-- the former owner. A number that joins or replaces another starts on hold; otherwise a thief with a stolen session
-- could add a phone and confirm with it.
CREATE OR REPLACE FUNCTION {bind}(b {binding_request}) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  n {verified_numbers};
  t timestamptz;
  had_numbers boolean;
  joins boolean;
  previous_owner text;
  is_first boolean := false;
BEGIN
  -- The number's current owner may lose it, so both accounts are locked first.
  SELECT x.owner INTO previous_owner FROM {verified_numbers} x WHERE x.phone = b.phone AND x.released_at IS NULL;
  PERFORM {lock_accounts}(b.owner, previous_owner);
  SELECT * INTO n FROM {verified_numbers} x WHERE x.phone = b.phone AND x.released_at IS NULL FOR UPDATE;
  t := clock_timestamp();
  IF {released_since}(b.phone, b.proved_at) THEN
    RETURN jsonb_build_object('refused_by', 'number_released');
  END IF;
  previous_owner := NULL;

  IF n.owner = b.owner THEN
    UPDATE {verified_numbers} x SET last_proved_at = t WHERE x.id = n.id RETURNING x.* INTO n;
  ELSE
    IF n.owner IS NOT NULL THEN
      IF (n.last_proved_at <= b.proved_at AND (b.policy = 'transfer'
        OR b.policy = 'transfer_unconfirmed' AND n.last_proved_at < t - make_interval(days => b.reconfirm_days))) IS NOT TRUE
      THEN
        RETURN jsonb_build_object('refused_by', 'phone_already_activated');
      END IF;
      previous_owner := n.owner;
      UPDATE {verified_numbers} x SET released_at = t, release_reason = 'transferred' WHERE x.id = n.id;
    END IF;
    had_numbers := EXISTS (SELECT FROM {verified_numbers} x WHERE x.owner = b.owner);
    joins := had_numbers AND EXISTS (SELECT FROM {verified_numbers} x
      WHERE x.owner = b.owner AND x.phone <> b.phone AND (x.released_at IS NULL OR x.released_at > t - make_interval(secs => b.hold_seconds)));
    INSERT INTO {verified_numbers} AS x (phone, owner, verified_at, last_proved_at, source, held_until)
    VALUES (b.phone, b.owner, t, t, b.source, CASE WHEN joins THEN t + make_interval(secs => b.hold_seconds) END)
    ON CONFLICT (phone) WHERE released_at IS NULL DO NOTHING
    RETURNING x.* INTO n;
    IF NOT FOUND THEN                                           -- another account was first; there was no owner to lose it
      RETURN jsonb_build_object('refused_by', 'phone_already_activated');
    END IF;
    is_first := NOT had_numbers;
    PERFORM {end_trust}(previous_owner, CASE WHEN is_first THEN b.owner END);
    IF is_first THEN
      PERFORM {drop_codes}(b.owner);
    END IF;
  END IF;

  RETURN {number_answer}(n) || jsonb_build_object('previous_owner', previous_owner, 'first', is_first);
END $$;

-- Returns the facts of bind. Its caller writes them after the facts of the grants that it uses once the number is
-- bound.
CREATE OR REPLACE FUNCTION {audit_bound}(b {binding_request}, number jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF b.audit AND number -> 'refused_by' IS NULL THEN
    PERFORM {write_audit}('number_activated', NULL, b.source, b.owner, b.phone_hash, b.challenge_id);
    IF number ->> 'previous_owner' IS NOT NULL THEN
      PERFORM {write_audit}('number_transferred', NULL, b.source, number ->> 'previous_owner', b.phone_hash, b.challenge_id);
    END IF;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION {number_answer}(n {verified_numbers}) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('phone', n.phone, 'owner', n.owner, 'verified_at', n.verified_at, 'last_proved_at', n.last_proved_at, 'held_until', n.held_until);
END $$;

-- Binds a number proved by a grant that this transaction used.
--
-- Request: {binding_request}. Answer: phone, owner, verified_at, last_proved_at, held_until, previous_owner, first;
-- or refused_by.
CREATE OR REPLACE FUNCTION {bind_number}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  b {binding_request} := jsonb_populate_record(NULL::{binding_request}, request);
  number jsonb := {bind}(b);
BEGIN
  PERFORM {audit_bound}(b, number);
  RETURN number;
END $$;

-- Uses a grant and binds the number that it proved. If another account has the number, the grant stays valid.
--
-- Request: {grant_request}; owner, policy, reconfirm_days, hold_seconds, phone_hash is the grant's. Answer: grant (as
-- check_grant's) and number (as bind_number's); refused_by in one of them.
CREATE OR REPLACE FUNCTION {activate}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  r {grant_request} := jsonb_populate_record(NULL::{grant_request}, request);
  j {judged_grant} := {judge_grant}(r, true);
  b {binding_request};
  number jsonb;
BEGIN
  IF j.refused_by IS NULL AND (j.g).source <> 'code' THEN
    j.refused_by := 'proves_no_number';
  END IF;
  IF j.refused_by IS NOT NULL THEN
    RETURN jsonb_build_object('grant', {grant_answer}(j.g, j.refused_by));
  END IF;
  b := {binding_of}(j.g, request);
  number := {bind}(b);
  IF number -> 'refused_by' IS NULL THEN
    PERFORM {use_grant}(j.g, j.t, r.audit);
    PERFORM {audit_bound}(b, number);
  END IF;
  RETURN jsonb_build_object('grant', {grant_answer}(j.g, NULL), 'number', number);
END $$;

-- Converts a grant's proof into the form that bind needs.
CREATE OR REPLACE FUNCTION {binding_of}(g {grants}, request jsonb) RETURNS {binding_request} LANGUAGE plpgsql STABLE AS $$
DECLARE b {binding_request} := jsonb_populate_record(NULL::{binding_request}, request);
BEGIN
  b.phone := g.phone;
  b.phone_hash := g.phone_hash;
  b.source := g.purpose;
  b.proved_at := g.created_at;
  b.challenge_id := g.id;
  RETURN b;
END $$;

-- Moves an account from one number to another. Both are locked in a fixed order, so that two accounts that swap
-- numbers do not deadlock.
--
-- Request: current and new, each a {grant_request}; owner, policy, reconfirm_days, hold_seconds, audit. Answer:
-- current and new (as check_grant's), number (as bind_number's); refused_by in one of them, or beside them.
CREATE OR REPLACE FUNCTION {change_number}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  current_one {judged_grant} := {judge_grant}(jsonb_populate_record(NULL::{grant_request}, request -> 'current'), true);
  new_one {judged_grant};
  audit boolean := request @> '{"audit": true}';
  its_owner text := request ->> 'owner';
  left_phone text := (current_one.g).phone;
  reason text := CASE (current_one.g).source WHEN 'recovery' THEN 'changed_by_recovery' ELSE 'changed' END;
  answer jsonb := jsonb_build_object('current', {grant_answer}(current_one.g, current_one.refused_by));
  b {binding_request};
BEGIN
  IF current_one.refused_by IS NOT NULL THEN
    RETURN answer;
  END IF;
  new_one := {judge_grant}(jsonb_populate_record(NULL::{grant_request}, request -> 'new'), true);
  answer := answer || jsonb_build_object('new', {grant_answer}(new_one.g, new_one.refused_by));
  IF new_one.refused_by IS NOT NULL THEN
    RETURN answer;
  END IF;
  IF (new_one.g).source <> 'code' THEN
    RETURN answer || '{"refused_by": "proves_no_number"}';
  END IF;
  IF (new_one.g).phone = left_phone THEN
    RETURN answer || '{"refused_by": "same_number"}';
  END IF;

  PERFORM {lock_accounts}(its_owner, (SELECT x.owner FROM {verified_numbers} x WHERE x.phone = (new_one.g).phone AND x.released_at IS NULL));
  PERFORM FROM {verified_numbers} x WHERE x.phone IN (left_phone, (new_one.g).phone) AND x.released_at IS NULL ORDER BY x.phone FOR UPDATE;
  IF NOT {is_owned_by}(left_phone, its_owner) THEN
    RETURN answer || '{"refused_by": "not_the_owner"}';
  END IF;

  b := {binding_of}(new_one.g, request);
  answer := answer || jsonb_build_object('number', {bind}(b));
  IF answer #> '{number,refused_by}' IS NOT NULL THEN
    RETURN answer;
  END IF;
  PERFORM {use_grant}(current_one.g, current_one.t, audit);
  PERFORM {use_grant}(new_one.g, new_one.t, audit);
  PERFORM {audit_bound}(b, answer -> 'number');
  PERFORM {release}(left_phone, its_owner, reason);
  IF audit AND (current_one.g).source = 'code' THEN             -- the library writes the fact for a recovery code: only it can hash the number
    PERFORM {write_audit}('number_changed', NULL, 'change_number', its_owner, (current_one.g).phone_hash, (current_one.g).id);
  END IF;
  RETURN answer;
END $$;

-- Dates the end of a binding and ends the trust in the account's devices. Returns whether the number was the owner's.
CREATE OR REPLACE FUNCTION {release}(its_phone text, its_owner text, reason text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE {verified_numbers} x SET released_at = clock_timestamp(), release_reason = reason
  WHERE x.phone = its_phone AND x.owner = its_owner AND x.released_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM {end_trust}(its_owner);
  RETURN true;
END $$;

-- Request: phone, owner, reason, phone_hash, audit. Answer: released. The reason may be free text, so it stays out of
-- the audit.
CREATE OR REPLACE FUNCTION {release_number}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE released boolean;
BEGIN
  PERFORM {lock_accounts}(request ->> 'owner');
  released := {release}(request ->> 'phone', request ->> 'owner', request ->> 'reason');
  IF released AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('number_released', CASE WHEN request ->> 'reason' ~ '^[a-z][a-z0-9_]{0,31}$' THEN request ->> 'reason' END, NULL,
      request ->> 'owner', (request ->> 'phone_hash')::bytea);
  END IF;
  RETURN jsonb_build_object('released', released);
END $$;

-- Renews the proof date of a number, unless the number was not proved for so long that its account counts as dormant.
CREATE OR REPLACE FUNCTION {date_proof}(its_phone text, its_owner text, dormant_days integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  n {verified_numbers};
  t timestamptz;
  dormant boolean;
BEGIN
  SELECT * INTO n FROM {verified_numbers} x WHERE x.phone = its_phone AND x.owner = its_owner AND x.released_at IS NULL FOR UPDATE;
  t := clock_timestamp();
  dormant := coalesce(n.last_proved_at < t - make_interval(days => dormant_days), false);
  IF n.id IS NOT NULL AND NOT dormant THEN
    UPDATE {verified_numbers} x SET last_proved_at = t WHERE x.id = n.id;
  END IF;
  RETURN jsonb_build_object('bound', n.id IS NOT NULL, 'dormant', dormant);
END $$;

-- Request: phone, owner, dormant_days (absent: never dormant). Answer: bound (the owner has it), dormant.
CREATE OR REPLACE FUNCTION {prove_number}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
BEGIN
  RETURN {date_proof}(request ->> 'phone', request ->> 'owner', (request ->> 'dormant_days')::integer);
END $$;

-- Request: phone. Answer: owner, or null.
CREATE OR REPLACE FUNCTION {owner_of}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('owner', (SELECT x.owner FROM {verified_numbers} x WHERE x.phone = request ->> 'phone' AND x.released_at IS NULL));
END $$;

-- Request: owner. Answer: numbers. Those not on hold come first, most recently proved first.
CREATE OR REPLACE FUNCTION {numbers_of}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('numbers', (SELECT coalesce(jsonb_agg({number_answer}(x)
      ORDER BY coalesce(x.held_until > clock_timestamp(), false), x.last_proved_at DESC, x.id DESC), '[]')
    FROM {verified_numbers} x WHERE x.owner = request ->> 'owner' AND x.released_at IS NULL));
END $$;

-- Request: phone or owner. Answer: bindings, newest first, at most 1000.
CREATE OR REPLACE FUNCTION {number_history}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('bindings', (SELECT coalesce(jsonb_agg({number_answer}(x)
      || jsonb_build_object('source', x.source, 'released_at', x.released_at, 'release_reason', x.release_reason) ORDER BY x.verified_at DESC, x.id DESC), '[]')
    FROM (SELECT y.* FROM {verified_numbers} y WHERE y.phone = request ->> 'phone' OR y.owner = request ->> 'owner'
      ORDER BY y.verified_at DESC, y.id DESC LIMIT 1000) x));
END $$;
