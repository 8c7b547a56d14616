import { randomBytes, randomUUID } from 'node:crypto';

import { inFlight, newPhone, timed } from '../support.mjs';

/** The minimum work of any such service: one insert, one guarded update. */
export const BASELINE = {
  create: `CREATE TABLE baseline (id uuid PRIMARY KEY, phone text NOT NULL, mac bytea NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz)`,
  insert: `INSERT INTO baseline (id, phone, mac, expires_at) VALUES ($1, $2, $3, now() + interval '5 minutes')`,
  update: `UPDATE baseline SET used_at = now() WHERE id = $1 AND mac = $2 AND used_at IS NULL AND expires_at > now() RETURNING phone`,
};

export const newBaselineRow = () => ({ id: randomUUID(), phone: newPhone(), mac: randomBytes(32) });

/** @param pool the pg pool that the module's data source uses */
export function baselineTurn(pool, { prepared }) {
  const named = (name) => (prepared ? { name: `baseline_${name}` } : {});
  return (count) => {
    const rows = Array.from({ length: count }, newBaselineRow);
    return timed(async () => {
      await inFlight(rows, ({ id, phone, mac }) =>
        pool.query({ ...named('insert'), text: BASELINE.insert, values: [id, phone, mac] }),
      );
      await inFlight(rows, async ({ id, mac }) => {
        const { rowCount } = await pool.query({ ...named('update'), text: BASELINE.update, values: [id, mac] });
        if (rowCount !== 1) throw new Error('the baseline lost a row');
      });
    });
  };
}
