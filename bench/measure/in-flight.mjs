import { child, row } from '../support.mjs';

/** A thousand challenges at a vendor that takes 10 seconds: the connections and the memory they use meanwhile. */
export default async function inFlightAtTheVendor({ url, newSchema }) {
  const { slowestQueryMs, heldConnections, heapMb } = await child(
    'in-flight.mjs',
    [url, await newSchema()],
    ['--expose-gc'],
  );
  return [
    row('slowest other query, with 1,000 challenges at the vendor', { value: slowestQueryMs }, { atMost: 1000 }, ' ms'),
    row('connections held by these challenges', { value: heldConnections }, { atMost: 0 }),
    row('heap used by these challenges', { value: heapMb }, { atMost: 60 }, ' MB'),
  ];
}
