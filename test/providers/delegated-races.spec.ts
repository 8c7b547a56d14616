import type { DelegatedProvider, GeneratorProvider } from 'nestjs-phone-otp/provider-kit';
import type { MakeSubject, TrialConditions } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from '../support/adapters.js';
import { evidence } from '../support/evidence.js';
import { wrongCode } from '../support/otp-fixture.js';
import { liveCode, type LivingCode } from '../support/vendor-life.js';

// Tests the complete service with every adapter whose vendor checks the codes. The simulator counts the requests that reach
// the vendor. test/security/vendor-races.spec.ts does the same with four processes.

const CONDITIONS: TrialConditions = { key: 'the-key', now: Date.now, onExchange: () => undefined };
const CHECKED_BY_VENDORS = Object.entries<MakeSubject>(ADAPTERS).filter(
  ([, make]) => make(CONDITIONS).provider().mode !== 'delivery',
);

describe.each(CHECKED_BY_VENDORS)('parallel verifications at %s', (_name, make) => {
  let living: LivingCode;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const { simulator, provider, phone } = make(CONDITIONS);
    await simulator.start();
    let phones = 0;
    living = await liveCode(
      {
        vendor: simulator,
        provider: provider() as DelegatedProvider | GeneratorProvider,
        newPhone: () => phone.replace(/\d{4}$/, () => String(1000 + ++phones)),
      },
      {},
    );
    close = async () => {
      await living.fixture.close();
      await simulator.stop();
    };
  });
  afterAll(() => close());

  /** Starts a challenge and makes these attempts in parallel. */
  async function race(count: number, codeOf: (right: string) => string) {
    const { challenge, code } = await living.started();
    const before = living.vendor.requests.length; // all later requests are checks
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, () => living.verify(challenge, codeOf(code))),
    );
    const checks = living.vendor.requests.length - before;
    return { challenge, code, checks, won: outcomes.filter(({ status }) => status === 'fulfilled').length };
  }

  /** Attempts of a challenge: the module's 5, or the vendor's if it allows fewer. */
  const attempts = () => {
    const { maxAttempts } = living.provider.capabilities;
    return typeof maxAttempts === 'number' ? Math.min(5, maxAttempts) : 5;
  };

  it('SEC-17: accepts exactly one of 64 parallel correct codes', async () => {
    const { won, checks } = await race(64, (right) => right);

    expect(won).toBe(1);
    expect(checks).toBeLessThanOrEqual(attempts());
    expect(await living.fixture.rows('otp_grants')).toHaveLength(1);
    evidence('SEC-17', { rightCodes: 64, successes: won });
  });

  it('SEC-17: sends the vendor only as many of 200 parallel wrong codes as attempts remain, and then not the correct one', async () => {
    const { won, checks, challenge, code } = await race(200, wrongCode);

    expect([won, checks]).toEqual([0, attempts()]);
    evidence('SEC-17', { wrongCodes: 200, askedOfVendor: checks, successes: won });
    await expect(living.verify(challenge, code)).rejects.toMatchObject({ code: 'otp_unavailable' });
  });
});
