-- Writes one fact. A subject that begins with "+" is a number, even if a host uses numbers as ids, and is left out.
CREATE OR REPLACE FUNCTION {write_audit}(event text, outcome text DEFAULT NULL, purpose text DEFAULT NULL, account text DEFAULT NULL,
  phone_hash bytea DEFAULT NULL, challenge_id uuid DEFAULT NULL, tier text DEFAULT NULL, provider text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {audit} (event, outcome, purpose, account, phone_hash, challenge_id, tier, provider)
  VALUES (event, outcome, purpose, CASE WHEN account NOT LIKE '+%' THEN account END, phone_hash, challenge_id, tier, provider);
END $$;

-- Writes one fact about a challenge, stored or refused.
CREATE OR REPLACE FUNCTION {audit_challenge}(event text, outcome text, c {challenges}) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {audit} (event, outcome, purpose, account, phone_hash, challenge_id, tier, provider)
  VALUES (event, outcome, c.purpose, CASE WHEN c.account NOT LIKE '+%' THEN c.account END, c.phone_hash, c.id, c.tier, c.provider);
END $$;

-- Returns the answer to a refusal and writes its audit line. It changes nothing else, so a flood of refusals need not
-- wait for the disk as messages do; a crash can lose the last half second of these lines. The reported wait counts
-- from now: time spent waiting for a lock counts.
CREATE OR REPLACE FUNCTION {refuse}(event text, refused_by text, until timestamptz, c {challenges}, audit boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE lazy text;
BEGIN
  lazy := set_config('synchronous_commit', 'off', true);
  IF audit THEN
    IF event = 'limited' OR refused_by = 'no_resend' THEN       -- no provider was to be asked
      c.provider := NULL;
    END IF;
    PERFORM {audit_challenge}(event, refused_by, c);
  END IF;
  RETURN jsonb_build_object('refused_by', refused_by, 'retry_after', {seconds_until}(until, clock_timestamp()), 'tier', c.tier);
END $$;

-- Writes a fact that only the library knows, such as a refusal by the host's own checks. If it joins a transaction,
-- it is as durable as that transaction.
--
-- Request: joins (a transaction), event, outcome, purpose, account, phone_hash, challenge_id.
CREATE OR REPLACE FUNCTION {write_note}(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE n {audit} := jsonb_populate_record(NULL::{audit}, request);
BEGIN
  IF NOT request @> '{"joins": true}' THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  PERFORM {write_audit}(n.event, n.outcome, n.purpose, n.account, n.phone_hash, n.challenge_id);
  RETURN '{}';
END $$;
