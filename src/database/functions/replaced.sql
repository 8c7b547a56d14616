-- Returns the unique key of a phone at a provider that finds codes by phone alone. Decoys replace each other as real
-- challenges do; otherwise a second start would reveal them.
CREATE OR REPLACE FUNCTION {live_provider}(one_per_phone text, decoy boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN decoy THEN '~' || one_per_phone ELSE one_per_phone END $$;

-- Locks the same client's earlier challenge and, at a provider that finds codes by phone alone, every client's, in
-- lock order. Starts that may replace something run one after another for each phone: otherwise a start could meet an
-- unseen challenge only when it stores its own, and would wait for it while holding the counters.
CREATE OR REPLACE FUNCTION {lock_replaced}(c {challenges}, one_per_phone text) RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(c.phone, 2));
  RETURN (SELECT array_agg(y.id) FROM (
    SELECT x.id FROM {challenges} x WHERE x.id IN (
      SELECT a.id FROM {challenges} a WHERE a.phone = c.phone AND a.purpose = c.purpose AND a.live_client = c.client
      UNION ALL
      SELECT a.id FROM {challenges} a WHERE a.phone = c.phone AND a.live_provider IN (one_per_phone, '~' || one_per_phone))
    ORDER BY x.id FOR UPDATE) y);
END $$;

-- Ends the locked challenges that are still alive and are to be replaced: at such a provider, a decoy replaces only
-- decoys.
CREATE OR REPLACE FUNCTION {end_replaced}(locked uuid[], c {challenges}, one_per_phone text, decoy boolean, t timestamptz, audit boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE old {challenges};
BEGIN
  FOR old IN
    UPDATE {challenges} x SET status = 'superseded', ended_at = t, live_client = NULL, live_provider = NULL
    WHERE x.id = ANY (locked) AND x.ended_at IS NULL
      AND (x.purpose = c.purpose AND x.live_client = c.client OR x.live_provider = '~' || one_per_phone OR NOT decoy AND x.live_provider = one_per_phone)
    RETURNING x.*
  LOOP
    IF audit THEN
      PERFORM {audit_challenge}('superseded', NULL, old);
    END IF;
  END LOOP;
END $$;
