import { DataSource } from 'typeorm';

import { databaseOptions, newSchema } from '../support/database.js';
import { until } from '../support/until.js';

const id = '0193c000-0000-7000-8000-000000000001';
const hash = '\\x01';

it('a grant that is deleted while its use waits for it counts as invalid', async () => {
  const schema = await newSchema();
  const source = await new DataSource({
    ...databaseOptions(schema, 3),
    extra: { options: `-c search_path=${schema}` },
  }).initialize();
  try {
    await source.query(
      `INSERT INTO otp_grants (id, hash, purpose, phone, source, created_at, expires_at)
       VALUES ($1, $2::bytea, 'login', '+966512345678', 'code', now(), now() + interval '5 minutes')`,
      [id, hash],
    );
    let used: Promise<[{ answer: { refused_by: string | null } }]> | undefined;
    await source.transaction(async (purge) => {
      await purge.query('DELETE FROM otp_grants');
      used = source.query(`SELECT otp_consume_grant($1::jsonb) AS answer`, [
        JSON.stringify({ id, hash, purposes: ['login'] }),
      ]);
      await until('the use waits', async () => {
        const waiting = await source.query(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%otp_consume_grant($1%'`,
        );
        return waiting.length > 0;
      });
    });

    expect((await used!)[0].answer.refused_by).toBe('unknown_grant');
  } finally {
    await source.destroy();
  }
});
