-- Types of the JSON between the library and the functions. A field that does not apply is absent, which reads as
-- null. Bytes are hex ("\x0102").

-- Limits of one kind. A limit that is absent does not exist.
CREATE TYPE {send_limit} AS (cooldown_seconds integer, per_hour integer, per_day integer);
CREATE TYPE {unverified_limit} AS (
  most integer,                           -- unverified messages in an hour
  minimum_conversion integer,             -- per cent of the messages that must be verified
  minimum_messages integer,               -- with fewer messages, conversion is not judged
  enforced boolean                        -- false: a conversion below the minimum is only reported
);
CREATE TYPE {budget_limit} AS (
  shards integer,
  per_minute bigint,
  per_day bigint,
  spend_per_day bigint,                   -- millionths
  currency text
);

-- The limits of one tier. To add a limit: one line here, and one in functions/take-message.sql.
CREATE TYPE {tier_limits} AS (
  phone {send_limit},
  account {send_limit},
  owner {unverified_limit},
  address {unverified_limit},
  prefix {unverified_limit},
  region {budget_limit},
  service {budget_limit}
);

-- The request of start and resend, besides the columns of the challenge.
CREATE TYPE {send_request} AS (
  signed_in boolean,
  must_be_established boolean,            -- only a number that its owner proved recently, and that is not on hold
  reconfirm_days integer,                 -- how long ago "recently" may be
  account_hash bytea,                     -- of the signed-in account
  cooldown_hash bytea,                    -- of that account and the purpose
  owner_key bytea,                        -- these three: keys of {unverified_sends}
  address_key bytea,
  prefix_key bytea,
  allowed boolean,                        -- exempt from stops by conversion
  one_per_phone text,                     -- the provider, if it finds codes by phone alone
  price bigint,                           -- of one message, in millionths
  shard integer,                          -- a random number; modulo `shards` it picks a shard
  ttl_seconds integer,
  max_sends integer,
  audit boolean
);

-- What one message has reserved so far, or what refuses it.
CREATE TYPE {reservation} AS (
  t timestamptz,
  tier text,
  price bigint,
  parties bytea[],                        -- reserved in {send_counters}
  unverified_keys bytea[],                -- reserved in {unverified_sends}
  scopes text[],                          -- reserved in {budgets}, with shards
  shards integer[],
  alarms jsonb,                           -- minimum conversions that this message is the first to miss
  refused_by text,
  until timestamptz
);

-- The request of verify and settle.
CREATE TYPE {verify_request} AS (
  id uuid,
  handle_hash bytea,
  purpose text,
  session_binding bytea,
  code_macs bytea[],                      -- one for each pepper that may have made it
  send_number integer,                    -- settle: the message whose code the provider confirmed
  grant_hash bytea,
  grant_seconds integer,
  known_device_days integer,
  failures_per_hour integer,
  failures_in_a_row integer,
  lockout_minutes integer,
  audit boolean
);

-- What a grant is presented for.
CREATE TYPE {grant_request} AS (
  id uuid,
  hash bytea,
  purposes text[],
  account text,                           -- null: earned by phone alone
  session_binding bytea,
  action_digest bytea,
  must_be_established boolean,            -- its number must not be on hold
  audit boolean
);

-- A judged grant: locked, and valid unless something refuses it.
CREATE TYPE {judged_grant} AS (
  g {grants},
  refused_by text,
  t timestamptz
);

-- What the binding of a number to its owner needs to know about the proof.
CREATE TYPE {binding_request} AS (
  phone text,
  owner text,
  source text,                            -- the purpose of the code that proved it
  proved_at timestamptz,
  policy text,                            -- if another account has it: refuse, transfer, transfer_unconfirmed
  reconfirm_days integer,
  hold_seconds integer,
  phone_hash bytea,
  challenge_id uuid,
  audit boolean
);
