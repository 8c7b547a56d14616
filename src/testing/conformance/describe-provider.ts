import { describeChecks } from './checks.js';
import { describeMessages } from './messages.js';
import { runner } from './runner.js';
import { describeSecrets } from './secrets.js';
import type { MakeSubject } from './subject.js';
import { Trial } from './trial.js';
import { describeWire } from './wire.js';

/**
 * Tests an adapter against the contract of the port, using a simulator of its vendor: what it requests, what it accepts
 * as a success, how it handles network failures, and what it never discloses. The adapter's mode and capabilities
 * select the tests. Works with Jest, and with Vitest with `globals: true`.
 *
 * @param make makes a fresh simulator and a factory for an adapter connected to it; called before each test
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

    tests.describe('messages', () => describeMessages(tests, specimen, trial));
    if (specimen.provider.mode !== 'delivery') tests.describe('checks', () => describeChecks(tests, specimen, trial));
    tests.describe('network failures', () => describeWire(tests, specimen, trial));
    tests.describe('secrets', () => describeSecrets(tests, specimen, trial));
  });
}
