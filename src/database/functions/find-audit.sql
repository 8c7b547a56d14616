-- Request: one of phone_hash, account, challenge_id; since, until, before (an id), most. Answer: entries, newest
-- first. Each of the three has an index with its entries in this order.
CREATE OR REPLACE FUNCTION {find_audit}(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  its_phone bytea := request ->> 'phone_hash';
  its_account text := request ->> 'account';
  its_challenge uuid := request ->> 'challenge_id';
  before bigint := coalesce((request ->> 'before')::bigint, 9223372036854775807);
  since timestamptz := coalesce((request ->> 'since')::timestamptz, '-infinity');
  until timestamptz := coalesce((request ->> 'until')::timestamptz, 'infinity');
  most integer := request ->> 'most';
BEGIN
  RETURN jsonb_build_object('entries', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.id::text, 'at', e.at, 'event', e.event, 'outcome', e.outcome,
      'purpose', e.purpose, 'account', e.account, 'phone_hash', encode(e.phone_hash, 'hex'), 'challenge_id', e.challenge_id, 'tier', e.tier,
      'provider', e.provider) ORDER BY e.id DESC), '[]')
    FROM (
      (SELECT * FROM {audit} x WHERE x.phone_hash = its_phone AND x.id < before AND x.at >= since AND x.at < until ORDER BY x.id DESC LIMIT most)
      UNION ALL
      (SELECT * FROM {audit} x WHERE x.account = its_account AND x.id < before AND x.at >= since AND x.at < until ORDER BY x.id DESC LIMIT most)
      UNION ALL
      (SELECT * FROM {audit} x WHERE x.challenge_id = its_challenge AND x.id < before AND x.at >= since AND x.at < until ORDER BY x.id DESC LIMIT most)
    ) e));
END $$;
