import { confirmed, createTransfers, GUARDED } from '../contenders/guarded.mjs';
import { ADAPTERS, listening, startLoad } from '../contenders/http.mjs';
import { moduleApp } from '../contenders/module.mjs';
import { race, row, speedOf } from '../support.mjs';

/**
 * A call behind the guard, with its grant, compared with the same call whose handler uses the grant without a guard.
 */
export default async function stepUp({ url, newSchema, seconds }) {
  const load = await startLoad();
  const ours = await moduleApp({ url, schema: await newSchema(), metadata: GUARDED }, listening(ADAPTERS.Express()));
  try {
    await createTransfers(ours.pool);
    const origin = `http://127.0.0.1:${ours.app.getHttpServer().address().port}`;
    const turn = (path) => async (count) => (await load.send(origin, await confirmed(path, count, ours))).ms;
    const times = await race(
      ['guarded', 'unguarded'].map((name) => ({ name, count: 120, turn: turn(name) })),
      { seconds: seconds(5), prepare: () => ours.pool.query('ANALYZE') },
    );
    return [
      row(
        'a call behind @StepUp with a grant / the same call unguarded, plus using the grant',
        speedOf(times.unguarded, times.guarded),
        { atMost: 1.3 },
      ),
    ];
  } finally {
    await load.stop();
    await ours.close();
  }
}
