import { DefaultNamingStrategy } from 'typeorm';

import { allStatements, functionStatements } from './functions.js';
import type { Namespace } from './names.js';

/** The schema and prefix of the tables, as given on the command line. */
export interface NamespaceOptions {
  readonly schema?: string | undefined;
  readonly prefix?: string | undefined;
}

const namespaceOf = ({ schema = 'public', prefix }: NamespaceOptions): Namespace => ({
  schema,
  prefix,
  namingStrategy: new DefaultNamingStrategy(),
});

/** Returns everything that the migrations create, for a reader or another tool. */
export function sqlFor(named: NamespaceOptions): string {
  return `${allStatements(namespaceOf(named)).join('\n\n')}\n`;
}

/** Reinstalls the functions if some are missing or altered. All or none. */
export async function reinstallFunctions(url: string, named: NamespaceOptions): Promise<number> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const statements = functionStatements(namespaceOf(named));
    await client.query('BEGIN');
    await client.query(LOCK_INSTALL);
    for (const sql of statements) await client.query(sql);
    await client.query('COMMIT');
    return statements.length;
  } finally {
    await client.end();
  }
}

/** Two concurrent runs would write the same catalogue rows. The lock ends with the transaction. */
export const LOCK_INSTALL = `SELECT pg_advisory_xact_lock(hashtextextended('install nestjs-phone-otp', 0))`;
