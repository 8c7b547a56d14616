import { ISOLATION_LEVELS } from '../support/fleet.js';
import { storm } from './storm.js';

const CALLS = 20_000;

it.each(ISOLATION_LEVELS)(
  `a storm of ${CALLS} calls with default level %s counts each message once and deadlocks nowhere`,
  async (isolation) => {
    const { outcomes, deadlocks, miscounted } = await storm(CALLS, isolation);

    expect({ deadlocks, miscounted }).toEqual({ deadlocks: 0, miscounted: [] });
    expect(Object.values(outcomes).reduce((sum, count) => sum + count)).toBe(CALLS);
  },
  10 * 60_000,
);
