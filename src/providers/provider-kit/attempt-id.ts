import { createHash } from 'node:crypto';

/**
 * The id of an attempt for vendors that document no format: at most 36 characters of `A-Z a-z 0-9 -`. This module's own ids
 * lose only the hyphens of the UUID.
 */
export function plainAttemptId(attemptId: string): string {
  const [, uuid, sendNumber] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,3})$/.exec(attemptId) ?? [];
  if (uuid) return `${uuid.replaceAll('-', '')}-${sendNumber}`;
  return createHash('sha256').update(attemptId).digest('hex').slice(0, 32);
}
