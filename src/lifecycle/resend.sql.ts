import { audited, lazily } from '../audit/audit.sql.js';
import type { Checker } from '../challenge/challenge.entity.js';
import type { ShownAction } from '../messages/message-renderer.js';
import {
  limitedBy,
  reserveAnswer,
  reserveLimits,
  unverifiedKeys,
  type LimitAnswer,
  type LimitParameters,
  type Shape,
} from './reserve-limits.sql.js';
import { isSprayed, type SprayParameters } from './spray.sql.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface ResendParameters extends LimitParameters {
  id: string;
  handleHash: Buffer;
  /** Of the new code, where this module checks it. */
  codeMac: Buffer | null;
  keyId: string;
  provider: string;
  checker: Checker;
  vendorSlot: string | null;
  maxTries: number;
  maxSends: number;
  ttlSeconds: number;
}

export interface ResendRow extends LimitAnswer {
  expires_at: Date | null;
  sends: number | null;
  decoy: boolean | null;
  /** False when the challenge can have no further message: over, unknown, or all messages used. */
  alive: boolean;
}

/**
 * A new code for the same challenge. The old one dies here, whether or not the new one arrives; the tries stay spent.
 * A decoy goes the same way and stays one. A dead challenge takes no slot.
 */
export const resendSql = (t: Tables, shape: Shape) => {
  const alive = `EXISTS (
    SELECT FROM ${t.challenges} c, now
    WHERE c.id = :id AND c.handle_hash = :handleHash AND c.ended_at IS NULL AND c.expires_at > now.t
      AND c.sends < :maxSends AND c.tries < c.max_tries)`;
  return statement<ResendParameters, ResendRow>(`${reserveLimits(t, shape, alive)},
made AS (
  UPDATE ${t.challenges} c SET
    checker = CASE WHEN c.checker = 'nobody' THEN 'nobody' ELSE :checker::text END,
    code_mac = CASE WHEN c.checker <> 'nobody' AND :checker = 'module' THEN :codeMac::bytea END, key_id = :keyId,
    vendor_slot = CASE WHEN c.checker <> 'nobody' THEN :vendorSlot::text END,
    max_tries = least(c.max_tries, :maxTries::smallint),
    status = CASE WHEN c.checker = 'nobody' THEN 'decoy' ELSE 'sending' END,
    sends = c.sends + 1, provider = :provider, provider_ref = NULL, last_send_at = taken.t,
    expires_at = taken.t + make_interval(secs => :ttlSeconds::int),
    unverified_keys = c.unverified_keys || ${unverifiedKeys}
  FROM taken
  WHERE taken.everything AND c.id = :id AND c.handle_hash = :handleHash AND c.ended_at IS NULL AND c.sends < :maxSends
    AND c.tries < c.max_tries
  RETURNING true AS made, c.expires_at, c.sends, c.checker = 'nobody' AS decoy
)${audited(
    t,
    `
  SELECT 'resent', CASE WHEN m.decoy THEN 'decoy' END, c.purpose, c.subject, c.phone_hash, c.id, who.class, :provider
  FROM made m, who, ${t.challenges} c WHERE c.id = :id
  UNION ALL
  SELECT why.event, ${lazily('why.outcome')}, c.purpose, c.subject, c.phone_hash, c.id, who.class, NULL
  FROM who, ${t.challenges} c, ${limitedBy(shape)} l, LATERAL (
    SELECT CASE WHEN x.alive THEN 'limited' ELSE 'refused' END, CASE WHEN x.alive THEN l.reason ELSE 'no_resend' END
    FROM (SELECT ${alive} AS alive) x
  ) why (event, outcome)
  WHERE c.id = :id AND why.outcome IS NOT NULL AND NOT EXISTS (SELECT FROM made)`,
  )}${reserveAnswer(`m.expires_at, m.sends, m.decoy, ${alive} AS alive`)}`);
};

export interface FindParameters extends SprayParameters {
  id: string;
  handleHash: Buffer;
  /** Whether it is for a resend, which ends here when there is nothing to send again. */
  resends: boolean;
}

/** What a resend needs to know of a challenge before it can name the limits to reserve. */
export interface FindRow {
  phone: string;
  region: string;
  purpose: string;
  subject: string;
  locale: string;
  signed_in: boolean;
  client: Buffer | null;
  tries: number;
  /** Somebody may be guessing over many accounts just now. */
  sprayed: boolean;
  /** Who brought the message before. */
  provider: string;
  action_shown: ShownAction | null;
}

export const findSql = (t: Tables) =>
  statement<FindParameters, FindRow>(`
WITH found AS MATERIALIZED (
SELECT phone, region, purpose, subject, locale, session_binding IS NOT NULL OR subject <> phone AS signed_in, client, tries, provider, action_shown,
  ${isSprayed(t)} AS sprayed
FROM ${t.challenges}
WHERE id = :id AND handle_hash = :handleHash AND ended_at IS NULL AND expires_at > clock_timestamp()
)${audited(
    t,
    `
  SELECT 'refused', ${lazily(`'no_resend'`)}, c.purpose, c.subject, c.phone_hash, asked.id, c.class, NULL
  FROM (SELECT :id::uuid AS id WHERE :resends::boolean AND NOT EXISTS (SELECT FROM found)) asked
    LEFT JOIN ${t.challenges} c ON c.id = asked.id AND c.handle_hash = :handleHash`,
  )}
SELECT * FROM found`);
