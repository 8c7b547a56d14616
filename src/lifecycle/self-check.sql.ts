import { statement } from './statement.js';

export interface SelfCheckRow {
  /** Tables that do not exist, as they are written in SQL. */
  missing: string[];
  isolation: string;
  statement_timeout: string;
}

export const selfCheckSql = statement<{ tables: string[] }, SelfCheckRow>(`
SELECT ARRAY(SELECT name FROM unnest(:tables::text[]) AS name WHERE to_regclass(name) IS NULL) AS missing,
  current_setting('default_transaction_isolation') AS isolation,
  current_setting('statement_timeout') AS statement_timeout`);
