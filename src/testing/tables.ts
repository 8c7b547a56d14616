import type { DataSource, EntityManager } from 'typeorm';

import { AuditEntry } from '../audit/audit-entry.entity.js';
import { OTP_ENTITIES } from '../entities.js';

/** Moves time forward by making all times in the tables of this package older. The database's clock is not changed. */
export async function elapse(dataSource: DataSource, seconds: number): Promise<void> {
  const escape = (name: string) => dataSource.driver.escape(name);
  for (const entity of OTP_ENTITIES) {
    const { tablePath, columns } = dataSource.getMetadata(entity);
    const times = columns.filter(({ type }) => type === 'timestamptz').map((column) => escape(column.databaseName));
    const table = tableOf(dataSource, entity);
    const sets = times.map((time) => `${time} = ${time} - make_interval(secs => $1)`);
    const update = (by: DataSource | EntityManager) => by.query(`UPDATE ${table} SET ${sets.join(', ')}`, [seconds]);
    await (tablePath === auditOf(dataSource) ? withoutGuard(dataSource, table, update) : update(dataSource));
  }
}

/** Empties the tables of this package. */
export async function forget(dataSource: DataSource): Promise<void> {
  const tables = OTP_ENTITIES.map((entity) => tableOf(dataSource, entity)).join(', ');
  await withoutGuard(dataSource, tables, (manager) => manager.query(`TRUNCATE ${tables}`));
}

const auditOf = (dataSource: DataSource) => dataSource.getMetadata(AuditEntry).tablePath;

/** Returns the quoted table name for SQL. */
function tableOf(dataSource: DataSource, entity: (typeof OTP_ENTITIES)[number]): string {
  const { tablePath } = dataSource.getMetadata(entity);
  return tablePath
    .split('.')
    .map((name) => dataSource.driver.escape(name))
    .join('.');
}

/**
 * Bypasses the triggers that protect the audit, as its table's owner can.
 * @param tables the tables to write. They are locked first, to avoid a deadlock with a statement that already holds one
 *   of them
 */
function withoutGuard(
  dataSource: DataSource,
  tables: string,
  work: (manager: EntityManager) => Promise<unknown>,
): Promise<void> {
  const audit = tableOf(dataSource, AuditEntry);
  return dataSource.transaction(async (manager) => {
    await manager.query(`LOCK TABLE ${tables}`);
    await manager.query(`ALTER TABLE ${audit} DISABLE TRIGGER USER`);
    await work(manager);
    await manager.query(`ALTER TABLE ${audit} ENABLE TRIGGER USER`);
  });
}
