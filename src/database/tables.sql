-- The tables of this package. Names in braces are resolved when the migration runs: {challenges} is "schema"."prefix_otp_challenges";
-- indexes and primary keys get the names that the naming strategy of the data source gives them.
--
-- Every time is the database's own. A window that is over counts nothing; whoever counts next opens a new one.
-- Keyed hashes are made with the pepper, so no number or address can be read from a copy of the database.
-- Rows that are rewritten often keep room in their page (HOT). vacuum_truncate is off where a table can become empty: a plan
-- that was made for an empty table would scan a full one.

-- One issued code. It is alive while ended_at is null; status is for people. The columns live_… carry the unique
-- indexes and are set to null when the challenge ends. They are null in most rows from the start, so that ending one changes no indexed column.
CREATE TABLE {challenges} (
  id uuid NOT NULL,                       -- UUID version 7; the public half of the handle
  handle_hash bytea NOT NULL,             -- SHA-256 of the secret half
  purpose text NOT NULL,
  account text,                           -- the subject; without one, the phone is the subject
  phone text NOT NULL,                    -- E.164
  phone_hash bytea NOT NULL,
  subject_hash bytea NOT NULL,            -- with tier: the key of the lockout that counts its wrong codes
  tier text NOT NULL,                     -- whose limits were charged: stranger, known, owner
  region text NOT NULL,
  locale text NOT NULL,
  client bytea,                           -- keyed hash of the device or account that started it
  live_client bytea,                      -- client, while it lives
  live_provider text,                     -- the provider, while it lives, where that finds its codes by phone alone; of a decoy with ~ in front
  session_binding bytea,
  action_digest bytea,
  action_shown jsonb,                     -- what of the action the message names
  unverified_keys bytea[] NOT NULL,       -- its rows of {unverified_sends}, one for each message, in lock order
  provider text NOT NULL,
  provider_ref text,                      -- the provider's own name for the newest message
  checked_by text NOT NULL,               -- library, provider, or nobody (a decoy)
  code_mac bytea,
  key_id text NOT NULL,                   -- of the pepper
  status text NOT NULL,                   -- pending, decoy, failed, consumed, locked, superseded, cancelled
  attempts smallint NOT NULL,
  max_attempts smallint NOT NULL,
  sends smallint NOT NULL,
  created_at timestamptz NOT NULL,
  last_send_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (id)
) WITH (fillfactor = 85, vacuum_truncate = false);
CREATE UNIQUE INDEX ON {challenges} (phone, purpose, live_client) WHERE live_client IS NOT NULL;
CREATE UNIQUE INDEX ON {challenges} (phone, live_provider) WHERE live_provider IS NOT NULL;

