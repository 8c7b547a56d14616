import { child, row } from '../support.mjs';

const BUDGET_STARTS = 100_000;

/** The heap growth of a separate process after many starts and verifies. */
export default async function heap({ url, full, newSchema }) {
  const bounds = [BUDGET_STARTS, full ? 1200 : 8];
  const { growth, starts } = await child('heap.mjs', [url, await newSchema(), ...bounds], ['--expose-gc']);
  return [
    row(
      'heap growth after 100,000 starts and verifies',
      {
        value: growth * (BUDGET_STARTS / starts),
        note: starts < BUDGET_STARTS ? `extrapolated from ${starts}` : undefined,
      },
      { atMost: 5 }, // a heap that shrank retains nothing
      ' MB',
    ),
  ];
}
