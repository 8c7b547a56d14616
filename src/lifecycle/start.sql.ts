import { audited, lazily } from '../audit/audit.sql.js';
import type { Checker } from '../challenge/challenge.entity.js';
import {
  limitedBy,
  place,
  reserveAnswer,
  reserveLimits,
  unverifiedKeys,
  type LimitAnswer,
  type LimitParameters,
  type Shape,
} from './reserve-limits.sql.js';
import { statement, when } from './statement.js';
import type { Tables } from './tables.js';

export interface StartParameters extends LimitParameters {
  id: string;
  handleHash: Buffer;
  purpose: string;
  subject: string;
  region: string;
  sessionBinding: Buffer | null;
  actionDigest: Buffer | null;
  /** JSON. */
  actionShown: string | null;
  locale: string;
  provider: string;
  /** `nobody` makes a decoy: the same life, but no code fits. */
  checker: Checker;
  /** The provider's name, where it finds a code by phone alone. */
  vendorSlot: string | null;
  codeMac: Buffer | null;
  keyId: string;
  maxTries: number;
  ttlSeconds: number;
}

export interface StartRow extends LimitAnswer {
  expires_at: Date | null;
  decoy: boolean | null;
}

/** @see {@link Shape} */
export interface StartShape extends Shape {
  /** Whether the provider finds a code by phone alone. */
  onePerPhone: boolean;
}

/**
 * Reserves the limits and stores the challenge: one statement, one round trip, all or none.
 *
 * A known client's earlier challenge for the same phone and purpose ends here; a stranger's start ends nobody's. At a
 * vendor that finds a code by phone alone there can be one per phone, over all purposes: a new one ends the old one, but
 * while one of a known client lives, a stranger's start becomes a decoy instead.
 */
export const startSql = (t: Tables, shape: StartShape) => {
  const { onePerPhone } = shape;
  const named = shape.sender !== 'anonymous';
  return statement<StartParameters, StartRow>(`${reserveLimits(t, shape)}${when(
    named,
    `,
old AS (
  UPDATE ${t.challenges} c SET status = 'superseded', ended_at = taken.t
  FROM taken
  WHERE taken.everything AND c.phone = :phone AND c.purpose = :purpose AND c.client = :client AND c.ended_at IS NULL
  RETURNING c.*
)`,
  )}${when(
    onePerPhone,
    `,
outranked AS MATERIALIZED (
  SELECT who.class = 'stranger' AND EXISTS (
    SELECT FROM ${t.challenges} c
    WHERE c.phone = :phone AND c.vendor_slot = :vendorSlot AND c.ended_at IS NULL AND c.expires_at > now.t AND c.class <> 'stranger'
  ) AS yes
  FROM now, who
), ousted AS (
  UPDATE ${t.challenges} c SET status = 'superseded', ended_at = taken.t
  FROM taken, outranked
  WHERE taken.everything AND NOT outranked.yes AND c.phone = :phone AND c.vendor_slot = :vendorSlot AND c.ended_at IS NULL
  RETURNING c.*
)`,
  )},
made AS (
  INSERT INTO ${t.challenges} (
    id, handle_hash, purpose, subject, class, gate_key, phone, phone_hash, region, client, session_binding, action_digest,
    action_shown, unverified_keys, locale, provider, checker, vendor_slot, code_mac, key_id, status, max_tries, created_at, last_send_at, expires_at)
  SELECT
    :id::uuid, :handleHash::bytea, :purpose::text, :subject::text, who.class, (SELECT key FROM k WHERE place = ${place('gate')}),
    :phone, :phoneHash::bytea, :region::text, :client::bytea, :sessionBinding::bytea, :actionDigest::bytea,
    :actionShown::jsonb, ${unverifiedKeys},
    :locale::text, :provider::text, checked.by, CASE WHEN checked.by <> 'nobody' THEN :vendorSlot::text END,
    CASE WHEN checked.by = 'module' THEN :codeMac::bytea END, :keyId::text,
    CASE WHEN checked.by = 'nobody' THEN 'decoy' ELSE 'sending' END, :maxTries::smallint,
    taken.t, taken.t, taken.t + make_interval(secs => :ttlSeconds::int)
  FROM taken, who, (SELECT CASE
    WHEN EXISTS (SELECT FROM unsettled) THEN 'nobody'
    ${when(onePerPhone, `WHEN (SELECT yes FROM outranked) THEN 'nobody'`)}
    ELSE :checker::text END AS by) checked
  WHERE taken.everything
    -- so that it runs after they have freed the unique indexes
    ${when(named, 'AND (SELECT count(*) FROM old) >= 0')}
    ${when(onePerPhone, 'AND (SELECT count(*) FROM ousted) >= 0')}
  RETURNING true AS made, expires_at, checker = 'nobody' AS decoy
)${audited(
    t,
    `
  SELECT 'started', CASE WHEN m.decoy THEN 'decoy' END, :purpose::text, :subject::text, :phoneHash::bytea, :id::uuid, who.class, :provider::text
  FROM made m, who
  ${when(named, `UNION ALL SELECT 'superseded', NULL, purpose, subject, phone_hash, id, class, provider FROM old`)}
  ${when(onePerPhone, `UNION ALL SELECT 'superseded', NULL, purpose, subject, phone_hash, id, class, provider FROM ousted`)}
  UNION ALL
  SELECT 'limited', ${lazily('l.reason')}, :purpose::text, :subject::text, :phoneHash::bytea, NULL, who.class, NULL
  FROM who, ${limitedBy(shape)} l WHERE l.reason IS NOT NULL`,
  )}${reserveAnswer('m.expires_at, m.decoy')}`);
};
