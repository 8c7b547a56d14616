import { BETTER_AUTH_VERSION, betterAuthApp, consumeTurn, signUpTurn } from '../contenders/better-auth.mjs';
import { FLOOR, floorTurn } from '../contenders/floor.mjs';
import { moduleApp, moduleTurn, VendorNextDoor } from '../contenders/module.mjs';
import { median, race, row, speedOf } from '../support.mjs';

/**
 * The service in process, against the least there is to do and against better-auth, all on one PostgreSQL. Without the
 * audit, which neither of them keeps, but for the line that says what it costs.
 */
export default async function inProcess({ url, newSchema, seconds }) {
  const schemas = [await newSchema(), await newSchema(), await newSchema(), await newSchema()];
  const options = { audit: false };
  const ours = await moduleApp({ url, schema: schemas[0], options });
  const audited = await moduleApp({ url, schema: schemas[3] });
  const vendors = await moduleApp({ url, schema: schemas[2], options, provider: new VendorNextDoor() });
  const theirs = await betterAuthApp({ url, schema: schemas[1] });
  try {
    await ours.pool.query(FLOOR.create);
    const times = await race(
      [
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
      ],
      {
        seconds: seconds(20),
        prepare: async () => {
          await ours.pool.query('ANALYZE');
          await audited.pool.query('ANALYZE');
          await vendors.pool.query('ANALYZE');
          await theirs.pool.query('ANALYZE');
        },
      },
    );
    const against = `better-auth ${BETTER_AUTH_VERSION}`;
    return [
      row('start + mark + verify / floor of two statements', speedOf(times.module, times.floor), { atLeast: 0.45 }),
      row(
        'start + mark + verify, audit on / floor of two statements',
        speedOf(times['module, audit on'], times.floor),
        {
          atLeast: 0.35,
        },
      ),
      row('start + mark + verify / the floor, prepared', speedOf(times.module, times['floor, prepared'])),
      row(
        'start + mark + verify + settle (vendor codes) / floor',
        speedOf(times['module, vendor codes'], times.floor),
        {
          atLeast: 0.3,
        },
      ),
      row(`start + verify / ${against} send + consume`, speedOf(times.module, times['better-auth']), { atLeast: 2 }),
      row(
        `start + verify + activate / ${against} send + verify with sign-up`,
        speedOf(times['module, activated'], times['better-auth, signed up']),
        { atLeast: 4 },
      ),
      ...Object.entries(times).map(([name, ms]) => row(`${name}, per second`, { value: 1000 / median(ms) })),
    ];
  } finally {
    await ours.close();
    await audited.close();
    await vendors.close();
    await theirs.close();
  }
}
