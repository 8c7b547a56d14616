import { statement } from './statement.js';
import type { Tables } from './tables.js';

export interface CancelParameters {
  id: string;
  handleHash: Buffer;
}

/** Ends a challenge that its holder gives up. No row when there was nothing alive to end. */
export const cancelSql = (t: Tables) =>
  statement<CancelParameters, { cancelled: true }>(`
UPDATE ${t.challenges} SET status = 'cancelled', ended_at = clock_timestamp()
WHERE id = :id AND handle_hash = :handleHash AND ended_at IS NULL
  AND set_config('lock_timeout', '2s', true) IS NOT NULL
RETURNING true AS cancelled`);
