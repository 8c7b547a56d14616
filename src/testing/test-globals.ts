/** Returns the globals that a test runner defines. The package depends on no runner. */
export function testGlobals<Globals extends object>(
  caller: string,
  names: readonly (keyof Globals & string)[],
): Globals {
  const found = globalThis as unknown as Partial<Globals>;
  const missing = names.filter((name) => typeof found[name] !== 'function');
  if (missing.length === 0) return found as Globals;
  throw new Error(
    `"${caller}" needs the global ${missing.join(', ')}. Call it from a test of Jest, or of Vitest with "globals: true".`,
  );
}
