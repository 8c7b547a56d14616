import pg from 'pg';

import { moduleApp } from '../contenders/module.mjs';
import { CostMeter } from '../cost.mjs';
import { inFlight, median, newAddress, newPhone, row, timed } from '../support.mjs';

const ROUNDS = 7;
const CALLS = 60;
const purpose = 'registration';
const deviceKey = 'the key of a device';

/**
 * The cost of each path, compared with the most common ones: a stranger's start and a right code. `prepare` makes what
 * a call needs.
 */
const PATHS = {
  'a stranger’s start': {
    prepare: () => newPhone(),
    call: ({ otp }, phone) => otp.start({ phone, purpose, client: { address: newAddress() } }),
  },
  'a known device’s start': {
    later: true,
    prepare: ({ proved }) => proved(newPhone()),
    call: ({ otp }, phone) => otp.start({ phone, purpose, client: { address: newAddress(), deviceKey } }),
  },
  'an owner’s start, with the message': {
    later: true,
    prepare: ({ proved }) => proved(newPhone()),
    call: ({ otp }, phone) => otp.start({ phone, purpose: 'second_factor', subject: phone.slice(1), client: 'server' }),
  },
  'a decoy’s start': {
    prepare: () => newPhone(),
    call: ({ otp }, phone) => otp.start({ phone, purpose: 'login', client: { address: newAddress() } }),
  },
  'a resend': {
    prepare: ({ started }) => started(newPhone()),
    later: true,
    call: ({ otp }, { challenge }) => otp.resend({ challenge, client: { address: newAddress() } }),
  },
  'a right code': {
    prepare: ({ started }) => started(newPhone()),
    call: ({ otp, outbox }, { phone, challenge }) => otp.verify({ challenge, code: outbox.take(phone), purpose }),
  },
  'a wrong code': {
    prepare: ({ started }) => started(newPhone()),
    call: ({ otp }, { challenge }) => otp.verify({ challenge, code: '000000', purpose }).catch(() => undefined),
  },
};

/** Processor time of each path, in Node and in PostgreSQL, with the audit on. */
export default async function paths({ url, newSchema }) {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const meter = await CostMeter.over(admin);
  const module = await moduleApp({ url, schema: await newSchema() });
  const { otp, outbox, numbers, pool } = module;
  const started = async (phone) => {
    const { challenge } = await otp.start({ phone, purpose, client: { address: newAddress(), deviceKey } });
    return { phone, challenge };
  };
  const proved = async (phone) => {
    const { challenge } = await started(phone);
    await settled();
    const { grant } = await otp.verify({ challenge, code: outbox.take(phone), purpose });
    await numbers.activate(grant, phone.slice(1));
    return phone;
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
  try {
    const costs = Object.fromEntries(Object.keys(PATHS).map((name) => [name, []]));
    for (let round = -3; round < ROUNDS; round++) {
      if (round < 0) await pool.query('ANALYZE'); // a plan made for an empty table would scan it
      for (const [name, { prepare, later, call }] of Object.entries(PATHS)) {
        const items = await inFlight(Array.from({ length: CALLS }), () => prepare({ started, proved }));
        await settled();
        if (later)
          await pool.query(`UPDATE otp_send_counters SET next_send_at = '-infinity' WHERE next_send_at > now()`);
        meter.reset();
        const turn = () => timed(() => inFlight(items, (item) => call(module, item), 8).then(settled));
        await meter.metered({ name, turn }).turn(CALLS);
        if (round >= 0) costs[name].push(meter.of(name));
      }
    }
    const typical = (name, part) => median(costs[name].map(part));
    const cpu = ({ nodeUs, backendUs }) => nodeUs + backendUs;
    return Object.keys(PATHS).map((name) => {
      const base = name.endsWith('code') ? 'a right code' : 'a stranger’s start';
      return row(`${name} / ${base}, processor time`, {
        value: typical(name, cpu) / typical(base, cpu),
        note: `${typical(name, ({ nodeUs }) => nodeUs).toFixed(0)} µs Node, ${typical(name, ({ backendUs }) => backendUs).toFixed(0)} µs backend, ${typical(name, ({ walBytes }) => walBytes).toFixed(0)} B WAL`,
      });
    });
  } finally {
    await module.close();
    await admin.end();
  }
}
