import type { CheckOutcome } from '../../delivery/provider.js';
import type { SimulatedAnswer } from '../../simulators/faults.js';
import type { Runner } from './runner.js';
import { type Trial, wrong } from './trial.js';

/** Tests every code that the vendor checks: only one of its possible answers means success. */
export function describeChecks({ it, expect }: Runner, specimen: Trial, trial: () => Trial): void {
  const { mode, capabilities } = specimen.provider;
  const { expected, repeatsCodes } = specimen.subject;
  const { exhausted = 'attempts_exhausted', used = 'already_verified' } = expected ?? {};
  const { expired = capabilities.distinguishesExpired ? 'expired' : 'incorrect_code' } = expected ?? {};
  const { maxAttempts } = specimen.figures;

  /** Checks a right code and alters the answer in transit. */
  async function checkAltered(change: (answer: SimulatedAnswer) => SimulatedAnswer): Promise<CheckOutcome> {
    const attempt = await trial().send();
    trial().vendor.fault({ kind: 'altered', change });
    return (await trial().check(attempt, attempt.code)).outcome;
  }

  /** Returns the vendor's unaltered answer to the given work. */
  async function answerTo(work: () => Promise<unknown>): Promise<SimulatedAnswer> {
    let seen: SimulatedAnswer = { body: '' };
    trial().vendor.fault({ kind: 'altered', change: (answer) => (seen = answer) });
    await work();
    trial().vendor.heal();
    return seen;
  }

  it('rejects a wrong code and then accepts the right one', async () => {
    const attempt = await trial().send();

    expect(await trial().check(attempt, wrong(attempt.code))).toEqual({ outcome: 'incorrect_code' });
    expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: 'verified' });
  });

  it(`returns "${used}" for a used code`, async () => {
    const attempt = await trial().send();
    await trial().check(attempt, attempt.code);

    expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: used });
  });

  it(`returns "${expired}" for an expired code`, async () => {
    const attempt = await trial().send();
    trial().elapse(trial().figures.ttlSeconds);

    expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: expired });
  });

  it(`returns "${exhausted}" for the right code after ${maxAttempts} wrong ones`, async () => {
    const attempt = await trial().send();
    const guesses: CheckOutcome[] = [];
    for (let guess = 0; guess < maxAttempts; guess++) {
      guesses.push((await trial().check(attempt, wrong(attempt.code))).outcome);
    }

    expect(guesses.slice(0, -1)).toEqual(Array.from({ length: maxAttempts - 1 }, () => 'incorrect_code'));
    expect(['incorrect_code', 'attempts_exhausted']).toContain(guesses.at(-1));
    expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: exhausted });
  });

  it('FLT-15: never reports success for a used code whose answer was lost, and a new code then works', async () => {
    const attempt = await trial().send();
    trial().vendor.fault({ kind: 'hang' }, 1);

    expect(UNANSWERED).toContain(
      (await trial().check(attempt, attempt.code, { signal: trial().lostAnswer() })).outcome,
    );
    expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: used });
    const anew = await trial().send();
    expect(await trial().check(anew, anew.code)).toEqual({ outcome: 'verified' });
  });

  if (mode === 'delegated' && capabilities.correlation !== 'provider_id') {
    it('FLT-07: accepts the code of a message whose request got no answer', async () => {
      trial().vendor.fault({ kind: 'hang' }, 1);
      const attempt = await trial().send({ signal: trial().lostAnswer() });

      expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: 'verified' });
    });
  } else {
    it('FLT-07: does not ask the vendor about a code whose reference was lost with the answer', async () => {
      trial().vendor.fault({ kind: 'hang' }, 1);
      const attempt = await trial().send({ signal: trial().lostAnswer() });
      const before = trial().vendor.requests.length;

      const { outcome } = await trial().check(attempt, '123456');

      expect(outcome).not.toBe('verified');
      expect(trial().vendor.requests).toHaveLength(before);
    });
  }

  if (repeatsCodes) {
    it('FLT-16: receives the same code until it is used, even if messages are duplicated', async () => {
      trial().vendor.fault({ kind: 'duplicate' });
      const first = await trial().send();
      const second = await trial().send();

      expect(
        trial()
          .messages()
          .map(({ code }) => code),
      ).toEqual(Array.from({ length: 4 }, () => first.code));
      expect(await trial().check(second, first.code)).toEqual({ outcome: 'verified' });
      expect((await trial().check(second, first.code)).outcome).not.toBe('verified');
    });
  } else {
    it('FLT-16: rejects an old code that arrives late, then accepts the new one', async () => {
      trial().vendor.fault({ kind: 'duplicate' });
      const old = await trial().send();
      let attempt = await trial().send();
      while (attempt.code === old.code) attempt = await trial().send(); // four-digit codes can collide

      expect((await trial().check(attempt, old.code)).outcome).toBe('incorrect_code');
      expect(await trial().check(attempt, attempt.code)).toEqual({ outcome: 'verified' });
    });
  }

  if ('cancel' in specimen.provider) {
    it('rejects a cancelled code', async () => {
      const { provider, subject } = trial();
      const { attemptId, receipt, code } = await trial().send();
      const { reference } = receipt;
      const { phone, region } = subject;
      const request = { phone, region, attemptId, ...(reference !== undefined && { reference }) };
      if (provider.mode === 'delegated') await provider.cancel?.(request, { signal: AbortSignal.timeout(4_000) });

      expect((await trial().check({ attemptId, receipt, code, text: '' }, code)).outcome).not.toBe('verified');
    });
  }

  for (const [what, change] of ALTERATIONS) {
    it(`SEC-60: does not report success when the answer to a right code has ${what}`, async () => {
      expect(await checkAltered(change)).not.toBe('verified');
    });
  }

  it('SEC-60: does not report success for the answer to a wrong code or to a message, even with a success status', async () => {
    const attempt = await trial().send();
    const refusal = await answerTo(() => trial().check(attempt, wrong(attempt.code)));
    const message = await answerTo(() => trial().send());
    const { status = 200 } = await answerTo(async () => {
      const again = await trial().send();
      await trial().check(again, again.code);
    });

    for (const { body } of [refusal, message]) {
      expect(await checkAltered((answer) => ({ ...answer, status, body }))).not.toBe('verified');
      trial().vendor.heal();
    }
  });

  it('SEC-60: does not report success for an answer that names another phone', async () => {
    const digits = specimen.subject.phone.slice(-8);
    const other = digits.replace(/./g, (digit) => String((Number(digit) + 1) % 10));
    let isNamed = false;

    const outcome = await checkAltered((answer) => {
      isNamed = answer.body.includes(digits);
      return { ...answer, body: answer.body.replaceAll(digits, other) };
    });

    expect(isNamed && outcome === 'verified').toBe(false);
  });
}

