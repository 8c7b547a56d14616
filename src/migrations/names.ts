import type { QueryRunner } from 'typeorm';

const TABLES = {
  challenges: 'otp_challenges',
  limits: 'otp_limits',
  grants: 'otp_grants',
  verifiedNumbers: 'otp_verified_numbers',
  sends: 'otp_sends',
} as const; // of the first migration, which makes and drops them all
const LATER = {
  audit: 'otp_audit',
  recoveryCodes: 'otp_recovery_codes',
  trustedDevices: 'otp_trusted_devices',
} as const;
const NAMES = { ...TABLES, ...LATER };

type Table = keyof typeof NAMES;

/**
 * Names as TypeORM would give them on this connection, quoted. A migration runs without the entities' metadata, so they
 * come from the connection's own options; index names from its naming strategy, so that `migration:generate` finds no
 * difference and two prefixes fit into one schema.
 */
export function namesIn({ connection }: QueryRunner) {
  const { schema, entityPrefix = '' } = connection.options as { schema?: string; entityPrefix?: string };
  const { driver, namingStrategy } = connection;
  const quote = (name: string) => driver.escape(name);
  const plain = (table: Table) => `${entityPrefix}${NAMES[table]}`;
  const inSchema = (name: string) => (schema === undefined ? name : `${quote(schema)}.${name}`);
  const pathsOf = <T extends Table>(tables: Record<T, string>) =>
    Object.fromEntries((Object.keys(tables) as T[]).map((table) => [table, inSchema(quote(plain(table)))])) as Record<
      T,
      string
    >;

  return {
    tables: pathsOf(TABLES),
    laterTables: pathsOf(LATER),
    /** An index, or a function, that was made with one of the tables lies in their schema. */
    inSchema,
    /** A name beside the table's own, such as that of its function. */
    nameOf: (table: Table, what: string) => quote(`${plain(table)}_${what}`),
    primaryKey: (table: Table, columns: string[]) => quote(namingStrategy.primaryKeyName(plain(table), columns)),
    index: (table: Table, columns: string[], where?: string) =>
      quote(namingStrategy.indexName(plain(table), columns, where)),
  };
}
