import { randomBytes } from 'node:crypto';

import { OTP_ENTITIES, OTP_MIGRATIONS } from 'nestjs-phone-otp';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** The options of a data source over an empty schema of its own, which `openDatabase` makes. */
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

/** Makes an empty schema with a name that no other test has. */
export async function newSchema(): Promise<string> {
  const schema = `t_${randomBytes(6).toString('hex')}`;
  const admin = await new DataSource({ type: 'postgres', url: process.env.DATABASE_URL! }).initialize();
  await admin.query(`CREATE SCHEMA ${schema}`);
  await admin.destroy();
  return schema;
}

/** The database of the run, for a program that knows no schema: whatever it makes is in this one. */
export function urlInSchema(schema: string): string {
  const url = new URL(process.env.DATABASE_URL!);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

/**
 * Lets time pass in the tables of the module: everything in them becomes so much older. The database's clock itself is
 * never touched.
 */
export async function elapse(dataSource: DataSource, seconds: number): Promise<void> {
  const columns: Record<string, string[]> = {
    otp_challenges: ['created_at', 'last_send_at', 'expires_at', 'ended_at'],
    otp_limits: ['at', 'ends_at'],
    otp_grants: ['created_at', 'expires_at', 'consumed_at'],
    otp_sends: ['at'],
    otp_verified_numbers: ['verified_at', 'last_proved_at', 'held_until', 'released_at'],
  };
  const schema = (dataSource.options as { schema: string }).schema;
  for (const [table, names] of Object.entries(columns)) {
    const sets = names.map((name) => `${name} = ${name} - make_interval(secs => ${seconds})`);
    await dataSource.query(`UPDATE ${schema}.${table} SET ${sets.join(', ')}`);
  }
}
