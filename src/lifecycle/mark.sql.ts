import { audited } from '../audit/audit.sql.js';
import type { Checker } from '../challenge/challenge.entity.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface MarkParameters {
  id: string;
  sendNumber: number;
  status: 'sent' | 'failed' | 'unknown';
  provider: string;
  providerRef: string | null;
  outcome: string;
  segments: number | null;
  cost: string | null;
  latencyMs: number;
  /** Wait for the disk: set where the vendor's reference is needed to check the code. */
  durable: boolean;
}

/**
 * What came of a message: dates the challenge and writes the log, one round trip.
 *
 * The mark fits only the send it speaks of, and only a challenge still `sending`: a late answer changes neither a used
 * challenge nor the next send. Losing it in a crash costs nothing but the knowledge (the row then counts as `unknown`),
 * so unless it is `durable` this commit does not wait for the disk. The setting ends with the transaction.
 */
export const markSql = (t: Tables) =>
  statement<MarkParameters, { marked: boolean }>(`
WITH marked AS (
  UPDATE ${t.challenges} SET status = :status, provider_ref = :providerRef
  WHERE id = :id AND status = 'sending' AND sends = :sendNumber AND ended_at IS NULL
  RETURNING 1
), logged AS (${logSend(t)}
)${auditSend(t)}
SELECT EXISTS (SELECT FROM marked) AS marked,
  set_config('synchronous_commit', CASE WHEN :durable::boolean THEN current_setting('synchronous_commit') ELSE 'off' END, true)
FROM logged`);

export interface FailParameters extends MarkParameters {
  cooldownKey: Buffer;
  /** The vendor's own wait; 0 gives the cooldown back at once. */
  cooldownSeconds: number;
  /** Whether the challenge ends. One of an anonymous caller does not: its death would tell a real account from a decoy. */
  ends: boolean;
}

/**
 * Surely nothing was sent, so the cooldown changes: it is given back, or becomes the vendor's.
 * It is locked first, as in every statement that takes it and the challenge.
 */
export const failSql = (t: Tables) =>
  statement<FailParameters, { marked: boolean }>(`
WITH cooldown AS MATERIALIZED (
  SELECT key FROM ${t.limits} WHERE key = :cooldownKey AND set_config('lock_timeout', '2s', true) IS NOT NULL FOR UPDATE
), marked AS (
  UPDATE ${t.challenges} c SET status = :status, ended_at = CASE WHEN :ends::boolean THEN clock_timestamp() END
  WHERE c.id = :id AND c.status = 'sending' AND c.sends = :sendNumber AND c.ended_at IS NULL
    AND (SELECT count(*) FROM cooldown) >= 0
  RETURNING 1
), changed AS (
  UPDATE ${t.limits} l SET
    used = CASE WHEN :cooldownSeconds::int > 0 THEN 1 ELSE 0 END,
    ends_at = clock_timestamp() + make_interval(secs => :cooldownSeconds::int)
  FROM marked WHERE l.key = :cooldownKey
), logged AS (${logSend(t)}
)${auditSend(t)}
SELECT EXISTS (SELECT FROM marked) AS marked FROM logged`);

/** The provider that takes over. */
export interface HandOverParameters extends MarkParameters {
  nextProvider: string;
  nextChecker: Checker;
  nextVendorSlot: string | null;
  nextCodeMac: Buffer;
  nextKeyId: string;
  nextMaxTries: number;
  nextTtlSeconds: number;
}

/**
 * Surely nothing was sent, and another provider takes over: the log gets the failure, the challenge the new carrier, with its
 * own figures where they are stricter. Handle, tries, slots and send number stay: nobody was sent anything.
 */
export const handOverSql = (t: Tables) =>
  statement<HandOverParameters, { marked: boolean }>(`
WITH marked AS (
  UPDATE ${t.challenges} c SET
    provider = :nextProvider, checker = :nextChecker, vendor_slot = :nextVendorSlot, key_id = :nextKeyId,
    code_mac = CASE WHEN :nextChecker = 'module' THEN :nextCodeMac::bytea END,
    max_tries = least(c.max_tries, :nextMaxTries::smallint),
    expires_at = least(c.expires_at, c.last_send_at + make_interval(secs => :nextTtlSeconds::int))
  WHERE c.id = :id AND c.status = 'sending' AND c.sends = :sendNumber AND c.ended_at IS NULL AND c.checker <> 'nobody'
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
  RETURNING 1
), logged AS (${logSend(t)}
)${auditSend(t)}
SELECT EXISTS (SELECT FROM marked) AS marked FROM logged`);

const logSend = (t: Tables) => `
  INSERT INTO ${t.sends} (challenge_id, send_number, provider, provider_ref, outcome, segments, cost, latency_ms, at)
  VALUES (:id::uuid, :sendNumber::smallint, :provider, :providerRef, :outcome, :segments::smallint, :cost, :latencyMs::int, clock_timestamp())
  RETURNING 1`;

/** Also for an answer that comes too late to mark anything: the message may be out. */
const auditSend = (t: Tables) =>
  audited(
    t,
    `
  SELECT :status, :outcome, c.purpose, c.subject, c.phone_hash, :id::uuid, c.class, :provider
  FROM logged LEFT JOIN ${t.challenges} c ON c.id = :id`,
  );
