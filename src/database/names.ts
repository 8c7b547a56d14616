import { OtpConfigError } from '../errors/otp.error.js';

/** Where the tables, types and functions of this package are, and how their indexes are named. */
export interface Namespace {
  /** Absent: the schema that the connection's search path resolves to. */
  readonly schema?: string | undefined;
  /** Prefix of every name. */
  readonly prefix?: string | undefined;
  readonly namingStrategy: NamingStrategy;
}

/** The part of TypeORM's naming strategy that is used: `migration:generate` then finds no difference. */
interface NamingStrategy {
  primaryKeyName(table: string, columns: string[]): string;
  indexName(table: string, columns: string[], where?: string): string;
}

/** PostgreSQL truncates names at 63 bytes; the longest name here has 23. */
const MOST_PREFIX_BYTES = 40;

/** @throws {@link OtpConfigError} for a prefix that is too long */
export function checkPrefix(prefix = ''): string {
  if (Buffer.byteLength(prefix) <= MOST_PREFIX_BYTES) return prefix;
  throw new OtpConfigError(
    `"entityPrefix" of the data source must have at most ${MOST_PREFIX_BYTES} bytes: PostgreSQL would truncate names of this package. Shorten it.`,
  );
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Returns the quoted SQL name of a table, type or function. */
export function qualified({ schema, prefix }: Namespace, name: string): string {
  const own = quote(`${checkPrefix(prefix)}otp_${name}`);
  return schema === undefined ? own : `${quote(schema)}.${own}`;
}

/** Resolves the names in braces in a statement, and names its index or primary key. */
export function resolved(namespace: Namespace, sql: string): string {
  const { prefix = '', namingStrategy } = namespace;
  const table = /^CREATE TABLE \{(\w+)\}|^CREATE (?:UNIQUE )?INDEX ON \{(\w+)\}/m.exec(sql);
  const plain = table && `${prefix}otp_${table[1] ?? table[2]}`;
  const named = plain
    ? sql
        .replace(/^ {2}PRIMARY KEY \((.*)\)$/m, (key, columns: string) => {
          const name = namingStrategy.primaryKeyName(plain, columns.split(', '));
          return `  CONSTRAINT ${quote(name)} ${key.trim()}`;
        })
        .replace(
          /^(CREATE (?:UNIQUE )?INDEX) (ON \{\w+\} \((.*?)\)(?: WHERE (.*))?;)$/m,
          (_, create: string, rest: string, columns: string, where?: string) =>
            `${create} ${quote(namingStrategy.indexName(plain, columns.split(', '), where))} ${rest}`,
        )
    : sql;
  return named.replace(/\{([a-z_]+)\}/g, (_, name: string) => qualified(namespace, name));
}