-- Messages to a phone, or caused by an account, that one tier paid.
CREATE TABLE {send_counters} (
  party bytea NOT NULL,                   -- keyed hash of the phone, the account, or (an owner's cooldown) account and purpose
  tier text COLLATE "C" NOT NULL,
  next_send_at timestamptz NOT NULL,      -- end of the cooldown; -infinity: none
  hour_sends integer NOT NULL,
  hour_ends_at timestamptz NOT NULL,
  day_sends integer NOT NULL,
  day_ends_at timestamptz NOT NULL,
  PRIMARY KEY (party, tier)
) WITH (fillfactor = 80, vacuum_truncate = false);

-- Messages of this hour that nobody has verified yet, by owner, address or prefix; and those that somebody has.
CREATE TABLE {unverified_sends} (
  key bytea NOT NULL,                     -- a keyed hash whose first byte is the kind: 1 owner, 2 address, 3 prefix. Rows are locked in this order
  unverified integer NOT NULL,
  verified integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (key)
) WITH (fillfactor = 90, vacuum_truncate = false);

-- Messages and money of the whole service (scope '') and of a region, split over shards, or every start would queue for one row.
CREATE TABLE {budgets} (
  scope text COLLATE "C" NOT NULL,
  shard smallint NOT NULL,
  minute_sends integer NOT NULL,
  minute_ends_at timestamptz NOT NULL,
  day_sends integer NOT NULL,
  day_spend bigint NOT NULL,              -- millionths of the currency
  currency text NOT NULL,                 -- empty: no budget in money
  day_ends_at timestamptz NOT NULL,
  PRIMARY KEY (scope, shard)
) WITH (fillfactor = 50, vacuum_truncate = false);

-- Subjects with wrong codes since their last success. No row: none.
CREATE TABLE {lockouts} (
  subject_hash bytea NOT NULL,            -- keyed hash of the account, or of the phone where there is none
  tier text COLLATE "C" NOT NULL,         -- of the challenge; recovery: of recovery codes
  failures integer NOT NULL,              -- in the hour that ends at failures_end_at
  failures_end_at timestamptz NOT NULL,
  failures_in_a_row integer NOT NULL,
  lockout_count smallint NOT NULL,        -- each lasts longer than the one before
  locked_until timestamptz NOT NULL,      -- -infinity: not yet; infinity: until an operator unlocks it
  PRIMARY KEY (subject_hash, tier)
) WITH (fillfactor = 60, vacuum_truncate = false);

-- Devices that proved a number before.
CREATE TABLE {known_devices} (
  client bytea NOT NULL,                  -- keyed hash of the phone and the device's key
  known_until timestamptz NOT NULL,
  PRIMARY KEY (client)
) WITH (vacuum_truncate = false);

-- What is not to be sent. Empty region or provider: any.
CREATE TABLE {sending_stops} (
  region text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  by_conversion boolean NOT NULL,         -- too few messages were verified: for strangers only. Otherwise an operator's word, for all
  enforced boolean NOT NULL,              -- false: only reported, nothing is stopped
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  reason text,
  PRIMARY KEY (region, provider, by_conversion)
);

-- Wrong codes over all subjects in ten minutes: one row.
CREATE TABLE {wrong_codes} (
  id smallint NOT NULL,
  count integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (id)
) WITH (fillfactor = 20, vacuum_truncate = false);

-- Work that one instance does for all of them, by turns.
CREATE TABLE {turns} (
  work text NOT NULL,
  taken_until timestamptz NOT NULL,
  PRIMARY KEY (work)
);

-- Single-use proofs. The id is that of the challenge, or one of the same form, so the index is written at its right end.
CREATE TABLE {grants} (
  id uuid NOT NULL,
  hash bytea NOT NULL,                    -- SHA-256 of the secret half
  purpose text NOT NULL,
  account text,
  phone text NOT NULL,                    -- after a recovery code: the number it stands in for, or empty
  phone_hash bytea,                       -- null after a recovery code
  source text NOT NULL,                   -- code or recovery
  session_binding bytea,
  action_digest bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  consumed_at timestamptz,
  PRIMARY KEY (id)
) WITH (fillfactor = 80, vacuum_truncate = false);
-- Who trusts a device asks whether a password was reset since the proof.
CREATE INDEX ON {grants} (consumed_at) WHERE purpose = 'password_reset' AND consumed_at IS NOT NULL;

-- Which number is whose, now and before. A binding that ends is dated, never removed.
CREATE TABLE {verified_numbers} (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  phone text NOT NULL,
  owner text NOT NULL,
  verified_at timestamptz NOT NULL,
  last_proved_at timestamptz NOT NULL,
  source text NOT NULL,                   -- the purpose of the code that proved it
  held_until timestamptz,                 -- until then it confirms neither a password reset nor a transaction
  released_at timestamptz,
  release_reason text,
  PRIMARY KEY (id)
);
-- One owner at a time: the guarantee behind "this number is already activated".
CREATE UNIQUE INDEX ON {verified_numbers} (phone) WHERE released_at IS NULL;
CREATE INDEX ON {verified_numbers} (owner);
CREATE INDEX ON {verified_numbers} (phone, released_at);

-- One message handed to a provider, and what came of it.
CREATE TABLE {sends} (
  challenge_id uuid NOT NULL,
  send_number smallint NOT NULL,          -- 1: the first message of the challenge
  provider text NOT NULL,
  provider_ref text,
  outcome text NOT NULL,
  segments smallint,
  cost text,
  latency_ms integer,                     -- null: no answer was recorded
  at timestamptz NOT NULL,
  PRIMARY KEY (challenge_id, send_number, provider)
);

-- Recovery codes of an account's newest set.
CREATE TABLE {recovery_codes} (
  account text NOT NULL,
  place smallint NOT NULL,
  hash bytea NOT NULL,                    -- SHA-256 over account and code
  issued_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (account, place)
);

-- Devices that an account trusts. No row: trusted no more.
CREATE TABLE {trusted_devices} (
  id uuid NOT NULL,
  account text NOT NULL,
  label text,
  series_hash bytea NOT NULL,             -- of the half of the token that stays
  secret_hash bytea NOT NULL,             -- of the half that is another after each use
  previous_hash bytea,
  trusted_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX ON {trusted_devices} (series_hash);
CREATE INDEX ON {trusted_devices} (account);
CREATE INDEX ON {trusted_devices} (expires_at);

-- Facts that nobody can change: see audit-guard.sql. One index for each thing that an operator asks after, in the order of the answer.
CREATE TABLE {audit} (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event text NOT NULL,
  outcome text,
  purpose text,
  account text,
  phone_hash bytea,
  challenge_id uuid,
  tier text,
  provider text,
  PRIMARY KEY (id)
);
CREATE INDEX ON {audit} (phone_hash, id) WHERE phone_hash IS NOT NULL;
CREATE INDEX ON {audit} (account, id) WHERE account IS NOT NULL;
CREATE INDEX ON {audit} (challenge_id, id) WHERE challenge_id IS NOT NULL;
