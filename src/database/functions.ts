import { createHash } from 'node:crypto';

import { type Namespace, qualified, resolved } from './names.js';
import { FUNCTIONS, type SqlStatement, TABLES, TYPES } from './sql.generated.js';

/** Incremented with each release that changes a function. */
const RELEASE = 1;
/** The oldest release of the library whose requests these functions understand and whose answers they return. */
const SERVES_FROM = 1;

/** What `otp_version()` returns about the functions in a database. */
export interface FunctionsVersion {
  readonly release: number;
  readonly serves_from: number;
  /** A hash of their text, before names are resolved. */
  readonly hash: string;
}

export const FUNCTIONS_VERSION: FunctionsVersion = {
  release: RELEASE,
  serves_from: SERVES_FROM,
  hash: md5(FUNCTIONS.map(({ sql }) => sql).join('\n')).slice(0, 12),
};

const VERSION: SqlStatement = {
  name: 'version',
  file: 'functions.ts',
  sql: `-- Which functions these are.
CREATE OR REPLACE FUNCTION {version}() RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT '${JSON.stringify(FUNCTIONS_VERSION)}' $$;`,
};

const ALL = [...FUNCTIONS, VERSION];

/** Inserts the audit's guard before its table. */
const TRIGGERS: readonly SqlStatement[] = [
  'CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {audit} FOR EACH ROW EXECUTE FUNCTION {append_only}();',
  'CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {audit} FOR EACH STATEMENT EXECUTE FUNCTION {append_only}();',
].map((sql) => ({ name: 'audit', file: 'functions.ts', sql }));

/** Returns the statements that create or replace the functions. The tables and types must exist. */
export function functionStatements(namespace: Namespace): string[] {
  return ALL.map(({ sql }) => resolved(namespace, sql));
}

/** Returns the statements that create everything, in order. */
export function allStatements(namespace: Namespace): string[] {
  return [
    ...[...TABLES, ...TYPES].map(({ sql }) => resolved(namespace, sql)),
    ...functionStatements(namespace),
    ...TRIGGERS.map(({ sql }) => resolved(namespace, sql)),
  ];
}

/** Returns the statements that create the types, which "synchronize" does not create. */
export function typeStatements(namespace: Namespace): { name: string; sql: string }[] {
  return TYPES.map(({ name, sql }) => ({ name: qualified(namespace, name), sql: resolved(namespace, sql) }));
}

/** Returns the statements that remove everything. */
export function dropStatements(namespace: Namespace): string[] {
  const named = (statements: readonly SqlStatement[]) =>
    [...new Set(statements.map(({ name }) => name))].map((name) => qualified(namespace, name));
  const guard = qualified(namespace, 'append_only');
  return [
    ...named(ALL)
      .filter((name) => name !== guard)
      .map((name) => `DROP FUNCTION ${name}`),
    ...named(TYPES)
      .toReversed()
      .map((name) => `DROP TYPE ${name}`),
    ...named(TABLES).map((name) => `DROP TABLE ${name}`),
    `DROP FUNCTION ${guard}`,
  ];
}

/** Returns the hash of each function's body, as the catalogue must contain it. */
export function bodyHashes(namespace: Namespace): Map<string, string> {
  return new Map(
    ALL.map(({ name, sql }) => [name, md5(/ AS \$\$([\s\S]*)\$\$;$/.exec(resolved(namespace, sql))![1]!)]),
  );
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
