import type { DataSource, EntityMetadata } from 'typeorm';
import { EntityMetadataNotFoundError } from 'typeorm';

import { VerifiedNumber } from '../numbers/verified-number.entity.js';
import { OtpConfigError } from '../errors/otp.error.js';
import { LOCK_INSTALL } from '../database/commands.js';
import { type Database, statement } from '../database/database.js';
import { OTP_ENTITIES } from '../entities.js';
import {
  bodyHashes,
  type FunctionsVersion,
  FUNCTIONS_VERSION,
  functionStatements,
  typeStatements,
} from '../database/functions.js';
import { configuredNamespace } from '../database/migrations/namespace.js';
import { type Namespace, quote } from '../database/names.js';

/** The state of the database, as far as this package needs it. */
interface Found {
  schema: string | null;
  schema_exists: boolean;
  missing_tables: string[];
  missing_columns: string[];
  indexes: { table: string; columns: string[]; unique: boolean; partial: boolean }[];
  missing_rights: string[];
  /** By name in the catalogue: the hash of the body, and whether the role may call it. */
  functions: Record<string, { hash: string; callable: boolean }>;
  version: string | null;
  read_only: boolean;
  isolation: string;
  statement_timeout: string;
}

const INSPECT = statement(`
WITH want AS MATERIALIZED (SELECT ($1::text)::jsonb AS w),
  own AS MATERIALIZED (SELECT coalesce(w ->> 'schema', current_schema()) AS schema FROM want),
  tables AS MATERIALIZED (SELECT t ->> 'path' AS path, to_regclass(t ->> 'path') AS id, t FROM want, jsonb_array_elements(w -> 'tables') t),
  functions AS MATERIALIZED (
    SELECT p.oid, p.proname, p.prosrc FROM pg_proc p, own, want
    WHERE p.pronamespace = to_regnamespace(quote_ident(own.schema)) AND p.proname IN (SELECT jsonb_array_elements_text(w -> 'functions')))
SELECT jsonb_build_object(
  'schema', (SELECT schema FROM own),
  'schema_exists', (SELECT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = own.schema) FROM own),
  'missing_tables', (SELECT coalesce(jsonb_agg(path ORDER BY path), '[]') FROM tables WHERE id IS NULL),
  'missing_columns', (SELECT coalesce(jsonb_agg(path || '.' || c), '[]') FROM tables, jsonb_array_elements_text(t -> 'columns') c
    WHERE id IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = id AND a.attname = c AND NOT a.attisdropped)),
  'indexes', (SELECT coalesce(jsonb_agg(jsonb_build_object('table', path, 'unique', i.indisunique, 'partial', i.indpred IS NOT NULL, 'columns',
      (SELECT jsonb_agg(a.attname ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
        JOIN pg_attribute a ON a.attrelid = id AND a.attnum = k.number))), '[]')
    FROM tables JOIN pg_index i ON i.indrelid = id WHERE i.indisvalid),
  'missing_rights', (SELECT coalesce(jsonb_agg(r || ' on ' || path), '[]') FROM tables, jsonb_array_elements_text(t -> 'rights') r
    WHERE id IS NOT NULL AND NOT CASE r WHEN 'DELETE' THEN has_table_privilege(id, r) ELSE has_any_column_privilege(id, r) END),
  'functions', (SELECT coalesce(jsonb_object_agg(proname, jsonb_build_object('hash', md5(prosrc), 'callable', has_function_privilege(oid, 'EXECUTE'))), '{}') FROM functions),
  'version', (SELECT substring(prosrc FROM '{.*}') FROM functions, want WHERE proname = w ->> 'version'),
  'read_only', current_setting('transaction_read_only') = 'on',
  'isolation', current_setting('default_transaction_isolation'),
  'statement_timeout', current_setting('statement_timeout'))::text AS answer`);

/**
 * Checks that the database has everything that this version of the package needs.
 * @returns warnings
 * @throws {@link OtpConfigError} that says what to do · `OtpError` `service_unavailable` if the database does not respond
 */
