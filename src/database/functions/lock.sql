-- Locks for rows that may not exist yet. They end with the transaction. Those of the hot path return a text, since an
-- assignment costs a third of a PERFORM.

-- Counting under locks must see what was committed while it waited, which only READ COMMITTED shows. OT001: run it
-- again at that level.
CREATE OR REPLACE FUNCTION {read_committed}() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'this must run at READ COMMITTED' USING ERRCODE = 'OT001';
  END IF;
  RETURN 'read committed';
END $$;

-- Serializes attempts at the codes of one subject, even if it has no row of {lockouts} yet.
CREATE OR REPLACE FUNCTION {lock_subject}(subject_hash bytea, tier text) RETURNS text LANGUAGE sql AS $$
SELECT pg_advisory_xact_lock(hashtextextended(tier || encode(subject_hash, 'hex'), 1))::text $$;

-- Locks an account while its ways of access change: its first number and its trusted devices. The account is the
-- host's, so it has no row here to lock. Two accounts are locked in a fixed order. The table tells the schemas of one
-- database apart.
CREATE OR REPLACE FUNCTION {lock_accounts}(one text, other text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  a bigint := hashtextextended($name${verified_numbers} $name$ || one, 0);
  b bigint := hashtextextended($name${verified_numbers} $name$ || other, 0);
BEGIN
  PERFORM pg_advisory_xact_lock(least(a, b));
  PERFORM pg_advisory_xact_lock(greatest(a, b));
END $$;
