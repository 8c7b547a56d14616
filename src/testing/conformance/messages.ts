import type { Runner } from './runner.js';
import type { ProviderSubject } from './subject.js';
import { fateOf, type Trial } from './trial.js';

/** Tests every message that is requested from a vendor. */
export function describeMessages({ it, expect }: Runner, specimen: Trial, trial: () => Trial): void {
  const { mode, capabilities } = specimen.provider;
  const { expected, refusals } = specimen.subject;

  it('has a name that suits logs and tables', async () => {
    expect(trial().provider.name).toMatch(/^[a-z][a-z0-9-]{0,39}$/);
  });

  it('SEC-63: is marked development-only while it talks to a simulator', async () => {
    expect(trial().provider.capabilities.developmentOnly).toBe(true);
  });

  it('requests a message once and gets what its capabilities declare', async () => {
    const { receipt, code, text } = await trial().send();

    expect(receipt.outcome).toBe('sent');
    expect(trial().vendor.requests).toHaveLength(1);
    expect(trial().messages()).toHaveLength(mode === 'generator' ? 0 : 1);
    if (mode === 'delivery') expect(trial().messages()[0]!.text).toBe(text);
    else expect(hasLength(code, trial().figures.codeLength)).toBe(true);
    if (capabilities.correlation === 'provider_id') expect(receipt.reference).toMatch(/^\S+$/);
    expect(receipt.cost !== undefined).toBe(capabilities.reportsCost);
    if (receipt.cost) expect(receipt.cost.amount).toMatch(/^\d+(\.\d+)?$/);
  });

  const usually = capabilities.resendCooldown === 'unknown' ? 'sent' : 'resend_too_soon';
  const { tooSoon = usually } = expected ?? {};
  it(`returns "${tooSoon}" for another message at once`, async () => {
    await trial().send();

    const { receipt } = await trial().sendAtOnce();

    expect(fateOf(receipt)).toEqual({ outcome: tooSoon, ambiguous: false });
    const wait = receipt.retryAfterSeconds ?? 0;
    if (tooSoon === 'resend_too_soon') expect(wait >= 1 && wait <= trial().figures.cooldownSeconds).toBe(true);
  });

  it('sends another message after the declared cooldown', async () => {
    await trial().send();

    const { receipt } = await trial().send();

    expect(receipt.outcome).toBe('sent');
  });

  for (const status of [400, 404, 503]) {
    it(`SEC-60: does not report a message as sent when the answer has status ${status}`, async () => {
      trial().vendor.fault({ kind: 'altered', change: (answer) => ({ ...answer, status }) });

      expect((await trial().send()).receipt.outcome).not.toBe('sent');
    });
  }

  for (const outcome of Object.keys(refusals) as (keyof ProviderSubject['refusals'])[]) {
    const refusal = refusals[outcome];
    if (typeof refusal === 'string') {
      it(`FLT-10: has no "${outcome}" of its own: ${refusal}`, async () => {
        expect(refusal).toMatch(/\w+ \w+/);
      });
      continue;
    }
    it(`FLT-10: recognises from "${outcome}" that nothing was sent`, async () => {
      const refuse = trial().subject.refusals[outcome] as () => void;
      refuse();

      const { receipt } = await trial().send();

      expect(fateOf(receipt)).toEqual({ outcome, ambiguous: false });
      expect(trial().messages()).toHaveLength(0);
    });
  }

  it('FLT-10: reports "unauthorized" when its key is wrong', async () => {
    const before = await trial().send();
    await trial().changeLocks();

    const { receipt } = await trial().send();

    expect(fateOf(receipt)).toEqual({ outcome: 'unauthorized', ambiguous: false });
    expect(trial().messages()).toHaveLength(0);
    if (mode !== 'delivery') expect(await trial().check(before, before.code)).toEqual({ outcome: 'unauthorized' });
  });

  if (capabilities.idempotent) {
    it('FLT-07: sends no second message when a lost one is requested again with the same id, and finds the first', async () => {
      trial().vendor.fault({ kind: 'hang' }, 1);
      const lost = await trial().send({ signal: trial().lostAnswer() });

      const found = await trial().sendAtOnce({ attemptId: lost.attemptId });

      expect(found.receipt.outcome).toBe('sent');
      expect(trial().messages()).toHaveLength(1);
      if (mode === 'delegated') expect(await trial().check(found, lost.code)).toEqual({ outcome: 'verified' });
    });
  }
}

function hasLength(code: string, figure: Trial['figures']['codeLength']): boolean {
  const [min, max] = typeof figure === 'number' ? [figure, figure] : figure === 'unknown' ? [4, 10] : figure;
  return /^\d+$/.test(code) && code.length >= min && code.length <= max;
}
