import type { SendReceipt } from '../../delivery/provider.js';
import type { SimulatedFault } from '../../simulators/faults.js';
import { VendorSimulator, type VendorReaction } from '../../simulators/simulator.js';
import { UNANSWERED } from './checks.js';
import type { Runner } from './runner.js';
import { fateOf, type Trial } from './trial.js';

/** Tests how an adapter handles a failing network. */
export function describeWire({ it, expect }: Runner, specimen: Trial, trial: () => Trial): void {
  const { mode } = specimen.provider;
  const checks = mode !== 'delivery';
  // If another provider delivers the code, none can be on its way before the vendor answers.
  const lost: Pick<SendReceipt, 'outcome' | 'ambiguous'> = { outcome: 'unknown', ambiguous: mode !== 'generator' };
  const notSent = { outcome: 'provider_unavailable', ambiguous: false };

  it('waits for a slow vendor', async () => {
    trial().vendor.fault({ kind: 'delay', ms: 100 });
    const attempt = await trial().send();

    expect(attempt.receipt.outcome).toBe('sent');
    if (checks) expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: 'verified' });
  });

  it('FLT-07: reports a message as uncertain when its request gets no answer, and requests no other', async () => {
    trial().vendor.fault({ kind: 'hang' });

    const { receipt } = await trial().send({ signal: trial().lostAnswer() });

    expect(fateOf(receipt)).toEqual(lost);
    expect(trial().vendor.requests).toHaveLength(1);
    expect(trial().messages()).toHaveLength(mode === 'generator' ? 0 : 1);
  });

  it('FLT-07: reports the same when the vendor did nothing', async () => {
    trial().vendor.fault({ kind: 'stall' });

    const { receipt } = await trial().send({ signal: trial().lostAnswer() });

    expect(fateOf(receipt)).toEqual(lost);
    expect(trial().messages()).toHaveLength(0);
  });

  it('FLT-07: reports a message as uncertain when its connection is lost, and requests no other', async () => {
    const attempt = await trial().send();
    trial().vendor.fault({ kind: 'reset' });
    if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code)).outcome);
    const before = trial().vendor.requests.length;

    expect(fateOf((await trial().send()).receipt)).toEqual(lost);
    expect(trial().vendor.requests).toHaveLength(before + 1);
  });

  it('FLT-08: sends no request when its time is up before it begins', async () => {
    const attempt = await trial().send();
    const before = trial().vendor.requests.length;
    const signal = AbortSignal.abort();

    expect(fateOf((await trial().sendAtOnce({ signal })).receipt)).toEqual(notSent);
    if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code, { signal })).outcome);
    expect(trial().vendor.requests).toHaveLength(before);
  });

  it('FLT-08: reports that a refused connection sent nothing, and works again afterwards', async () => {
    const attempt = await trial().send();
    await trial().stop();

    expect(fateOf((await trial().sendAtOnce()).receipt)).toEqual(notSent);
    if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code)).outcome);

    await trial().resume();
    if (checks) expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: 'verified' });
    expect((await trial().send()).receipt.outcome).toBe('sent');
  });

  for (const status of [500, 502, 503, 504]) {
    it(`FLT-09: does not trust status ${status}`, async () => {
      const attempt = await trial().send();
      trial().vendor.fault({ kind: 'status', status });

      if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code)).outcome);
      expect(fateOf((await trial().send()).receipt)).toEqual(lost);
    });
  }

  for (const [status, outcome] of [
    [401, 'unauthorized'],
    [402, 'insufficient_balance'],
    [403, 'unauthorized'],
  ] as const) {
    it(`FLT-10: maps status ${status} to "${outcome}"`, async () => {
      const attempt = await trial().send();
      trial().vendor.fault({ kind: 'status', status });

      if (checks) expect(await trial().check(attempt, attempt.code)).toEqual({ outcome });
      expect(fateOf((await trial().send()).receipt)).toEqual({ outcome, ambiguous: false });
    });
  }

  it('FLT-11: passes on the wait of a 429 answer', async () => {
    const attempt = await trial().send();
    const outcome = { outcome: 'rate_limited', retryAfterSeconds: 17 };
    trial().vendor.fault({ kind: 'status', status: 429, retryAfter: 17 });

    if (checks) expect(await trial().check(attempt, attempt.code)).toEqual(outcome);
    expect((await trial().send()).receipt).toEqual(outcome);
  });

  for (const [id, fault] of HOSTILE_ANSWERS) {
    it(`${id}: does not report success for the fault "${fault.kind}", and returns at once`, async () => {
      const attempt = await trial().send();
      trial().vendor.fault(fault);
      const signal = AbortSignal.timeout(4_000);

      if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code, { signal })).outcome);
      expect(fateOf((await trial().send({ signal })).receipt)).toEqual(lost);
      expect(signal.aborted).toBe(false);
    });
  }

  for (const [what, fault] of TOO_MUCH) {
    it(`FLT-13: closes the connection of ${what}`, async () => {
      const attempt = await trial().send();
      trial().vendor.fault(fault);
      const signal = AbortSignal.timeout(4_000);

      if (checks) await trial().check(attempt, attempt.code, { signal });
      await trial().send({ signal });

      expect(await trial().isLeftAlone()).toBe(true);
      expect(signal.aborted).toBe(false); // an abort would have closed it as well
    });
  }

  it('gives up on an answer that arrives byte by byte when its time is up', async () => {
    const attempt = await trial().send();
    trial().vendor.fault({ kind: 'drip', everyMs: 5 });

    if (checks) {
      const { outcome } = await trial().check(attempt, attempt.code, { signal: trial().lostAnswer() });
      expect(UNANSWERED).toContain(outcome);
    }
    expect(fateOf((await trial().send({ signal: trial().lostAnswer() })).receipt)).toEqual(lost);
  });

  for (const status of [301, 302, 303, 307, 308] as const) {
    it(`FLT-14: does not follow a redirect with status ${status}`, async () => {
      const attempt = await trial().send();
      const elsewhere = await new Elsewhere().start();
      trial().vendor.fault({ kind: 'redirect', to: elsewhere.url, status });
      try {
        if (checks) expect(UNANSWERED).toContain((await trial().check(attempt, attempt.code)).outcome);
        expect(fateOf((await trial().send()).receipt)).toEqual(lost);
      } finally {
        await elsewhere.stop();
      }

      expect(elsewhere.connections).toBe(0);
    });
  }
}

const HOSTILE_ANSWERS: readonly (readonly [id: string, SimulatedFault])[] = [
  ['FLT-12', { kind: 'html' }],
  ['FLT-12', { kind: 'empty' }],
  ['FLT-12', { kind: 'truncated' }],
  ['FLT-12', { kind: 'garbage' }],
  ['FLT-13', { kind: 'endless' }],
];

/** More than sockets buffer: otherwise the test could not tell whether the answer was read. */
const TOO_MUCH: readonly (readonly [what: string, SimulatedFault])[] = [
  ['an endless answer', { kind: 'endless' }],
  ['an answer of 16 MiB', { kind: 'answer', body: ' '.repeat(16 * 1024 * 1024) }],
];

/** A server that must receive no connection. */
class Elsewhere extends VendorSimulator {
  protected react(): VendorReaction {
    return { body: '{}' };
  }
}
