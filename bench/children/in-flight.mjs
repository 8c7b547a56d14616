// Starts 1,000 challenges at a vendor that answers after 10 seconds, and measures while they wait.
import { setTimeout as sleep } from 'node:timers/promises';

import { moduleApp, VendorNextDoor } from '../contenders/module.mjs';
import { inFlight, newAddress, newPhone, timed } from '../support.mjs';

const CHALLENGES = 1000;
const VENDOR_MS = 10_000;

class SlowVendor extends VendorNextDoor {
  waiting = 0;

  async start(request) {
    this.waiting++;
    await sleep(VENDOR_MS);
    return super.start(request);
  }
}

const [url, schema] = process.argv.slice(2);
const vendor = new SlowVendor();
const module = await moduleApp({ url, schema, provider: vendor, options: { providerTimeoutMs: 30_000 } });
const before = settledHeap();
await inFlight(Array.from({ length: CHALLENGES }), () =>
  module.otp.start({ phone: newPhone(), purpose: 'registration', client: { address: newAddress() } }),
);
const queries = [];
for (let n = 0; n < 50; n++) queries.push(await timed(() => module.pool.query('SELECT count(*) FROM otp_challenges')));
const { waiting } = vendor;
const answer = {
  slowestQueryMs: Math.max(...queries),
  heldConnections: module.pool.totalCount - module.pool.idleCount,
  heapMb: (settledHeap() - before) / 2 ** 20,
};
if (waiting < CHALLENGES) throw new Error(`only ${waiting} were waiting for the vendor`);
await module.close(); // drain: the result of each one is recorded
process.send(answer);
process.disconnect();

function settledHeap() {
  for (let pass = 0; pass < 5; pass++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
