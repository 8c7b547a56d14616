-- Counts one more wrong code of a locked subject (lock_subject). `l` is its lockout, or empty if there is none yet.
CREATE OR REPLACE FUNCTION {count_failure}(INOUT l {lockouts}, its_hash bytea, its_tier text, per_hour integer, in_a_row integer, minutes integer, t timestamptz) LANGUAGE plpgsql AS $$
DECLARE is_first boolean := l.subject_hash IS NULL;
BEGIN
  IF is_first THEN
    l.subject_hash := its_hash;
    l.tier := its_tier;
    l.failures := 0;
    l.failures_end_at := '-infinity';
    l.failures_in_a_row := 0;
    l.lockout_count := 0;
    l.locked_until := '-infinity';
  END IF;
  IF l.failures_end_at <= t THEN
    l.failures := 0;
    l.failures_end_at := t + interval '1 hour';
  END IF;
  l.failures := l.failures + 1;
  l.failures_in_a_row := l.failures_in_a_row + 1;
  IF l.failures >= per_hour THEN                                -- 1, 2, then 4 times the minutes; a new hour begins after them
    l.locked_until := t + make_interval(mins => minutes * (1 << least(l.lockout_count, 2)));
    l.failures_end_at := l.locked_until;
    l.lockout_count := l.lockout_count + 1;
  END IF;
  IF l.failures_in_a_row >= in_a_row THEN                       -- never expires: only an operator lifts it
    l.locked_until := 'infinity';
  END IF;

  IF is_first THEN
    INSERT INTO {lockouts} VALUES (l.*);
  ELSE
    UPDATE {lockouts} x SET failures = l.failures, failures_end_at = l.failures_end_at, failures_in_a_row = l.failures_in_a_row,
      lockout_count = l.lockout_count, locked_until = l.locked_until
    WHERE x.subject_hash = l.subject_hash AND x.tier = l.tier;
  END IF;
END $$;

-- Counts a wrong code over all subjects: guessing one code on each of many accounts stays below every other limit.
-- Never refuses; operators and the bot check act on it. Returns the recent count.
CREATE OR REPLACE FUNCTION {count_wrong_code}(amount integer, t timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE now_counted integer;
BEGIN
  INSERT INTO {wrong_codes} AS x (id, count, ends_at) VALUES (1, amount, t + interval '10 minutes')
  ON CONFLICT (id) DO UPDATE SET count = {counted}(x.count, x.ends_at, t) + amount, ends_at = {window_end}(x.ends_at, t, excluded.ends_at)
  RETURNING x.count INTO now_counted;
  RETURN now_counted;
END $$;

-- Counts a code that the provider found wrong, which verify could not know.
--
-- Request: id, audit. Answer: wrong_codes.
CREATE OR REPLACE FUNCTION {wrong_code}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE c {challenges};
BEGIN
  IF request @> '{"audit": true}' THEN
    SELECT * INTO c FROM {challenges} x WHERE x.id = (request ->> 'id')::uuid;
    PERFORM {audit_challenge}('refused', 'wrong_code', c);
  END IF;
  RETURN jsonb_build_object('wrong_codes', {count_wrong_code}(1, clock_timestamp()));
END $$;

-- Unlocks a subject at once, by an operator's order. The same text may be an account or a phone, so it may have two
-- hashes.
--
-- Request: subject_hashes, account, phone_hash, audit. Answer: unlocked (how many lockouts).
CREATE OR REPLACE FUNCTION {unlock}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE unlocked integer;
BEGIN
  DELETE FROM {lockouts} x WHERE x.subject_hash IN (SELECT h::bytea FROM jsonb_array_elements_text(request -> 'subject_hashes') h);
  GET DIAGNOSTICS unlocked = ROW_COUNT;
  IF unlocked > 0 AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('unlocked', account => request ->> 'account', phone_hash => (request ->> 'phone_hash')::bytea);
  END IF;
  RETURN jsonb_build_object('unlocked', unlocked);
END $$;
