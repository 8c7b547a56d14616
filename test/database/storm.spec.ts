import { storm } from './storm.js';

it('a storm of calls over few phones, addresses and devices counts each message once and deadlocks nowhere', async () => {
  const { outcomes, deadlocks, miscounted } = await storm(3000, 'read committed');

  expect({ deadlocks, miscounted }).toEqual({ deadlocks: 0, miscounted: [] });
  for (const operation of [
    'start: done',
    'resend: done',
    'verify: matched',
    'verify: wrong_code',
    'record_failure: done',
  ]) {
    expect(outcomes[operation]).toBeGreaterThan(0);
  }
});
