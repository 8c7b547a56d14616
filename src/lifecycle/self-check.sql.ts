import { statement } from './statement.js';

export interface SelfCheckParameters {
  schema: string | null;
  tables: string[];
  /** Each column with its table. */
  columns: string[];
  tableOfColumn: string[];
}

export interface SelfCheckRow {
  /** Whether the schema of the tables exists. */
  schema_exists: boolean;
  /** Tables that do not exist, as they are written in SQL. */
  missing: string[];
  /** Columns that do not exist, of tables that do. */
  missing_columns: string[];
  isolation: string;
  statement_timeout: string;
}

export const selfCheckSql = statement<SelfCheckParameters, SelfCheckRow>(`
SELECT :schema::text IS NULL OR EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema::text) AS schema_exists,
  ARRAY(SELECT name FROM unnest(:tables::text[]) AS name WHERE to_regclass(name) IS NULL) AS missing,
  ARRAY(
    SELECT c.table_name || '.' || c.name
    FROM unnest(:columns::text[], :tableOfColumn::text[]) AS c(name, table_name)
    WHERE to_regclass(c.table_name) IS NOT NULL AND NOT EXISTS (
      SELECT FROM pg_attribute
      WHERE attrelid = to_regclass(c.table_name) AND attname = c.name AND NOT attisdropped)
  ) AS missing_columns,
  current_setting('default_transaction_isolation') AS isolation,
  current_setting('statement_timeout') AS statement_timeout`);
