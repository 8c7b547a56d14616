-- What start and verify read from the ledger of numbers. Nothing else in them depends on an account.

-- Tells whether a binding of this number ended at or after a moment. A challenge started earlier belongs to another
-- owner.
CREATE OR REPLACE FUNCTION {released_since}(its_phone text, moment timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM {verified_numbers} n WHERE n.phone = its_phone AND n.released_at >= moment);
END $$;

CREATE OR REPLACE FUNCTION {is_owned_by}(its_phone text, account text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM {verified_numbers} n WHERE n.phone = its_phone AND n.owner = account AND n.released_at IS NULL);
END $$;

-- Returns why a number does not count as established; null if it does. `until`: when the reason passes by itself. For
-- an anonymous caller, the host says whether the number has an account, and it may know numbers that the ledger does
-- not contain.
CREATE OR REPLACE FUNCTION {unestablished}(c {challenges}, r {send_request}, t timestamptz, OUT reason text, OUT until timestamptz) LANGUAGE plpgsql STABLE AS $$
DECLARE n {verified_numbers};
BEGIN
  SELECT * INTO n FROM {verified_numbers} x WHERE x.phone = c.phone AND x.released_at IS NULL;
  IF r.signed_in AND n.owner IS DISTINCT FROM c.account THEN
    reason := 'phone_missing';
  ELSIF n.held_until > t THEN
    reason := 'phone_on_hold';
    until := n.held_until;
  ELSIF n.last_proved_at < t - make_interval(days => r.reconfirm_days) THEN
    reason := 'phone_unconfirmed';
  END IF;
END $$;