export async function checkDatabase(
  database: Database,
  dataSource: DataSource,
  mayInstall: boolean,
): Promise<string[]> {
  const configured = configuredNamespace(dataSource);
  const found = await inspect(database, dataSource, configured);
  const namespace = { ...configured, schema: found.schema ?? undefined };
  database.defaultLevelIs(found.isolation);
  if (!found.schema_exists) {
    throw new OtpConfigError(
      `The schema "${found.schema}" of the data source does not exist: create it, then run the migrations.`,
    );
  }
  if (found.read_only) {
    throw new OtpConfigError(
      'The database is read-only: it is a hot standby, or its role or database has "default_transaction_read_only". Connect to the primary.',
    );
  }
  checkTables(found, dataSource);
  if (mayInstall && lacksFunctions(found, namespace)) {
    await install(dataSource, namespace);
    return [
      'installed the database functions of this package, because "synchronize" creates tables only',
      ...(await checkDatabase(database, dataSource, false)),
    ];
  }
  return [...checkFunctions(found, namespace), ...missingIndexes(found, dataSource), ...settingWarnings(found)];
}

function checkTables(
  { missing_tables, missing_columns, missing_rights, indexes }: Found,
  dataSource: DataSource,
): void {
  if (missing_tables.length > 0) {
    throw new OtpConfigError(
      `These tables are missing: ${missing_tables.join(', ')}. Add "...OTP_MIGRATIONS" to the "migrations" of the data source ` +
        'and run them (or set "migrationsRun: true").',
    );
  }
  if (missing_columns.length > 0) {
    throw new OtpConfigError(
      `These columns are missing: ${missing_columns.join(', ')}. The tables are from an older version: ` +
        'run the new migrations of "OTP_MIGRATIONS" (or set "migrationsRun: true").',
    );
  }
  const [missing] = neededIndexes(dataSource).filter((index) => index.unique && !has(indexes, index));
  if (missing) {
    throw new OtpConfigError(
      `The unique index on ${missing.table} (${missing.columns.join(', ')}) is missing or invalid, so uniqueness is not guaranteed: ` +
        'create it again as in the migration ("npx nestjs-phone-otp sql" prints it).',
    );
  }
  if (missing_rights.length > 0) {
    throw new OtpConfigError(
      `The role of the data source lacks ${missing_rights.join(', ')}: grant the rights that "Least rights" in SECURITY.md lists.`,
    );
  }
}

/** The command that reinstalls the functions. */
function reinstallCommand({ schema, prefix }: Namespace): string {
  const options = `${schema === undefined ? '' : ` --schema ${schema}`}${prefix ? ` --prefix ${prefix}` : ''}`;
  return `run "npx nestjs-phone-otp functions${options}" as their owner`;
}

/** @returns a warning for functions of a newer release */
function checkFunctions({ functions, version }: Found, namespace: Namespace): string[] {
  const installed = version === null ? undefined : (JSON.parse(version) as FunctionsVersion);
  if (installed && installed.release > FUNCTIONS_VERSION.release) {
    if (installed.serves_from <= FUNCTIONS_VERSION.release) {
      return ['the database functions are from a newer release than this application and are compatible with it'];
    }
    throw new OtpConfigError(
      'The database functions are from a newer release that no longer supports this version: upgrade the package.',
    );
  }
  if (installed && installed.release < FUNCTIONS_VERSION.release) {
    throw new OtpConfigError(
      'The database functions are from an older release: run the new migrations of "OTP_MIGRATIONS" (or set "migrationsRun: true").',
    );
  }
  const wrong = [...functionNames(namespace)].filter(([name, { hash }]) => functions[name]?.hash !== hash);
  if (wrong.length > 0) {
    const [missing, altered] = [true, false].map((isMissing) =>
      wrong.map(([name]) => name).filter((name) => (functions[name] === undefined) === isMissing),
    );
    const defects = [
      missing!.length > 0 && `missing: ${missing!.join(', ')}`,
      altered!.length > 0 && `altered: ${altered!.join(', ')}`,
    ].filter(Boolean);
    throw new OtpConfigError(
      `Some database functions are ${defects.join('; ')}. To install them again, ${reinstallCommand(namespace)}.`,
    );
  }
  const [forbidden] = Object.entries(functions).find(([, { callable }]) => !callable) ?? [];
  if (forbidden === undefined) return [];
  throw new OtpConfigError(
    `The role of the data source may not call ${forbidden}: grant EXECUTE on the functions of this package, as "Least rights" in SECURITY.md shows.`,
  );
}

