import pg from 'pg';

import { moduleApp } from '../contenders/module.mjs';
import { newAddress, newPhone, row } from '../support.mjs';

/** The round trips of one operation: messages that its database client sends and waits for. */
export default async function roundTrips({ url, newSchema }) {
  const module = await moduleApp({ url, schema: await newSchema() });
  const { otp, grants, numbers, outbox, pool } = module;
  const purpose = 'registration';
  const sent = [];
  const original = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query');
  pg.Client.prototype.query = function (...parts) {
    sent.push(parts[0]?.text ?? parts[0]);
    return original.value.apply(this, parts);
  };
  const count = async (operation) => {
    sent.length = 0;
    const result = await operation();
    await drained(pool);
    return { result, queries: sent.length };
  };
  try {
    const verified = async (phone) => {
      const { challenge } = await otp.start({ phone, purpose, client: { address: newAddress() } });
      await drained(pool);
      return otp.verify({ challenge, code: outbox.take(phone), purpose });
    };
    await verified(newPhone()); // opens the connections

    const phone = newPhone();
    const start = await count(() => otp.start({ phone, purpose, client: { address: newAddress() } }));
    const logged = sent.filter((text) => /otp_log_sends/.test(text)).length;
    const verify = await count(() =>
      otp.verify({ challenge: start.result.challenge, code: outbox.take(phone), purpose }),
    );
    const consume = await count(() => grants.consume(verify.result.grant, { purpose }));
    const { grant } = await verified(newPhone());
    const activate = await count(() => numbers.activate(grant, 'an account'));
    const exactly = (figure) => ({ atLeast: figure, atMost: figure });
    return [
      row('round trips of start', { value: start.queries - logged }, exactly(1)),
      row('round trips of recording send results', { value: logged }, exactly(1)),
      row('round trips of verify', { value: verify.queries }, exactly(1)),
      row('round trips of using a grant', { value: consume.queries }, exactly(1)),
      row('round trips of activate', { value: activate.queries }, exactly(1)),
    ];
  } finally {
    Object.defineProperty(pg.Client.prototype, 'query', original);
    await module.close();
  }
}

/** Waits until the work that continues after an answer has released its connection. */
async function drained(pool) {
  do await new Promise((resolve) => setTimeout(resolve, 20));
  while (pool.idleCount < pool.totalCount || pool.waitingCount > 0);
}
