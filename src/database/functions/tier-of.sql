-- Returns the tier whose limits pay for a message. An owner with too many unverified messages in an hour is a
-- stranger for the rest of it.
CREATE OR REPLACE FUNCTION {tier_of}(c {challenges}, r {send_request}, most_unverified integer, t timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF r.signed_in THEN
    IF {is_owned_by}(c.phone, c.account)
      AND NOT EXISTS (SELECT FROM {unverified_sends} u WHERE u.key = r.owner_key AND {full}(u.unverified, u.ends_at, most_unverified, t))
    THEN
      RETURN 'owner';
    END IF;
  ELSIF EXISTS (SELECT FROM {known_devices} d WHERE d.client = c.client AND d.known_until > t) THEN
    RETURN 'known';
  END IF;
  RETURN 'stranger';
END $$;
