-- Deletes expired rows, at most one batch per table: call it until nothing is deleted. It skips locked rows, so every
-- instance may run it at any time. Challenges, grants, sends and audit are searched from the oldest end only, which
-- their growing ids place first in the index.
--
-- A lockout stays until a success or an operator ends it: time alone must not give anyone new guesses.
--
-- Request: batch, retention_seconds, send_log_days, audit_days. Answer: deleted (rows).
CREATE OR REPLACE FUNCTION {purge}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  batch integer := request ->> 'batch';
  t timestamptz := clock_timestamp();
  retained timestamptz := t - make_interval(secs => (request ->> 'retention_seconds')::integer);
  sends_from timestamptz := t - make_interval(days => (request ->> 'send_log_days')::integer);
  audit_from timestamptz := t - make_interval(days => (request ->> 'audit_days')::integer);
  an_hour_ago timestamptz := t - interval '1 hour';
  gone integer;
  deleted integer := 0;
BEGIN
  DELETE FROM {challenges} WHERE id IN (SELECT x.id FROM {challenges} x
    WHERE x.id IN (SELECT y.id FROM {challenges} y ORDER BY y.id LIMIT batch) AND x.expires_at < retained FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {grants} WHERE id IN (SELECT x.id FROM {grants} x
    WHERE x.id IN (SELECT y.id FROM {grants} y ORDER BY y.id LIMIT batch) AND x.expires_at < retained FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {sends} WHERE (challenge_id, send_number, provider) IN (SELECT x.challenge_id, x.send_number, x.provider FROM {sends} x
    WHERE x.challenge_id IN (SELECT y.challenge_id FROM {sends} y ORDER BY y.challenge_id LIMIT batch) AND x.at < sends_from FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {audit} WHERE id IN (SELECT x.id FROM {audit} x
    WHERE x.id IN (SELECT y.id FROM {audit} y ORDER BY y.id LIMIT batch) AND x.at < audit_from FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {trusted_devices} WHERE id IN (SELECT x.id FROM {trusted_devices} x WHERE x.expires_at <= t ORDER BY x.expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;

  -- Counters whose windows are over.
  DELETE FROM {send_counters} WHERE (party, tier) IN (SELECT x.party, x.tier FROM {send_counters} x
    WHERE x.day_ends_at < an_hour_ago AND x.hour_ends_at < an_hour_ago AND x.next_send_at < an_hour_ago LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {unverified_sends} WHERE key IN (SELECT x.key FROM {unverified_sends} x WHERE x.ends_at < an_hour_ago LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {budgets} WHERE (scope, shard) IN (SELECT x.scope, x.shard FROM {budgets} x
    WHERE x.day_ends_at < an_hour_ago AND x.minute_ends_at < an_hour_ago LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {known_devices} WHERE client IN (SELECT x.client FROM {known_devices} x WHERE x.known_until < an_hour_ago LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {sending_stops} WHERE (region, provider, by_conversion) IN (SELECT x.region, x.provider, x.by_conversion FROM {sending_stops} x
    WHERE x.until < an_hour_ago LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  deleted := deleted + gone;
  DELETE FROM {wrong_codes} WHERE id IN (SELECT x.id FROM {wrong_codes} x WHERE x.ends_at < an_hour_ago FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN jsonb_build_object('deleted', deleted + gone);
END $$;

-- Logs messages of the last 2 hours whose process died before the provider's answer: no one else will record them.
--
-- Request: batch, after_seconds, audit. Answer: logged (messages); if it equals the batch, there may be more.
CREATE OR REPLACE FUNCTION {log_lost_sends}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  two_hours_ago timestamptz := clock_timestamp() - interval '2 hours';
  lost_before timestamptz := clock_timestamp() - make_interval(secs => (request ->> 'after_seconds')::integer);
  c {challenges};
  m {sends};
  logged integer := 0;
BEGIN
  FOR c IN
    SELECT x.* FROM {challenges} x
    WHERE x.id >= {first_id_at}(two_hours_ago) AND x.last_send_at < lost_before AND x.checked_by <> 'nobody'
      AND NOT EXISTS (SELECT FROM {sends} s WHERE s.challenge_id = x.id AND s.send_number = x.sends AND s.provider = x.provider)
    ORDER BY x.id LIMIT (request ->> 'batch')::integer
  LOOP
    m.challenge_id := c.id;
    m.send_number := c.sends;
    m.provider := c.provider;
    m.outcome := 'no_answer';
    PERFORM {write_send}('unknown', m, c, request @> '{"audit": true}');
    logged := logged + 1;
  END LOOP;
  RETURN jsonb_build_object('logged', logged);
END $$;
