import pg from 'pg';

import { BETTER_AUTH_VERSION, betterAuthApp, consumeTurn, signUpTurn } from '../contenders/better-auth.mjs';
import { FLOOR, floorTurn } from '../contenders/floor.mjs';
import { moduleApp, moduleTurn, VendorNextDoor } from '../contenders/module.mjs';
import { CostMeter } from '../cost.mjs';
import { median, race, row, speedOf } from '../support.mjs';

/**
 * The service in process, against the least there is to do and against better-auth, all on one PostgreSQL. Without the
 * audit, which neither of them keeps, but for the line that says what it costs.
 */
export default async function inProcess({ url, newSchema, seconds }) {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const meter = await CostMeter.over(admin);
  const options = { audit: false };
  const ours = await moduleApp({ url, schema: await newSchema(), options });
  const audited = await moduleApp({ url, schema: await newSchema() });
  const vendors = await moduleApp({ url, schema: await newSchema(), options, provider: new VendorNextDoor() });
  const theirs = await betterAuthApp({ url, schema: await newSchema() });
  try {
    await ours.pool.query(FLOOR.create);
    const contenders = [
      { name: 'floor', count: 600, turn: floorTurn(ours.pool, { prepared: false }) },
      { name: 'floor, prepared', count: 600, turn: floorTurn(ours.pool, { prepared: true }) },
      { name: 'module', count: 400, turn: moduleTurn(ours) },
      { name: 'module, audit on', count: 400, turn: moduleTurn(audited) },
      {
        name: 'module, activated',
        count: 200,
        turn: moduleTurn(ours, (grant, phone) => ours.numbers.activate(grant, phone)),
      },
      { name: 'module, vendor codes', count: 300, turn: moduleTurn(vendors) },
      { name: 'better-auth', count: 150, turn: consumeTurn(theirs) },
      { name: 'better-auth, signed up', count: 100, turn: signUpTurn(theirs) },
    ].map((contender) => meter.metered(contender));
    const times = await race(contenders, {
      seconds: seconds(30),
      prepare: async () => {
        for (const { pool } of [ours, audited, vendors, theirs]) await pool.query('ANALYZE');
        meter.reset();
      },
    });
    const against = `better-auth ${BETTER_AUTH_VERSION}`;
    const ratio = (what, one, other, atLeast) =>
      row(what, speedOf(times[one], times[other]), atLeast === undefined ? undefined : { atLeast });
    return [
      ratio('start + send log + verify / floor of two statements', 'module', 'floor', 0.31),
      ratio('the same, audit on / floor', 'module, audit on', 'floor', 0.28),
      ratio('the same, vendor codes / floor', 'module, vendor codes', 'floor', 0.22),
      ratio('the same / the floor, prepared', 'module', 'floor, prepared'),
      ratio(`start + verify / ${against} send + consume`, 'module', 'better-auth', 2.4),
      ratio(
        `start + verify + activate / ${against} send + verify with sign-up`,
        'module, activated',
        'better-auth, signed up',
        3,
      ),
      row(
        'processor time of Node for start + send log + verify',
        { value: meter.of('module').nodeUs },
        { atMost: 380 },
        ' µs',
      ),
      ...Object.entries(times).map(([name, ms]) => {
        const { nodeUs, backendUs, walBytes } = meter.of(name);
        const note = `${nodeUs.toFixed(0)} µs Node, ${backendUs.toFixed(0)} µs backend, ${walBytes.toFixed(0)} B log`;
        return row(`${name}, per second`, { value: 1000 / median(ms), note });
      }),
    ];
  } finally {
    for (const { close } of [ours, audited, vendors, theirs]) await close();
    await admin.end();
  }
}
