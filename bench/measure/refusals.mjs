import pg from 'pg';

import { moduleApp } from '../contenders/module.mjs';
import { CostMeter } from '../cost.mjs';
import { inFlight, load, median, newAddress, newPhone, row, timed } from '../support.mjs';

const { OtpOperations } = await load('nestjs-phone-otp');
const { OtpTesting } = await load('nestjs-phone-otp/testing');

const purpose = 'registration';
const ROUNDS = 9;
const CALLS = 100;

/** The kinds of refused starts: the application's options, what happens before, and the client of each start. */
const KINDS = {
  accepted: {},
  cooldown: { before: ({ start, phone }) => start({ phone }), who: ({ phone }) => ({ phone }) },
  'the phone’s hour': {
    options: { sendsPerPhonePerHour: 1 },
    before: async ({ start, phone, elapse }) => {
      await start({ phone });
      await elapse(61);
    },
    who: ({ phone }) => ({ phone }),
  },
  'the address': {
    options: { sendsPerAddressPerHour: 1 },
    before: ({ start, address }) => start({ address }),
    who: ({ address }) => ({ address }),
  },
  'the prefix': {
    options: { sendsPerPrefixPerHour: 1 },
    before: ({ start, neighbour }) => start({ phone: neighbour(0) }),
    who: ({ neighbour }) => ({ phone: neighbour() }),
  },
  'the day’s budget, of two shards': {
    options: { dailySendBudget: 2000 },
    before: ({ start }) => inFlight(Array.from({ length: 1700 }), () => start({})),
  },
  'a stop': { before: ({ operations }) => operations.stopSending() },
  'a lockout': {
    options: { failuresPerHour: 1 },
    before: async ({ start, otp, phone, elapse }) => {
      const { challenge } = await start({ phone });
      await otp.verify({ challenge, code: '000000', purpose }).catch(() => undefined);
      await elapse(61);
    },
    who: ({ phone }) => ({ phone }),
  },
};

/**
 * The cost of a refused start, in processor time of Node and PostgreSQL and in WAL, compared with an accepted one. The
 * audit is on.
 */
export default async function refusals({ url, newSchema }) {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const meter = await CostMeter.over(admin);
  const contenders = [];
  try {
    for (const [name, kind] of Object.entries(KINDS)) {
      const context = await contextOf(await moduleApp({ url, schema: await newSchema(), options: kind.options }));
      await kind.before?.(context);
      await context.pool.query('ANALYZE');
      const turn = async (count) => {
        const calls = Array.from({ length: count }, () => kind.who?.(context) ?? {});
        return timed(() => inFlight(calls, (call) => context.start(call), 8));
      };
      contenders.push({ ...meter.metered({ name, count: CALLS, turn }), context });
    }
    const costs = Object.fromEntries(contenders.map(({ name }) => [name, []]));
    for (let round = -2; round < ROUNDS; round++) {
      for (const { name, turn } of contenders) {
        meter.reset();
        await turn(CALLS);
        if (round >= 0) costs[name].push(meter.of(name));
      }
    }
    const typical = (name, part) => median(costs[name].map(part));
    const cpu = ({ nodeUs, backendUs }) => nodeUs + backendUs;
    return contenders.slice(1).map(({ name }) =>
      row(`processor time of a start refused by ${name} / of an accepted one`, {
        value: typical(name, cpu) / typical('accepted', cpu),
        note: `${typical(name, ({ nodeUs }) => nodeUs).toFixed(0)} µs Node, ${typical(name, ({ backendUs }) => backendUs).toFixed(0)} µs backend, ${typical(name, ({ walBytes }) => walBytes).toFixed(0)} B WAL`,
      }),
    );
  } finally {
    for (const { context } of contenders) await context.close();
    await admin.end();
  }
}

async function contextOf(module) {
  const { app, otp, pool, close } = module;
  const [phone, address, block] = [newPhone(), newAddress(), newPhone().slice(0, -4)];
  let neighbours = 0;
  return {
    otp,
    pool,
    close,
    phone,
    address,
    operations: app.get(OtpOperations),
    elapse: (seconds) => OtpTesting.of(app).elapse(seconds),
    neighbour: (nth = ++neighbours) => block + String(nth % 10_000).padStart(4, '0'),
    start: ({ phone: to = newPhone(), address: from = newAddress() }) =>
      otp.start({ phone: to, purpose, client: { address: from } }).catch((error) => {
        if (error.retryAfterSeconds === undefined) throw error;
      }),
  };
}
