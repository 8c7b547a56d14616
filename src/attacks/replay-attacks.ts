import { testGlobals } from '../testing/test-globals.js';
import { type AttackChoice, selectAttacks, whyNot, runAttack } from './run-attacks.js';
import type { AttackTarget } from './target.js';

/** The part of a test runner that the suite uses. */
export interface AttackRunner {
  /** Registers a group of tests. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Registers a test, or with `skip` one that does not run. */
  readonly it: TestFunction & { readonly skip: TestFunction };
}

/** Registers one test by its name. */
export type TestFunction = (name: string, body: () => Promise<void>) => unknown;

/** Each request and each attack has its own, much shorter time limit. Only the host's `elapse` may take this long. */
const TEST_MS = 1_800_000;

/**
 * Registers one test per attack in your test runner. An attack that is not applicable shows as skipped, with the
 * reason. Works with Jest, Mocha and Vitest with `globals: true`; pass `runner` if your runner has no globals.
 *
 * @example
 * import { describe, it } from 'node:test';
 *
 * replayAttacks(target, { runner: { describe, it } });
 */
export function replayAttacks(
  target: AttackTarget,
  { only, onReport, runner }: AttackChoice & { readonly runner?: AttackRunner } = {},
): void {
  const { describe, it } = runner ?? testGlobals<AttackRunner>('replayAttacks', ['describe', 'it']);
  describe('attacks', () => {
    for (const attack of selectAttacks(only)) {
      const name = `${attack.id}: ${attack.title}`;
      const reason = whyNot(attack, target);
      if (reason) {
        it.skip(`${name} (not applicable: ${reason})`, async () => undefined);
        continue;
      }
      const body = async function (this: void | { timeout?: unknown }) {
        if (typeof this?.timeout === 'function') this.timeout(TEST_MS); // the time limit in Mocha
        const report = await runAttack(attack, target);
        onReport?.(report);
        if (report.verdict === 'held') return;
        throw new Error(`${report.verdict}: ${report.detail}\n${attack.advisories.join(', ')}`);
      };
      (it as (name: string, body: () => Promise<void>, timeoutMs: number) => unknown)(name, body, TEST_MS);
    }
  });
}
