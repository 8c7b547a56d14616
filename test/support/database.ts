import { randomBytes } from 'node:crypto';

import { OTP_ENTITIES, OTP_MIGRATIONS } from 'nestjs-phone-otp';
import { DataSource, type DataSourceOptions } from 'typeorm';

export { elapse, forget } from '../../src/testing/tables.js';

/** The options of a data source on an empty schema of its own, which `openDatabase` makes. */
export function databaseOptions(schema: string, poolSize = 10, url = process.env.DATABASE_URL!) {
  return {
    type: 'postgres',
    url,
    schema,
    poolSize,
    entities: OTP_ENTITIES,
    migrations: OTP_MIGRATIONS,
    migrationsRun: true,
    extra: { options: '-c statement_timeout=5s' },
  } satisfies DataSourceOptions;
}

/** Makes an empty schema with a unique name. */
export async function newSchema(): Promise<string> {
  const schema = `t_${randomBytes(6).toString('hex')}`;
  const admin = await new DataSource({ type: 'postgres', url: process.env.DATABASE_URL! }).initialize();
  await admin.query(`CREATE SCHEMA ${schema}`);
  await admin.destroy();
  return schema;
}

/** The database of the run, for a program without a schema option: its tables go into this schema. */
export function urlInSchema(schema: string): string {
  const url = new URL(process.env.DATABASE_URL!);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

/**
 * Lets the functions of a schema wait six seconds for a lock, for tests in which calls race: they show who wins. How long a lock is
 * waited for is tested in faults/database.spec.ts, and must not depend on how busy this machine is.
 */
export async function waitLonger(database: DataSource, schema: string): Promise<void> {
  const functions: { signature: string }[] = await database.query(
    `SELECT oid::regprocedure::text AS signature FROM pg_proc
      WHERE pronamespace = to_regnamespace($1) AND 'lock_timeout=2s' = ANY (proconfig)`,
    [schema],
  );
  for (const { signature } of functions) await database.query(`ALTER FUNCTION ${signature} SET lock_timeout TO '6s'`);
}
