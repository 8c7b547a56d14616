/** Entries of each kind that a simulator remembers; the oldest are dropped first. */
const KEPT = 20_000;

/** Stores an entry as the newest, and drops the oldest if there are too many. */
export function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT) map.delete(map.keys().next().value!);
}
