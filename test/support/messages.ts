import type { Fixture } from './otp-fixture.js';
import { until } from './until.js';

/** Waits until the result of every challenge's newest message is recorded. A decoy has none. */
export function marked({ dataSource, schema }: Pick<Fixture, 'dataSource' | 'schema'>): Promise<void> {
  const open = `SELECT FROM ${schema}.otp_challenges c WHERE c.checked_by <> 'nobody' AND NOT EXISTS (
    SELECT FROM ${schema}.otp_sends s WHERE s.challenge_id = c.id AND s.send_number = c.sends AND s.provider = c.provider)`;
  return until('the messages are recorded', async () => (await dataSource.query(open)).length === 0);
}

/** Returns the results of the messages from the audit, oldest first: sent, failed or unknown. */
export async function fates({ dataSource, schema }: Fixture): Promise<string[]> {
  const rows: { event: string }[] = await dataSource.query(
    `SELECT event FROM ${schema}.otp_audit WHERE event IN ('sent', 'failed', 'unknown') ORDER BY id`,
  );
  return rows.map(({ event }) => event);
}
