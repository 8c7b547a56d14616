import type { Fixture } from './otp-fixture.js';
import { until } from './until.js';

/** Locks rows in a separate transaction. @returns a function that releases them */
export async function holding({ dataSource, schema }: Fixture, rows: string): Promise<() => Promise<void>> {
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query(`SELECT FROM ${schema}.${rows} FOR UPDATE`);
  return async () => {
    await runner.rollbackTransaction();
    await runner.release();
  };
}

export async function isHeld({ dataSource, schema }: Fixture, rows: string): Promise<boolean> {
  return (await dataSource.query(`SELECT FROM ${schema}.${rows} FOR UPDATE SKIP LOCKED`)).length === 0;
}

/** Waits until the given number of statements on the schema wait for a lock. */
export function waiting({ dataSource, schema }: Fixture, count: number): Promise<void> {
  const locked = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`;
  return until(`${count} wait for a lock`, async () => (await dataSource.query(locked, [schema])).length >= count);
}
