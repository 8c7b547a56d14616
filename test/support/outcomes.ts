/** Returns the code of a refusal; `ok` if there was none. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    ({ code, message }: Error & { code?: string }) => code ?? message,
  );
}

/** Counts the outcomes. */
export function tallyOf(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}