/** Warnings for missing indexes that affect only speed. */
function missingIndexes({ indexes }: Found, dataSource: DataSource): string[] {
  return neededIndexes(dataSource)
    .filter((index) => !has(indexes, index))
    .map(
      ({ table, columns }) =>
        `the index on ${table} (${columns.join(', ')}) is missing: create it, or calls become slow as the table grows`,
    );
}

function settingWarnings({ isolation, statement_timeout }: Found): string[] {
  return [
    ...(isolation === 'read committed'
      ? []
      : [
          `the default isolation level is "${isolation}": codes are safe, but "read committed" is several times faster`,
        ]),
    ...(statement_timeout === '0'
      ? [
          'the database role has no "statement_timeout": set one, for example ALTER ROLE … SET statement_timeout = \'5s\'',
        ]
      : []),
  ];
}

function lacksFunctions({ functions, version }: Found, namespace: Namespace): boolean {
  const release = version === null ? 0 : (JSON.parse(version) as FunctionsVersion).release;
  if (release > FUNCTIONS_VERSION.release) return false;
  return [...functionNames(namespace)].some(([name, { hash }]) => functions[name]?.hash !== hash);
}

/** Installs the functions, and the types that "synchronize" does not create. Several instances may start at once. */
async function install(dataSource: DataSource, namespace: Namespace): Promise<void> {
  await dataSource.transaction(async (manager) => {
    await manager.query(LOCK_INSTALL);
    for (const { name, sql } of typeStatements(namespace)) {
      const [{ exists }] = (await manager.query('SELECT to_regtype($1) IS NOT NULL AS exists', [name])) as [
        { exists: boolean },
      ];
      if (!exists) await manager.query(sql);
    }
    for (const sql of functionStatements(namespace)) await manager.query(sql);
  });
}

async function inspect(database: Database, dataSource: DataSource, namespace: Namespace): Promise<Found> {
  const metadata = OTP_ENTITIES.map((entity) => metadataOf(dataSource, entity));
  const prefix = `${namespace.prefix ?? ''}otp_`;
  const want = {
    schema: namespace.schema,
    tables: metadata.map(({ tablePath, columns, target }) => ({
      path: quotedPath(tablePath),
      columns: columns.map(({ databaseName }) => databaseName),
      rights: ['SELECT', 'INSERT', 'UPDATE', ...(target === VerifiedNumber ? [] : ['DELETE'])],
    })),
    functions: [...bodyHashes(namespace).keys()].map((name) => prefix + name),
    version: `${prefix}version`,
  };
  return JSON.parse(await database.run(INSPECT, JSON.stringify(want))) as Found;
}

/** Names in the catalogue, with the hash of each body. */
function functionNames(namespace: Namespace): Map<string, { hash: string }> {
  return new Map([...bodyHashes(namespace)].map(([name, hash]) => [`${namespace.prefix ?? ''}otp_${name}`, { hash }]));
}

function neededIndexes(dataSource: DataSource) {
  return OTP_ENTITIES.flatMap((entity) => {
    const { tablePath, indices, primaryColumns } = metadataOf(dataSource, entity);
    const table = quotedPath(tablePath);
    const namesOf = (columns: { databaseName: string }[]) => columns.map(({ databaseName }) => databaseName);
    return [
      { table, columns: namesOf(primaryColumns), unique: true, partial: false },
      ...indices.map((index) => ({
        table,
        columns: namesOf(index.columns),
        unique: index.isUnique,
        partial: Boolean(index.where),
      })),
    ];
  });
}

function has(indexes: Found['indexes'], needed: Found['indexes'][number]): boolean {
  return indexes.some(
    ({ table, columns, unique, partial }) =>
      table === needed.table &&
      partial === needed.partial &&
      (unique || !needed.unique) &&
      columns.join() === needed.columns.join(),
  );
}

/** @throws {@link OtpConfigError} if the data source does not know the entities */
export function metadataOf(dataSource: DataSource, entity: (typeof OTP_ENTITIES)[number]): EntityMetadata {
  try {
    return dataSource.getMetadata(entity);
  } catch (error) {
    if (!(error instanceof EntityMetadataNotFoundError)) throw error;
    throw new OtpConfigError(
      'The data source does not include the entities of nestjs-phone-otp: ' +
        'set "autoLoadEntities: true", or add "...OTP_ENTITIES" to its "entities".',
    );
  }
}

const quotedPath = (tablePath: string): string => tablePath.split('.').map(quote).join('.');
