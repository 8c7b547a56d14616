-- The results of messages. A message has one row of {sends} for each provider that was asked to deliver it, in any
-- order; a row written twice is stored once. The challenge is touched only if its life depends on the answer.

-- Writes one row of {sends} and its fact: `m` is the message as the library reports it, `event` is sent, failed or
-- unknown.
CREATE OR REPLACE FUNCTION {write_send}(event text, m {sends}, c {challenges}, audit boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {sends} (challenge_id, send_number, provider, provider_ref, outcome, segments, cost, latency_ms, at)
  VALUES (m.challenge_id, m.send_number, m.provider, m.provider_ref, m.outcome, m.segments, m.cost, m.latency_ms, clock_timestamp())
  ON CONFLICT DO NOTHING;
  IF audit AND FOUND THEN
    c.id := m.challenge_id;
    c.provider := m.provider;
    PERFORM {audit_challenge}(event, m.outcome, c);
  END IF;
END $$;

-- Logs messages that were sent, or whose answer was lost, and whose provider reference is not needed: several at
-- once, without a lock and without waiting for the disk. A crash loses these records, but nothing that limits depend
-- on.
--
-- Request: sends, each the columns of {sends} with event, purpose, account, phone_hash and tier; audit.
CREATE OR REPLACE FUNCTION {log_sends}(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  WITH told AS MATERIALIZED (
    SELECT m.* FROM jsonb_to_recordset(request -> 'sends') AS m (challenge_id uuid, send_number smallint, provider text, provider_ref text, outcome text,
      segments smallint, cost text, latency_ms integer, event text, purpose text, account text, phone_hash bytea, tier text)
  ), logged AS (
    INSERT INTO {sends} (challenge_id, send_number, provider, provider_ref, outcome, segments, cost, latency_ms, at)
    SELECT challenge_id, send_number, provider, provider_ref, outcome, segments, cost, latency_ms, clock_timestamp() FROM told
    ON CONFLICT DO NOTHING
    RETURNING challenge_id, send_number, provider
  )
  INSERT INTO {audit} (event, outcome, purpose, account, phone_hash, challenge_id, tier, provider)
  SELECT event, outcome, purpose, CASE WHEN account NOT LIKE '+%' THEN account END, phone_hash, challenge_id, tier, provider
  FROM told JOIN logged USING (challenge_id, send_number, provider)
  WHERE request @> '{"audit": true}';
  RETURN '{}';
END $$;

-- Records a message whose code its provider checks by a reference. Durable, since the code could not be checked
-- without it. A late answer to an earlier message changes nothing.
--
-- Request: the columns of {sends}; event (sent or unknown); audit. Answer: recorded (whether it is still the
-- challenge's newest message).
CREATE OR REPLACE FUNCTION {record_delivery}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  m {sends} := jsonb_populate_record(NULL::{sends}, request);
  c {challenges};
  recorded boolean;
BEGIN
  UPDATE {challenges} x SET provider_ref = m.provider_ref WHERE x.id = m.challenge_id AND {awaits_answer}(x, m) RETURNING x.* INTO c;
  recorded := FOUND;
  IF NOT recorded THEN                                          -- the message may have been sent
    SELECT * INTO c FROM {challenges} x WHERE x.id = m.challenge_id;
  END IF;
  PERFORM {write_send}(coalesce(request ->> 'event', 'sent'), m, c, request @> '{"audit": true}');
  RETURN jsonb_build_object('recorded', recorded);
END $$;

-- Records that certainly nothing was sent. If the caller is told, the challenge ends and the cooldown is returned, or
-- becomes the provider's. An anonymous caller's challenge stays alive: ending it would distinguish a real account
-- from a decoy.
--
-- Request: the columns of {sends}; ends; party and tier of the cooldown to change, cooldown_seconds; audit. Answer:
-- recorded.
CREATE OR REPLACE FUNCTION {record_failure}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  m {sends} := jsonb_populate_record(NULL::{sends}, request);
  ends boolean := coalesce((request ->> 'ends')::boolean, false);
  c {challenges};
  recorded boolean;
  t timestamptz;
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.id = m.challenge_id FOR UPDATE;
  t := clock_timestamp();
  recorded := coalesce({awaits_answer}(c, m), false);
  IF recorded THEN
    UPDATE {challenges} x SET status = 'failed', ended_at = CASE WHEN ends THEN t END,
      live_client = CASE WHEN NOT ends THEN x.live_client END, live_provider = CASE WHEN NOT ends THEN x.live_provider END
    WHERE x.id = c.id;
    UPDATE {send_counters} x SET next_send_at = coalesce(t + make_interval(secs => (request ->> 'cooldown_seconds')::integer), '-infinity')
    WHERE x.party = (request ->> 'party')::bytea AND x.tier = request ->> 'tier';
  END IF;
  PERFORM {write_send}('failed', m, c, request @> '{"audit": true}');
  RETURN jsonb_build_object('recorded', recorded);
END $$;

-- Records that certainly nothing was sent and another provider takes over, with its own limits where they are
-- stricter. Handle, attempts, reservations and the send number stay: no message was sent.
--
-- Request: the columns of {sends}; next: the columns of {challenges} that change, ttl_seconds, one_per_phone; audit.
-- Answer: handed_over.
CREATE OR REPLACE FUNCTION {hand_over}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  m {sends} := jsonb_populate_record(NULL::{sends}, request);
  next_one {challenges} := jsonb_populate_record(NULL::{challenges}, request -> 'next');
  c {challenges};
  handed_over boolean;
BEGIN
  SELECT * INTO c FROM {challenges} x WHERE x.id = m.challenge_id FOR UPDATE;
  handed_over := coalesce({awaits_answer}(c, m), false);
  IF handed_over THEN
    UPDATE {challenges} x SET
      provider = next_one.provider, checked_by = next_one.checked_by, live_provider = request #>> '{next,one_per_phone}', key_id = next_one.key_id,
      code_mac = CASE next_one.checked_by WHEN 'library' THEN next_one.code_mac END,
      max_attempts = least(x.max_attempts, next_one.max_attempts),
      expires_at = least(x.expires_at, x.last_send_at + make_interval(secs => (request #>> '{next,ttl_seconds}')::integer))
    WHERE x.id = c.id;
  END IF;
  PERFORM {write_send}('failed', m, c, request @> '{"audit": true}');
  RETURN jsonb_build_object('handed_over', handed_over);
END $$;

-- Tells whether a provider's answer still concerns the challenge: it is alive, this is its newest message, and no
-- answer is recorded yet.
CREATE OR REPLACE FUNCTION {awaits_answer}(c {challenges}, m {sends}) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
SELECT (c).status = 'pending' AND (c).sends = (m).send_number AND (c).ended_at IS NULL $$;
