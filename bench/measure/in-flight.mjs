import { child, row } from '../support.mjs';

/** A thousand challenges at a vendor that takes ten seconds: what they hold of the database and of memory meanwhile. */
export default async function inFlightAtTheVendor({ url, newSchema }) {
  const { slowestQueryMs, heldConnections, heapMb } = await child(
    'in-flight.mjs',
    [url, await newSchema()],
    ['--expose-gc'],
  );
  return [
    row('slowest other query, 1,000 challenges at the vendor', { value: slowestQueryMs }, { atMost: 1000 }, ' ms'),
    row('connections they hold', { value: heldConnections }, { atMost: 0 }),
    row('heap they take', { value: heapMb }, { atMost: 60 }, ' MB'),
  ];
}
