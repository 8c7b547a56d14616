-- Makes the plans of the hot path in this connection, for a nonexistent person; its caller rolls everything back.
-- Otherwise the first call of each new connection would plan while it holds a row that others wait for.
CREATE OR REPLACE FUNCTION {warm_up}() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  nobody text := gen_random_uuid();
  key text := '\x' || replace(nobody, '-', '');
  unverified jsonb := '{"most": 1, "minimum_conversion": 20, "minimum_messages": 20, "enforced": true}';
  limits jsonb := jsonb_build_object('phone', '{"cooldown_seconds": 0}'::jsonb, 'address', unverified, 'prefix', unverified,
    'region', '{"shards": 1, "per_day": 9}'::jsonb);
  asked jsonb := jsonb_build_object('id', nobody, 'handle_hash', key, 'purpose', 'warm_up', 'audit', true);
BEGIN
  PERFORM {start}(asked || jsonb_build_object('phone', nobody, 'phone_hash', key, 'subject_hash', key, 'region', nobody, 'locale', 'en',
    'provider', nobody, 'checked_by', 'library', 'code_mac', key, 'key_id', '1', 'max_attempts', 5, 'ttl_seconds', 60, 'shard', 0, 'price', 0,
    'client', key, 'address_key', key, 'prefix_key', key || '01', 'limits', jsonb_build_object('stranger', limits)));
  PERFORM {verify}(asked || jsonb_build_object('code_macs', jsonb_build_array(key), 'grant_hash', key, 'grant_seconds', 1, 'known_device_days', 1,
    'failures_per_hour', 9, 'failures_in_a_row', 9, 'lockout_minutes', 1));
END $$;
