-- The tables of this package. Names in braces are resolved when the migration runs: {challenges} is
-- "schema"."prefix_otp_challenges". Indexes and primary keys get the names of the data source's naming strategy.
--
-- All times are the database's own. An expired window counts nothing; the next count opens a new one. Keyed hashes
-- use the pepper, so no number or address can be read from a copy of the database. Rows that are rewritten often keep
-- room in their page (HOT). vacuum_truncate is off where a table can become empty: a plan made for an empty table
-- would scan a full one.

-- One issued code. It is alive while ended_at is null; status is informational. The columns live_… serve the unique
-- indexes and are set to null when the challenge ends. They are null in most rows from the start, so that ending a
-- challenge changes no indexed column.
CREATE TABLE {challenges} (
  id uuid NOT NULL,                       -- UUID version 7; the public half of the handle
  handle_hash bytea NOT NULL,             -- SHA-256 of the secret half
  purpose text NOT NULL,
  account text,                           -- the subject; if null, the phone is the subject
  phone text NOT NULL,                    -- E.164
  phone_hash bytea NOT NULL,
  subject_hash bytea NOT NULL,            -- with tier: the key of the lockout that counts its wrong codes
  tier text NOT NULL,                     -- the tier whose limits were charged: stranger, known, owner
  region text NOT NULL,
  locale text NOT NULL,
  client bytea,                           -- keyed hash of the device or account that started it
  live_client bytea,                      -- client, while the challenge is alive
  live_provider text,                     -- the provider, while alive, if it finds codes by phone alone; prefixed with ~ for a decoy
  session_binding bytea,
  action_digest bytea,
  action_shown jsonb,                     -- the parts of the action that the message names
  unverified_keys bytea[] NOT NULL,       -- its rows of {unverified_sends}, one for each message, in lock order
  provider text NOT NULL,
  provider_ref text,                      -- the provider's reference for the newest message
  checked_by text NOT NULL,               -- library, provider, or nobody (a decoy)
  code_mac bytea,
  key_id text NOT NULL,                   -- id of the pepper
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

-- Messages to a phone, or caused by an account, that one tier paid for.
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

-- This hour's unverified and verified messages, by owner, address or prefix.
CREATE TABLE {unverified_sends} (
  key bytea NOT NULL,                     -- a keyed hash whose first byte is the kind: 1 owner, 2 address, 3 prefix. Rows are locked in this order
  unverified integer NOT NULL,
  verified integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (key)
) WITH (fillfactor = 90, vacuum_truncate = false);

-- Messages and money of the whole service (scope '') and of a region, split over shards; otherwise every start would
-- queue for one row.
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
  subject_hash bytea NOT NULL,            -- keyed hash of the account, or of the phone if there is no account
  tier text COLLATE "C" NOT NULL,         -- of the challenge; "recovery" for recovery codes
  failures integer NOT NULL,              -- in the hour that ends at failures_end_at
  failures_end_at timestamptz NOT NULL,
  failures_in_a_row integer NOT NULL,
  lockout_count smallint NOT NULL,        -- each lockout lasts longer than the one before
  locked_until timestamptz NOT NULL,      -- -infinity: not locked yet; infinity: until an operator unlocks it
  PRIMARY KEY (subject_hash, tier)
) WITH (fillfactor = 60, vacuum_truncate = false);

-- Devices that have proved a number before.
CREATE TABLE {known_devices} (
  client bytea NOT NULL,                  -- keyed hash of the phone and the device's key
  known_until timestamptz NOT NULL,
  PRIMARY KEY (client)
) WITH (vacuum_truncate = false);

-- Regions and providers to which nothing is sent. Empty region or provider: any.
CREATE TABLE {sending_stops} (
  region text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  by_conversion boolean NOT NULL,         -- too few messages were verified: applies to strangers only. Otherwise an operator's order, for all
  enforced boolean NOT NULL,              -- false: only reported, nothing is stopped
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  reason text,
  PRIMARY KEY (region, provider, by_conversion)
);

-- Wrong codes over all subjects in 10 minutes: one row.
CREATE TABLE {wrong_codes} (
  id smallint NOT NULL,
  count integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (id)
) WITH (fillfactor = 20, vacuum_truncate = false);

-- Work that the instances do in turn, one for all of them.
CREATE TABLE {turns} (
  work text NOT NULL,
  taken_until timestamptz NOT NULL,
  PRIMARY KEY (work)
);

-- Single-use proofs. The id is that of the challenge, or one of the same form, so the index grows at its right end.
CREATE TABLE {grants} (
  id uuid NOT NULL,
  hash bytea NOT NULL,                    -- SHA-256 of the secret half
  purpose text NOT NULL,
  account text,
  phone text NOT NULL,                    -- for a recovery code: the number it stands in for, or empty
  phone_hash bytea,                       -- null for a recovery code
  source text NOT NULL,                   -- code or recovery
  session_binding bytea,
  action_digest bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  consumed_at timestamptz,
  PRIMARY KEY (id)
) WITH (fillfactor = 80, vacuum_truncate = false);
-- Trusting a device checks whether a password was reset since the proof.
CREATE INDEX ON {grants} (consumed_at) WHERE purpose = 'password_reset' AND consumed_at IS NOT NULL;

-- Current and former owners of numbers. A binding that ends gets a date and is never removed.
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

-- One message handed to a provider, and its result.
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

-- Devices that an account trusts. No row: no longer trusted.
CREATE TABLE {trusted_devices} (
  id uuid NOT NULL,
  account text NOT NULL,
  label text,
  series_hash bytea NOT NULL,             -- of the fixed half of the token
  secret_hash bytea NOT NULL,             -- of the half that changes with each use
  previous_hash bytea,
  trusted_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX ON {trusted_devices} (series_hash);
CREATE INDEX ON {trusted_devices} (account);
CREATE INDEX ON {trusted_devices} (expires_at);

-- Immutable facts: see audit-guard.sql. One index for each search key of operators, in the order of the answer.
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
