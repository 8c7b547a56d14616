import { randomBytes, randomUUID } from 'node:crypto';

import { inFlight, newPhone, timed } from '../support.mjs';

/** The least that any service of this kind must do: one insert, one guarded update. */
export const FLOOR = {
  create: `CREATE TABLE floor (id uuid PRIMARY KEY, phone text NOT NULL, mac bytea NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz)`,
  insert: `INSERT INTO floor (id, phone, mac, expires_at) VALUES ($1, $2, $3, now() + interval '5 minutes')`,
  update: `UPDATE floor SET used_at = now() WHERE id = $1 AND mac = $2 AND used_at IS NULL AND expires_at > now() RETURNING phone`,
};

export const newFloorRow = () => ({ id: randomUUID(), phone: newPhone(), mac: randomBytes(32) });

/** @param pool the pg pool that the module's data source uses */
export function floorTurn(pool, { prepared }) {
  const named = (name) => (prepared ? { name: `floor_${name}` } : {});
  return (count) => {
    const rows = Array.from({ length: count }, newFloorRow);
    return timed(async () => {
      await inFlight(rows, ({ id, phone, mac }) =>
        pool.query({ ...named('insert'), text: FLOOR.insert, values: [id, phone, mac] }),
      );
      await inFlight(rows, async ({ id, mac }) => {
        const { rowCount } = await pool.query({ ...named('update'), text: FLOOR.update, values: [id, mac] });
        if (rowCount !== 1) throw new Error('the floor lost a row');
      });
    });
  };
}
