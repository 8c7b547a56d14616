-- Devices on which an account need not verify its phone at each login. When trust ends, its row is deleted.

-- Trusts a device. Refuses if the verified phone is not the account's, or if trust was ended after the proof: a
-- number of the account was released, its password was reset, or it proved its first number, which was not this one.
--
-- Request: the columns of {trusted_devices} that are known; days, phone, proved_at, challenge_id, purpose, named
-- (whether the proof names the account; otherwise the ledger must list the phone as its own), audit. Answer: id,
-- label, trusted_at, last_used_at, expires_at; or {}.
CREATE OR REPLACE FUNCTION {trust_device}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  d {trusted_devices} := jsonb_populate_record(NULL::{trusted_devices}, request);
  its_phone text := request ->> 'phone';
  proved_at timestamptz := request ->> 'proved_at';
  is_own boolean;
  ended boolean;
BEGIN
  PERFORM {lock_accounts}(d.account);
  is_own := {is_owned_by}(its_phone, d.account);
  ended := proved_at IS NULL OR {released_since}(its_phone, proved_at)
    OR EXISTS (SELECT FROM {verified_numbers} n WHERE n.owner = d.account AND n.released_at >= proved_at)
    OR EXISTS (SELECT FROM {verified_numbers} n WHERE n.owner = d.account)
      AND NOT EXISTS (SELECT FROM {verified_numbers} n WHERE n.owner = d.account AND (n.phone = its_phone OR n.verified_at < proved_at))
    OR EXISTS (SELECT FROM {grants} g WHERE g.purpose = 'password_reset' AND g.consumed_at >= proved_at
      AND (g.account = d.account OR g.phone IN (SELECT n.phone FROM {verified_numbers} n WHERE n.owner = d.account AND n.released_at IS NULL)));
  IF ended OR NOT (is_own OR request @> '{"named": true}') THEN
    RETURN '{}';
  END IF;

  d.trusted_at := clock_timestamp();
  d.last_used_at := d.trusted_at;
  d.expires_at := d.trusted_at + make_interval(days => (request ->> 'days')::integer);
  d.previous_hash := NULL;
  INSERT INTO {trusted_devices} VALUES (d.*);
  IF request @> '{"audit": true}' THEN
    PERFORM {write_audit}('device_trusted', NULL, request ->> 'purpose', d.account, NULL, (request ->> 'challenge_id')::uuid);
  END IF;
  RETURN {device_answer}(d);
END $$;

CREATE OR REPLACE FUNCTION {device_answer}(d {trusted_devices}) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('id', d.id, 'label', d.label, 'trusted_at', d.trusted_at, 'last_used_at', d.last_used_at, 'expires_at', d.expires_at);
END $$;

-- Exchanges a token for the next one. The row is locked before the clock is read: of two tabs, one rotates the token
-- and the other sends the previous token, which stays valid for a moment. A caller with the right fixed half and a
-- wrong changing half once had a token: if the same token is used twice, two parties have it.
--
-- Request: account, series_hash, secret_hash, next_hash, grace_seconds, audit. Answer: as trust_device's, with state:
-- current, previous, expired, stolen (the device is deleted); or {}.
CREATE OR REPLACE FUNCTION {recognise_device}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  shown bytea := request ->> 'secret_hash';
  d {trusted_devices};
  t timestamptz;
  state text;
BEGIN
  SELECT * INTO d FROM {trusted_devices} x WHERE x.series_hash = (request ->> 'series_hash')::bytea AND x.account = request ->> 'account' FOR UPDATE;
  t := clock_timestamp();
  IF d.id IS NULL THEN
    RETURN '{}';
  END IF;
  state := CASE
    WHEN d.expires_at <= t THEN 'expired'
    WHEN d.secret_hash = shown THEN 'current'
    WHEN d.previous_hash = shown AND d.last_used_at > t - make_interval(secs => (request ->> 'grace_seconds')::integer) THEN 'previous'
    ELSE 'stolen' END;
  IF state = 'current' THEN
    d.last_used_at := t;
    UPDATE {trusted_devices} x SET secret_hash = (request ->> 'next_hash')::bytea, previous_hash = shown, last_used_at = t WHERE x.id = d.id;
  ELSIF state = 'stolen' THEN
    DELETE FROM {trusted_devices} x WHERE x.id = d.id;
    IF request @> '{"audit": true}' THEN
      PERFORM {write_audit}('device_stolen', account => d.account);
    END IF;
  END IF;
  RETURN {device_answer}(d) || jsonb_build_object('state', state);
END $$;

-- Request: account. Answer: devices, most recently used first.
CREATE OR REPLACE FUNCTION {list_devices}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('devices', (SELECT coalesce(jsonb_agg({device_answer}(x) ORDER BY x.last_used_at DESC, x.id DESC), '[]')
    FROM {trusted_devices} x WHERE x.account = request ->> 'account' AND x.expires_at > clock_timestamp()));
END $$;

-- Revokes one device of an account, or all of them.
--
-- Request: account, id (absent: all), audit. Answer: revoked (how many).
CREATE OR REPLACE FUNCTION {revoke_devices}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE revoked integer;
BEGIN
  PERFORM {lock_accounts}(request ->> 'account');
  revoked := {end_trust}(request ->> 'account', NULL, (request ->> 'id')::uuid);
  IF revoked > 0 AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('devices_revoked', account => request ->> 'account');
  END IF;
  RETURN jsonb_build_object('revoked', revoked);
END $$;

-- Revokes the devices of one or two accounts, in a fixed order, after all other locks of its caller. Returns how many
-- there were.
CREATE OR REPLACE FUNCTION {end_trust}(one text, other text DEFAULT NULL, only_id uuid DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE ended integer;
BEGIN
  DELETE FROM {trusted_devices} WHERE id IN (
    SELECT x.id FROM {trusted_devices} x WHERE x.account IN (one, other) AND x.id = coalesce(only_id, x.id) ORDER BY x.id FOR UPDATE);
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;
