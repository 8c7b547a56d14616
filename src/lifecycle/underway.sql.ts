import { audited } from '../audit/audit.sql.js';
import { RECORD_BYTES } from '../challenge/action.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface UnderwayParameters {
  phone: string;
  purpose: string;
  client: Buffer;
  sessionBinding: Buffer | null;
  actionDigest: Buffer | null;
  cooldownSeconds: number;
}

export interface UnderwayRow {
  id: string;
  handle_hash: Buffer;
  expires_at: Date;
  resend_at: Date;
}

/**
 * The challenge that a signed-in client already has for the same number, purpose, session and action, so that asking
 * again within the cooldown gives the same handle. Where the record has changed since, the challenge ends here: its code
 * speaks of what is no longer so ((EU) 2018/389 art. 5(1)(d)).
 */
export const underwaySql = (t: Tables) =>
  statement<UnderwayParameters, UnderwayRow>(`
WITH live AS MATERIALIZED (
  SELECT id, handle_hash, session_binding, action_digest, tries, max_tries, last_send_at, expires_at
  FROM ${t.challenges}
  WHERE phone = :phone AND purpose = :purpose AND client = :client AND ended_at IS NULL
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
  FOR UPDATE
), changed AS (
  UPDATE ${t.challenges} c SET status = 'superseded', ended_at = clock_timestamp()
  FROM live
  WHERE c.id = live.id AND live.action_digest <> :actionDigest::bytea
    AND substring(live.action_digest FOR ${RECORD_BYTES}) = substring(:actionDigest::bytea FOR ${RECORD_BYTES})
  RETURNING c.*
)${audited(
    t,
    `
  SELECT 'superseded', 'record_changed', purpose, subject, phone_hash, id, class, provider FROM changed`,
  )}
SELECT id, handle_hash, expires_at, last_send_at + make_interval(secs => :cooldownSeconds::int) AS resend_at
FROM live
WHERE session_binding IS NOT DISTINCT FROM :sessionBinding::bytea AND action_digest IS NOT DISTINCT FROM :actionDigest::bytea
  AND tries < max_tries AND expires_at > clock_timestamp()`);
