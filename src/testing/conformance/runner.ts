import { testGlobals } from '../test-globals.js';

/** The globals that Jest, and Vitest with `globals: true`, define. The package depends on neither. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>) => void;
  readonly beforeEach: (body: () => Promise<void>) => void;
  readonly afterEach: (body: () => Promise<void>) => void;
  readonly expect: (value: unknown) => Expectation;
}

interface Expectation {
  readonly not: Expectation;
  toBe(value: unknown): void;
  toContain(value: unknown): void;
  toEqual(value: unknown): void;
  toHaveLength(length: number): void;
  toMatch(pattern: RegExp): void;
  toMatchObject(value: object): void;
}

const NAMES = ['describe', 'it', 'beforeEach', 'afterEach', 'expect'] as const;

export function runner(): Runner {
  return testGlobals<Runner>('describeProvider', NAMES);
}
