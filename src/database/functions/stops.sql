-- Sending stops of operators and low conversion. Starts read {sending_stops} and never write it, or they would queue.

-- Request: region, provider (empty: any), reason, audit. Answer: added (whether it was not stopped before).
CREATE OR REPLACE FUNCTION {stop_sending}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  w {sending_stops} := jsonb_populate_record(NULL::{sending_stops}, request);
  added boolean;
BEGIN
  INSERT INTO {sending_stops} AS x (region, provider, by_conversion, enforced, since, until, reason)
  VALUES (w.region, w.provider, false, true, clock_timestamp(), 'infinity', w.reason)
  ON CONFLICT (region, provider, by_conversion) DO UPDATE SET reason = coalesce(excluded.reason, x.reason)
  RETURNING x.xmax = 0 INTO added;
  IF added AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('sending_stopped', nullif(w.region, ''), provider => nullif(w.provider, ''));
  END IF;
  RETURN jsonb_build_object('added', added);
END $$;

-- Request: region, provider (empty: any), audit. Answer: resumed (whether it was stopped).
CREATE OR REPLACE FUNCTION {resume_sending}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE w {sending_stops} := jsonb_populate_record(NULL::{sending_stops}, request);
BEGIN
  DELETE FROM {sending_stops} x WHERE x.region = w.region AND x.provider = w.provider AND NOT x.by_conversion;
  IF FOUND AND request @> '{"audit": true}' THEN
    PERFORM {write_audit}('sending_resumed', nullif(w.region, ''), provider => nullif(w.provider, ''));
  END IF;
  RETURN jsonb_build_object('resumed', FOUND);
END $$;

-- Answer: stops of operators (region, provider, since, reason).
CREATE OR REPLACE FUNCTION {list_stops}(request jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object('stops', coalesce(jsonb_agg(jsonb_build_object('region', x.region, 'provider', x.provider, 'since', x.since,
  'reason', x.reason) ORDER BY x.region, x.provider), '[]'))
FROM {sending_stops} x WHERE NOT x.by_conversion $$;

-- Judges the last hour's messages to strangers, by region and by provider. Each one below the minimum gets a row for
-- an hour: it is reported once and, where enforced, stops starts.
--
-- No counter is kept for this, since all starts of a country would queue for it. Only codes that are over count, so a
-- burst that no one had time to answer does not lower a country's conversion. The instances take turns: one judges
-- for all.
--
-- Request: turn_seconds, regions and providers to judge, enforced (of region, of provider), minimum_messages,
-- minimum_conversion, audit. Answer: low (scope, name, messages, verified), what is newly below.
CREATE OR REPLACE FUNCTION {check_conversion}(request jsonb) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout TO '2s' AS $$
DECLARE
  t timestamptz := clock_timestamp();
  m record;
  low jsonb := '[]';
BEGIN
  INSERT INTO {turns} AS x (work, taken_until) VALUES ('conversion', t + make_interval(secs => (request ->> 'turn_seconds')::integer))
  ON CONFLICT (work) DO UPDATE SET taken_until = excluded.taken_until WHERE x.taken_until <= t;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('low', low);
  END IF;
  FOR m IN
    SELECT c.region, c.provider, sum(c.sends)::integer AS messages, coalesce(sum(c.sends) FILTER (WHERE c.status = 'consumed'), 0)::integer AS verified
    FROM {challenges} c
    WHERE c.id >= {first_id_at}(t - interval '2 hours') AND c.last_send_at > t - interval '1 hour' AND (c.ended_at IS NOT NULL OR c.expires_at <= t)
      AND c.tier = 'stranger' AND c.checked_by <> 'nobody' AND c.status <> 'failed'
    GROUP BY GROUPING SETS ((c.region), (c.provider))
    ORDER BY c.region, c.provider
  LOOP
    CONTINUE WHEN (request -> 'regions' @> to_jsonb(m.region) OR request -> 'providers' @> to_jsonb(m.provider)) IS NOT TRUE;
    CONTINUE WHEN m.messages < (request ->> 'minimum_messages')::integer OR m.verified * 100 >= (request ->> 'minimum_conversion')::integer * m.messages;
    INSERT INTO {sending_stops} AS x (region, provider, by_conversion, enforced, since, until)
    VALUES (coalesce(m.region, ''), coalesce(m.provider, ''), true,
      (request #>> ARRAY['enforced', CASE WHEN m.region IS NULL THEN 'provider' ELSE 'region' END])::boolean, t, t + interval '1 hour')
    ON CONFLICT (region, provider, by_conversion) DO UPDATE SET enforced = excluded.enforced, since = excluded.since, until = excluded.until
    WHERE x.until <= t;
    CONTINUE WHEN NOT FOUND;
    IF request @> '{"audit": true}' THEN
      PERFORM {write_audit}('conversion_low', m.region, provider => m.provider);
    END IF;
    low := low || jsonb_build_object('scope', CASE WHEN m.region IS NULL THEN 'provider' ELSE 'region' END, 'name', coalesce(m.region, m.provider),
      'messages', m.messages, 'verified', m.verified);
  END LOOP;
  RETURN jsonb_build_object('low', low);
END $$;
