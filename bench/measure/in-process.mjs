import pg from 'pg';

import { BETTER_AUTH_VERSION, betterAuthApp, consumeTurn, signUpTurn } from '../contenders/better-auth.mjs';
import { BASELINE, baselineTurn } from '../contenders/baseline.mjs';
import { moduleApp, moduleTurn, VendorNextDoor } from '../contenders/module.mjs';
import { CostMeter } from '../cost.mjs';
import { median, race, row, speedOf } from '../support.mjs';

/**
 * The service in process, compared with the baseline and with better-auth, all on one PostgreSQL. The audit is off,
 * since neither of them has one, except in the row that shows its cost.
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
    await ours.pool.query(BASELINE.create);
    const contenders = [
      { name: 'baseline', count: 600, turn: baselineTurn(ours.pool, { prepared: false }) },
      { name: 'baseline, prepared', count: 600, turn: baselineTurn(ours.pool, { prepared: true }) },
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
      ratio('start + send log + verify / baseline of 2 statements', 'module', 'baseline', 0.31),
      ratio('the same, audit on / baseline', 'module, audit on', 'baseline', 0.28),
      ratio('the same, vendor codes / baseline', 'module, vendor codes', 'baseline', 0.22),
      ratio('the same / baseline, prepared', 'module', 'baseline, prepared'),
      ratio(`start + verify / ${against} send + consume`, 'module', 'better-auth', 2.4),
      ratio(
        `start + verify + activate / ${against} send + verify with sign-up`,
        'module, activated',
        'better-auth, signed up',
        3,
      ),
      row(
        "Node's processor time for start + send log + verify",
        { value: meter.of('module').nodeUs },
        { atMost: 380 },
        ' µs',
      ),
      ...Object.entries(times).map(([name, ms]) => {
        const { nodeUs, backendUs, walBytes } = meter.of(name);
        const note = `${nodeUs.toFixed(0)} µs Node, ${backendUs.toFixed(0)} µs backend, ${walBytes.toFixed(0)} B WAL`;
        return row(`${name}, per second`, { value: 1000 / median(ms), note });
      }),
    ];
  } finally {
    for (const { close } of [ours, audited, vendors, theirs]) await close();
    await admin.end();
  }
}
