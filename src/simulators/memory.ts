/** Entries that a simulator remembers of each kind; the oldest go first. */
const KEPT = 20_000;

/** Sets an entry as the newest, and forgets the oldest when there are too many. */
export function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT) map.delete(map.keys().next().value!);
}
