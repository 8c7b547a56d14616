import type { QueryRunner } from 'typeorm';

const TABLES = {
  challenges: 'otp_challenges',
  limits: 'otp_limits',
  grants: 'otp_grants',
  verifiedNumbers: 'otp_verified_numbers',
  sends: 'otp_sends',
} as const;

type Table = keyof typeof TABLES;

/**
 * Names as TypeORM would give them on this connection, quoted. A migration runs without the entities' metadata, so they
 * come from the connection's own options; index names from its naming strategy, so that `migration:generate` finds no
 * difference and two prefixes fit into one schema.
 */
export function namesIn({ connection }: QueryRunner) {
  const { schema, entityPrefix = '' } = connection.options as { schema?: string; entityPrefix?: string };
  const { driver, namingStrategy } = connection;
  const quote = (name: string) => driver.escape(name);
  const plain = (table: Table) => `${entityPrefix}${TABLES[table]}`;
  const path = (table: Table) => [schema, plain(table)].filter((part) => part !== undefined);

  return {
    tables: Object.fromEntries(
      (Object.keys(TABLES) as Table[]).map((table) => [table, path(table).map(quote).join('.')]),
    ) as Record<Table, string>,
    /** An index that was made with one of the tables lies in their schema. */
    inSchema: (name: string) => (schema === undefined ? name : `${quote(schema)}.${name}`),
    primaryKey: (table: Table, columns: string[]) => quote(namingStrategy.primaryKeyName(plain(table), columns)),
    index: (table: Table, columns: string[], where?: string) =>
      quote(namingStrategy.indexName(plain(table), columns, where)),
  };
}
