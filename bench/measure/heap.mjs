import { child, row } from '../support.mjs';

const BUDGET_STARTS = 100_000;

/** The heap of a process of its own after many starts and verifies, against what it was before them. */
export default async function heap({ url, full, newSchema }) {
  const bounds = [BUDGET_STARTS, full ? 1200 : 8];
  const { growth, starts } = await child('heap.mjs', [url, await newSchema(), ...bounds], ['--expose-gc']);
  return [
    row(
      'heap after 100,000 starts and verifies',
      {
        value: growth * (BUDGET_STARTS / starts),
        note: starts < BUDGET_STARTS ? `reckoned from ${starts}` : undefined,
      },
      { atMost: 5 }, // a heap that shrank holds nothing back
      ' MB',
    ),
  ];
}
