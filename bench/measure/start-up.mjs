import { child, median, row } from '../support.mjs';

const RUNS = 9;

/** The import time that the package adds to the imports of a typical application, each time in a fresh process. */
export default async function startUp({ full }) {
  const runs = [];
  for (let run = 0; run < (full ? 3 * RUNS : RUNS); run++) runs.push(await child('import.mjs'));
  const shares = runs.map(({ peers, ours }) => ours / peers);
  return [
    row(
      'importing the package / Nest, TypeORM, class-validator, libphonenumber-js/max',
      { value: median(shares), note: `${Math.min(...shares).toFixed(2)} to ${Math.max(...shares).toFixed(2)}` },
      { atMost: 0.15 },
    ),
    row('importing these peers', { value: median(runs.map(({ peers }) => peers)) }, undefined, ' ms'),
  ];
}
