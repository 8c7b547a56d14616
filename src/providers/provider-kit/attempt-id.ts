import { createHash } from 'node:crypto';

/**
 * Our name for an attempt, fit for a vendor that does not say what it takes: at most 36 of `A-Z a-z 0-9 -`. Of our own
 * ids only the hyphens of the UUID go.
 */
export function plainAttemptId(attemptId: string): string {
  const [, uuid, sendNumber] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,3})$/.exec(attemptId) ?? [];
  if (uuid) return `${uuid.replaceAll('-', '')}-${sendNumber}`;
  return createHash('sha256').update(attemptId).digest('hex').slice(0, 32);
}
