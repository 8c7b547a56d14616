import { describeChecks } from './checks.js';
import { describeMessages } from './messages.js';
import { runner } from './runner.js';
import { describeSecrets } from './secrets.js';
import type { MakeSubject } from './subject.js';
import { Trial } from './trial.js';
import { describeWire } from './wire.js';

/**
 * Tests an adapter against the contract of the port, over a simulator of its vendor: what it asks for, what it takes for a
 * success, what it makes of a wire that fails, and what it never shows. What there is to test follows from its mode and
 * capabilities. For Jest, and for Vitest with `globals: true`.
 *
 * @param make a fresh simulator and the way to an adapter at it: called before each test
 *
 * @example
 * describeProvider('TaqnyatVerify', ({ key, now, onExchange }) => {
 *   const simulator = new TaqnyatSimulator({ apiKey: key, now, cooldownPer: 'number' });
 *   return {
 *     simulator,
 *     provider: () => new TaqnyatVerify({ ...simulator.access, onExchange }),
 *     phone: '+966512345678',
 *     region: 'SA',
 *     refusals: {
 *       rejected_sender: () => simulator.answerAlways(6, 'Sender name is not authorized'),
 *       insufficient_balance: () => simulator.answerAlways(4),
 *     },
 *   };
 * });
 */
export function describeProvider(name: string, make: MakeSubject): void {
  const tests = runner();
  const specimen = new Trial(make);

  tests.describe(name, () => {
    let current: Trial;
    const trial = () => current;
    tests.beforeEach(async () => {
      current = await new Trial(make).start();
    });
    tests.afterEach(() => current.end());

    tests.describe('a message', () => describeMessages(tests, specimen, trial));
    if (specimen.provider.mode !== 'delivery') tests.describe('a check', () => describeChecks(tests, specimen, trial));
    tests.describe('the wire', () => describeWire(tests, specimen, trial));
    tests.describe('secrets', () => describeSecrets(tests, specimen, trial));
  });
}