/** The outcomes of a check that got no usable answer. None of them is success. */
export const UNANSWERED = ['unknown', 'provider_unavailable'];

const ALTERATIONS: readonly (readonly [string, (answer: SimulatedAnswer) => SimulatedAnswer])[] = [
  ...[400, 404, 503].map(
    (status) => [`status ${status}`, (answer: SimulatedAnswer) => ({ ...answer, status })] as const,
  ),
  ['every value changed', each(another)],
  ['every value wrapped in a list', each((value) => `[${JSON.stringify(value)}]`)],
  ['every value spelled differently', each(respelled)],
];

/** Changes every value of a JSON answer, at any depth. */
function each(write: (value: unknown) => string): (answer: SimulatedAnswer) => SimulatedAnswer {
  const written = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(written).join()}]`;
    if (typeof value !== 'object' || value === null) return write(value);
    return `{${Object.entries(value)
      .map(([name, part]) => `${JSON.stringify(name)}:${written(part)}`)
      .join()}}`;
  };
  return (answer) => ({ ...answer, body: written(jsonOf(answer.body)) });
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function another(value: unknown): string {
  if (typeof value === 'number') return String(value + 1);
  return JSON.stringify(typeof value === 'boolean' ? !value : value === null ? value : 'False');
}

/** A different spelling that JSON or a lenient comparison treats as equal. */
function respelled(value: unknown): string {
  if (typeof value === 'number') return value.toExponential();
  if (typeof value === 'string') return JSON.stringify(` ${value}`);
  return JSON.stringify(String(value));
}
