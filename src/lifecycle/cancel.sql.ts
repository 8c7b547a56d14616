import { audited } from '../audit/audit.sql.js';
import type { Checker } from '../challenge/challenge.entity.js';
import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface CancelParameters {
  id: string;
  handleHash: Buffer;
}

/** What the vendor must be told, where the code is the vendor's. */
export interface CancelRow {
  checker: Checker;
  phone: string;
  region: string;
  sends: number;
  provider: string;
  provider_ref: string | null;
}

/** Ends a challenge that its holder gives up. No row when there was nothing alive to end. */
export const cancelSql = (t: Tables) =>
  statement<CancelParameters, CancelRow>(`
WITH cancelled AS (
  UPDATE ${t.challenges} SET status = 'cancelled', ended_at = clock_timestamp()
  WHERE id = :id AND handle_hash = :handleHash AND ended_at IS NULL
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
  RETURNING *
)${audited(
    t,
    `
  SELECT 'cancelled', NULL, purpose, subject, phone_hash, id, class, provider FROM cancelled`,
  )}
SELECT checker, phone, region, sends, provider, provider_ref FROM cancelled`);
