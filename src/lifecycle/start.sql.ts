import {
  place,
  reserveAnswer,
  reserveLimits,
  unverifiedKeys,
  type LimitAnswer,
  type LimitParameters,
} from './reserve-limits.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface StartParameters extends LimitParameters {
  id: string;
  handleHash: Buffer;
  purpose: string;
  subject: string;
  region: string;
  sessionBinding: Buffer | null;
  actionDigest: Buffer | null;
  locale: string;
  provider: string;
  /** Null makes a decoy: the same life, but no code fits. */
  codeMac: Buffer | null;
  keyId: string;
  maxTries: number;
  ttlSeconds: number;
}

export interface StartRow extends LimitAnswer {
  expires_at: Date | null;
}

/**
 * Reserves the limits and stores the challenge: one statement, one round trip, all or none.
 * A known client's earlier challenge for the same phone and purpose ends here; a stranger's start ends nobody's.
 */
export const startSql = (t: Tables) =>
  statement<StartParameters, StartRow>(`${reserveLimits(t)},
old AS (
  UPDATE ${t.challenges} c SET status = 'superseded', ended_at = taken.t
  FROM taken
  WHERE taken.everything AND c.phone = :phone AND c.purpose = :purpose AND c.client = :client AND c.ended_at IS NULL
  RETURNING 1
), made AS (
  INSERT INTO ${t.challenges} (
    id, handle_hash, purpose, subject, class, gate_key, phone, region, client, session_binding, action_digest,
    unverified_keys, locale, provider, code_mac, key_id, status, max_tries, created_at, expires_at)
  SELECT
    :id::uuid, :handleHash::bytea, :purpose::text, :subject::text, who.class, (SELECT key FROM k WHERE place = ${place('gate')}),
    :phone, :region::text, :client, :sessionBinding::bytea, :actionDigest::bytea,
    ${unverifiedKeys},
    :locale::text, :provider::text, :codeMac::bytea, :keyId::text,
    CASE WHEN :codeMac::bytea IS NULL THEN 'decoy' ELSE 'sending' END, :maxTries::smallint,
    taken.t, taken.t + make_interval(secs => :ttlSeconds::int)
  FROM taken, who
  WHERE taken.everything AND (SELECT count(*) FROM old) >= 0 -- so that it runs after "old" has freed the unique index
  RETURNING true AS made, expires_at
)${reserveAnswer('m.expires_at')}`);
