import type { DataSource } from 'typeorm';

import { OTP_ENTITIES, tablesOf } from '../lifecycle/tables.js';

/** Lets time pass: everything in the tables of this package becomes so much older. The database's clock is not touched. */
export async function elapse(dataSource: DataSource, seconds: number): Promise<void> {
  const escape = (name: string) => dataSource.driver.escape(name);
  for (const { tablePath, columns } of OTP_ENTITIES.map((entity) => dataSource.getMetadata(entity))) {
    const times = columns.filter(({ type }) => type === 'timestamptz').map((column) => escape(column.databaseName));
    const table = tablePath.split('.').map(escape).join('.');
    const sets = times.map((time) => `${time} = ${time} - make_interval(secs => $1)`);
    await dataSource.query(`UPDATE ${table} SET ${sets.join(', ')}`, [seconds]);
  }
}

/** Empties the tables of this package. */
export async function forget(dataSource: DataSource): Promise<void> {
  await dataSource.query(`TRUNCATE ${Object.values(tablesOf(dataSource)).join(', ')}`);
}
