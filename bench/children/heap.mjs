// Starts and verifies challenges, for a given time or up to a given number, and reports how much the heap grew.
import { moduleApp, moduleTurn } from '../contenders/module.mjs';

const [url, schema, most, seconds] = process.argv.slice(2);
const BATCH = 500;
/** With fewer starts, garbage collection would dominate the figure. */
const LEAST = 5000;

const module = await moduleApp({ url, schema });
const turn = moduleTurn(module);
await run(3 * BATCH); // compiled code, prepared statements and caches are not per challenge
await module.pool.query('ANALYZE');
await run(3 * BATCH);
const before = settledHeap();
const end = performance.now() + Number(seconds) * 1000;
let starts = 0;
for (; starts < LEAST || (starts < Number(most) && performance.now() < end); starts += BATCH) await turn(BATCH);
const growth = (settledHeap() - before) / 2 ** 20;
await module.close();
process.send({ growth, starts });
process.disconnect();

async function run(count) {
  for (let done = 0; done < count; done += BATCH) await turn(BATCH);
}

function settledHeap() {
  for (let pass = 0; pass < 5; pass++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
