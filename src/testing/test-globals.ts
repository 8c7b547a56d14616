/** Finds what a test runner puts into the global scope. The package depends on none. */
export function testGlobals<Globals extends object>(
  caller: string,
  names: readonly (keyof Globals & string)[],
): Globals {
  const found = globalThis as unknown as Partial<Globals>;
  const missing = names.filter((name) => typeof found[name] !== 'function');
  if (missing.length === 0) return found as Globals;
  throw new Error(
    `${caller} finds no global ${missing.join(', ')}: call it from a test of Jest, or of Vitest with "globals: true".`,
  );
}
