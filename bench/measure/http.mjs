import { BETTER_AUTH_VERSION, betterAuthApp } from '../contenders/better-auth.mjs';
import { BASELINE } from '../contenders/baseline.mjs';
import {
  ADAPTERS,
  bareApp,
  bareTurn,
  betterAuthServer,
  betterAuthTurn,
  listening,
  routesTurn,
  startLoad,
} from '../contenders/http.mjs';
import { moduleApp } from '../contenders/module.mjs';
import { median, race, row, speedOf } from '../support.mjs';

/** The ready-made routes over HTTP, compared with a bare Nest application and with better-auth's routes. */
export default async function http({ url, newSchema, seconds }) {
  const closing = [];
  try {
    const load = await startLoad();
    closing.push(load.stop);
    const theirs = await betterAuthApp({ url, schema: await newSchema() });
    const server = await betterAuthServer(theirs.auth);
    closing.push(theirs.close, async () => server.close().closeAllConnections());

    const contenders = [{ name: 'better-auth', count: 120, turn: betterAuthTurn(load, originOf(server), theirs) }];
    for (const [name, adapter] of Object.entries(ADAPTERS)) {
      const ours = await moduleApp(
        { url, schema: await newSchema(), routes: { prefix: 'otp' }, options: { verifiesPerAddress: 1_000_000 } },
        listening(adapter()),
      );
      closing.push(ours.close);
      await ours.pool.query(BASELINE.create);
      const bare = await bareApp(ours.pool, adapter());
      closing.unshift(() => bare.close());
      contenders.push(
        { name: `bare ${name}`, count: 400, turn: bareTurn(load, originOf(bare.getHttpServer())) },
        {
          name: `module on ${name}`,
          count: 300,
          turn: routesTurn(load, originOf(ours.app.getHttpServer()), ours.outbox),
          pool: ours.pool,
        },
      );
    }
    const times = await race(contenders, {
      seconds: seconds(14),
      prepare: async () => {
        for (const pool of [theirs.pool, ...contenders.map((contender) => contender.pool)])
          await pool?.query('ANALYZE');
      },
    });
    return [
      ...Object.keys(ADAPTERS).flatMap((name) => [
        row(
          `routes on ${name} / a bare Nest application that runs the baseline`,
          speedOf(times[`module on ${name}`], times[`bare ${name}`]),
          { atLeast: { Express: 0.42, Fastify: 0.38 }[name] },
        ),
        row(
          `routes on ${name} / better-auth ${BETTER_AUTH_VERSION} routes, existing accounts, no session`,
          speedOf(times[`module on ${name}`], times['better-auth']),
          { atLeast: { Express: 3, Fastify: 3.6 }[name] },
        ),
      ]),
      ...Object.entries(times).map(([name, ms]) =>
        row(`${name}, pairs per second over HTTP`, { value: 1000 / median(ms) }),
      ),
    ];
  } finally {
    for (const close of closing) await close();
  }
}

function originOf(server) {
  return `http://127.0.0.1:${server.address().port}`;
}
