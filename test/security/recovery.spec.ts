import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { OtpAudit, RecoveryCodes } from 'nestjs-phone-otp';
import type { NewRecoveryCode, RecoveryUse } from 'nestjs-phone-otp/types';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { holding, waiting } from '../support/locks.js';
import { ACTION, type Fixture, newPhone, otpFixture, textsIn } from '../support/otp-fixture.js';
import { outcome, tallyOf } from '../support/outcomes.js';
import { changeNumber, prove } from '../support/proofs.js';
import { until } from '../support/until.js';

const DAY = 86_400;
const WRONG = '00000-00000-00000-00000-00000';
const secondFactor = { purpose: 'second_factor' } as const;

let fixture: Fixture;
let recovery: RecoveryCodes;
let events: EventLog;
beforeAll(async () => {
  fixture = await otpFixture({ metadata: { imports: [EventEmitterModule.forRoot()] }, poolSize: 20, races: true });
  recovery = fixture.app.get(RecoveryCodes);
  events = new EventLog(fixture.app);
});
afterAll(() => fixture.close());
beforeEach(() => {
  events.clear();
  fixture.sms.clear();
});

let accounts = 0;
const newAccount = () => `recovering-${++accounts}`;

/** An account with a number and a set of codes. */
async function customer(daysAgo = 0) {
  const [account, phone] = [newAccount(), newPhone()];
  await fixture.own(phone, account, daysAgo);
  return { account, phone, codes: await recovery.issue(account) };
}

const use = (account: string, code: string, more: Partial<RecoveryUse> = {}) =>
  recovery.use(account, code, { ...secondFactor, ...more });
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** Runs uses in parallel: the first ones wait for the account's codes until all have seen the same state. */
async function together(account: string, calls: (() => Promise<unknown>)[]): Promise<string[]> {
  const release = await holding(fixture, `otp_recovery_codes WHERE account = '${account}'`);
  const begin = (some: typeof calls) => some.map((call) => outcome(call()));
  const first = begin(calls.slice(0, 16)); // the pool has room for the test's own queries beside them
  try {
    await waiting(fixture, 8);
  } finally {
    await release();
  }
  return Promise.all([...first, ...begin(calls.slice(16))]);
}

describe('a set of recovery codes', () => {
  it('SEC-52: has ten codes of 125 bits, of which the database stores only hashes', async () => {
    const { account, codes } = await customer();

    expect(new Set(codes).size).toBe(10);
    expect(await recovery.remaining(account)).toBe(10);
    const rows = textsIn((await fixture.rows('otp_recovery_codes')).filter((row) => row.account === account));
    for (const code of codes) {
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
      expect(rows).not.toContain(code);
      expect(rows).not.toContain(code.replaceAll('-', ''));
    }
    expect(events.of('otp.recovery_issued')).toEqual([{ account, codes: 10 }]);
    evidence('SEC-52', { codes: 10, bitsPerCode: 125 });
  });

  it('SEC-52: invalidates the previous set, used or not', async () => {
    const { account, codes } = await customer();
    await use(account, codes[0]!);

    const anew = await recovery.issue(account);

    expect(await recovery.remaining(account)).toBe(10);
    for (const old of codes.slice(0, 3)) expect(await outcome(use(account, old))).toBe('recovery_code_invalid');
    expect(await use(account, anew[9]!)).toMatchObject({ remaining: 9 });
  });

  it('SEC-52: is one whole set, even after parallel requests', async () => {
    const { account } = await customer();

    const sets = await Promise.all(times(8, () => recovery.issue(account)));

    expect(await recovery.remaining(account)).toBe(10);
    const good: number[] = [];
    for (const [n, set] of sets.entries()) {
      await fixture.elapse(3600);
      const outcomes = [await outcome(use(account, set[0]!)), await outcome(use(account, set[9]!))];
      expect(new Set(outcomes).size).toBe(1);
      if (outcomes[0] === 'ok') good.push(n);
    }
    expect(good).toHaveLength(1);
  });

  it('stays unchanged when the host rolls back', async () => {
    const { account, codes } = await customer();
    events.clear();

    const rolledBack = fixture.dataSource.transaction(async (manager) => {
      await recovery.issue(account, manager);
      throw new Error('of the host');
    });

    await expect(rolledBack).rejects.toThrow('of the host');
    expect(events.all).toEqual([]);
    expect(await outcome(use(account, codes[4]!))).toBe('ok');
  });

  it('is revoked without a deadlock while a new one is issued, with any query plan', async () => {
    const account = newAccount();
    const [code] = await recovery.issue(account);
    await use(account, code!); // from now on the first place is the last row of the table
    const { dataSource } = fixture;

    const release = await holding(fixture, `otp_recovery_codes WHERE account = '${account}' AND place = 5`);
    const revoked = outcome(
      dataSource.transaction(async (manager) => {
        await manager.query(
          `SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_indexscan', 'enable_bitmapscan']) AS name`,
        );
        return recovery.revoke(account, manager);
      }),
    );
    await waiting(fixture, 1);
    const issued = outcome(dataSource.transaction((manager) => recovery.issue(account, manager)));
    await waiting(fixture, 2);
    await release();

    expect([await revoked, await issued]).toEqual(['ok', 'ok']);
    expect(await recovery.remaining(account)).toBe(10);
  });

  it('ends when it is revoked', async () => {
    const { account, codes } = await customer();

    expect(await recovery.revoke(account)).toBe(true);

    expect(await recovery.revoke(account)).toBe(false);
    expect(await recovery.remaining(account)).toBe(0);
    expect(await outcome(use(account, codes[0]!))).toBe('recovery_code_invalid');
  });
});

describe('replacements of used recovery codes', () => {
  /** An account that has used the codes at these places. */
  async function having(...used: number[]) {
    const { account, codes } = await customer();
    events.clear();
    for (const place of used) await use(account, codes[place - 1]!);
    await until('the uses were reported', () => events.of('otp.notice').length === used.length);
    events.clear();
    return { account, codes };
  }
  const setOf = async (account: string) =>
    (await fixture.rows('otp_recovery_codes')).filter((row) => row.account === account);

  it('SEC-52: are new codes in the same places; the used ones stay dead and the unused ones stay valid', async () => {
    const { account, codes } = await having(3, 10);

    const replaced = await recovery.replaceUsed(account);

    expect(replaced.map(({ place }) => place)).toEqual([3, 10]);
    expect(await recovery.remaining(account)).toBe(10);
    expect(events.all).toEqual([{ name: 'otp.recovery_replaced', payload: { account, codes: 2 } }]);
    const rows = textsIn(await setOf(account));
    for (const { code } of replaced) {
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
      expect(rows).not.toContain(code.replaceAll('-', ''));
    }
    const [third, tenth] = [codes[2]!, codes[9]!];
    for (const used of [third, tenth]) expect(await outcome(use(account, used))).toBe('recovery_code_invalid');
    const good = [...codes.filter((code) => code !== third && code !== tenth), ...replaced.map(({ code }) => code)];
    for (const code of good) expect(await outcome(use(account, code))).toBe('ok');
    expect(await recovery.remaining(account)).toBe(0);
    evidence('SEC-52', { replacedAfterUse: replaced.length });
  });

  it('do not exist if no code was used or the account does not exist', async () => {
    const { account, codes } = await having();
    const before = await setOf(account);

    for (const one of [account, newAccount()]) expect(await recovery.replaceUsed(one)).toEqual([]);

    expect(await setOf(account)).toEqual(before);
    expect(events.all).toEqual([]);
    expect(await fixture.app.get(OtpAudit).find({ account })).toMatchObject([{ event: 'recovery_issued' }]);
    expect(await outcome(use(account, codes[0]!))).toBe('ok');
  });

  it('need an account', async () => {
    for (const account of ['', undefined, { $ne: null }]) {
      expect(await outcome(recovery.replaceUsed(account as string))).toBe('request_invalid');
    }
  });

  it('SEC-52: are one new code per place, the stored one, even after parallel requests', async () => {
    const [{ account }, other] = [await having(1, 2, 3), await having(1)];
    const release = await holding(fixture, `otp_recovery_codes WHERE account = '${account}'`);

    const calls = times(12, () => recovery.replaceUsed(account));
    await waiting(fixture, 12);
    await release();
    const answers = await Promise.all(calls);

    const replaced = answers.flat();
    expect(replaced.map(({ place }) => place)).toEqual([1, 2, 3]);
    expect(answers.filter((answer) => answer.length > 0)).toHaveLength(1);
    for (const { code } of replaced) expect(await outcome(use(account, code))).toBe('ok');
    expect(events.of('otp.recovery_replaced')).toEqual([{ account, codes: 3 }]);
    const audit = await fixture.app.get(OtpAudit).find({ account });
    expect(audit.filter(({ event }) => event === 'recovery_replaced')).toHaveLength(1);
    expect(await recovery.remaining(other.account)).toBe(9);
    evidence('SEC-52', { parallelReplacements: 12, newCodesPerUsedOne: 1 });
  });

  it('SEC-52: stay consistent while other codes are used', async () => {
    const { account, codes } = await having();

    const [replaced] = await Promise.all([
      Promise.all(times(10, () => recovery.replaceUsed(account))),
      Promise.all(codes.map((code) => use(account, code))),
    ]);

    const rest = await recovery.replaceUsed(account);
    const all = [...replaced.flat(), ...rest];
    expect(all.map(({ place }) => place).toSorted((a, b) => a - b)).toEqual(times(10, (n) => n + 1));
    for (const { code } of all) expect(await outcome(use(account, code))).toBe('ok');
  });

  it('SEC-52: leave a set whole that is issued meanwhile', async () => {
    const { account } = await having(1, 5);
    const release = await holding(fixture, `otp_recovery_codes WHERE account = '${account}'`);

    const issued = recovery.issue(account);
    await waiting(fixture, 1);
    const replaced = recovery.replaceUsed(account);
    await waiting(fixture, 2);
    await release();

    expect(await replaced).toEqual([]);
    for (const code of await issued) expect(await outcome(use(account, code))).toBe('ok');
  });

  it('are undone when the host rolls back, and reported when it commits', async () => {
    const { account, codes } = await having(4);
    const replaced = (fails: boolean) =>
      fixture.dataSource.transaction(async (manager) => {
        const answer = await recovery.replaceUsed(account, manager);
        expect(answer).toHaveLength(1);
        expect(events.all).toEqual([]);
        if (fails) throw new Error('of the host');
        return answer;
      });

    await expect(replaced(true)).rejects.toThrow('of the host');
    expect(events.all).toEqual([]);
    expect(await recovery.remaining(account)).toBe(9);
    const [committed] = await replaced(false);
    expect(events.of('otp.recovery_replaced')).toEqual([{ account, codes: 1 }]);
    expect(await outcome(use(account, codes[3]!))).toBe('recovery_code_invalid');
    expect(await outcome(use(account, committed!.code))).toBe('ok');
    const audit = await fixture.app.get(OtpAudit).find({ account });
    expect(audit.filter(({ event }) => event === 'recovery_replaced')).toHaveLength(1);
  });
});

describe('a recovery code', () => {
  it('SEC-52: works once, in any spelling, and reports how many are left', async () => {
    const { account, codes } = await customer();
    const [first, second] = codes as [string, string];

    const { grant, expiresAt, remaining } = await use(account, first.toLowerCase().replaceAll('-', ' '));

    expect(remaining).toBe(9);
    expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(300_000);
    expect(await outcome(use(account, first))).toBe('recovery_code_invalid');
    expect(await fixture.grants.consume(grant, { ...secondFactor, subject: account })).toMatchObject({
      subject: account,
      source: 'recovery',
    });
    expect(await outcome(fixture.grants.consume(grant, { ...secondFactor, subject: account }))).toBe('grant_invalid');
    expect((await use(account, second)).remaining).toBe(8);
    expect(events.of('otp.recovery_refused')).toMatchObject([{ account, reason: 'used', failures: 1, closed: false }]);
  });

  it('SEC-52: works for one of 64 parallel uses', async () => {
    const { account, codes } = await customer();

    const outcomes = await together(
      account,
      times(64, () => () => use(account, codes[0]!)),
    );

    const { ok, recovery_code_invalid: compared, locked_out: refused } = tallyOf(outcomes);
    expect({ ok, compared, refused }).toEqual({ ok: 1, compared: 10, refused: 53 });
    const grants = (await fixture.rows('otp_grants')).filter((row) => row.account === account);
    expect(grants).toHaveLength(1);
    evidence('SEC-52', { parallelUsesOfOneCode: 64, successes: 1, grants: grants.length });
  });

  it('SEC-52: counts each of ten that are used in parallel', async () => {
    const { account, codes } = await customer();

    const left = await Promise.all(codes.map(async (code) => (await use(account, code)).remaining));

    expect(left.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await recovery.remaining(account)).toBe(0);
  });

  it('SEC-52: works for its own account only', async () => {
    const [sara, omar] = [await customer(), await customer()];

    expect(await outcome(use(omar.account, sara.codes[0]!))).toBe('recovery_code_invalid');

    expect(await recovery.remaining(sara.account)).toBe(10);
    expect(await outcome(use(sara.account, sara.codes[0]!))).toBe('ok');
  });

  it('SEC-52: reports its use to each phone of the account, in its language, and by an event', async () => {
    const { account, phone, codes } = await customer();
    const second = newPhone();
    await fixture.own(second, account);

    const { grant } = await use(account, codes[0]!, { locale: 'ar-SA' });

    await until('both were notified', () => events.of('otp.notice').length === 2);
    expect(
      fixture.sms
        .messages()
        .map((message) => message.phone)
        .toSorted(),
    ).toEqual([phone, second].toSorted());
    expect(fixture.sms.messages()[0]).toMatchObject({
      purpose: 'recovery_code_used',
      locale: 'ar',
      text: expect.stringContaining('استخدم رمز استرداد في Acme'),
    });
    expect(events.of('otp.recovery_used')).toEqual([{ account, purpose: 'second_factor', remaining: 9 }]);
    const told = JSON.stringify([events.all, fixture.sms.messages().map(({ text }) => text)]);
    for (const secret of [codes[0]!, codes[0]!.replaceAll('-', ''), grant]) expect(told).not.toContain(secret);
  });

  it.each<[what: string, change: object, refusal: string]>([
    ['a purpose that a code by SMS alone may confirm', { purpose: 'transaction' }, 'request_invalid'],
    ['a password reset', { purpose: 'password_reset' }, 'request_invalid'],
    ['a number verification', { purpose: 'verify_number' }, 'request_invalid'],
    ['a login without a password', { purpose: 'login' }, 'request_invalid'],
    ['no purpose', { purpose: undefined }, 'request_invalid'],
    ['an invalid language', { locale: 17 }, 'request_invalid'],
    ['an invalid session', { session: {} }, 'request_invalid'],
    ['an invalid phone', { phone: { $ne: null } }, 'request_invalid'],
  ])('SEC-52: is not spent on %s', async (_, change, refusal) => {
    const { account, codes } = await customer();

    expect(await outcome(use(account, codes[0]!, change))).toBe(refusal);

    expect(await recovery.remaining(account)).toBe(10);
    expect(events.of('otp.recovery_refused')).toEqual([]);
  });

  it('SEC-52: uses no attempt if it is malformed', async () => {
    const { account, codes } = await customer();
    const before = await fixture.rows('otp_lockouts');

    for (const typed of ['', '123456', `${codes[0]}0`, undefined as never, {} as never]) {
      expect(await outcome(use(account, typed))).toBe('code_malformed');
    }

    expect(await fixture.rows('otp_lockouts')).toEqual(before);
  });
});

describe('guesses at recovery codes', () => {
  it('SEC-52: are compared ten times an hour out of 200, and then not even the right one', async () => {
    const { account, codes } = await customer();

    const outcomes = await together(
      account,
      times(200, () => () => use(account, WRONG)),
    );

    expect(tallyOf(outcomes)).toEqual({ recovery_code_invalid: 10, locked_out: 190 });
    await expect(use(account, codes[0]!)).rejects.toMatchObject({
      code: 'locked_out',
      retryAfterSeconds: expect.any(Number),
    });
    expect(await recovery.remaining(account)).toBe(10);
    evidence('SEC-52', { wrongCodes: 200, comparisons: 10, successes: 0 });
  });

  it('SEC-52: cause lockouts that double and end by themselves, and a success clears them', async () => {
    const { account, codes } = await customer();
    const tenWrong = async (): Promise<number> => {
      for (let n = 0; n < 10; n++) expect(await outcome(use(account, WRONG))).toBe('recovery_code_invalid');
      return use(account, WRONG).then(
        () => 0,
        ({ retryAfterSeconds }: { retryAfterSeconds: number }) => retryAfterSeconds,
      );
    };

    const waits: number[] = [];
    for (let n = 0; n < 2; n++) {
      waits.push(await tenWrong());
      await fixture.elapse(waits[n]!);
    }

    expect(waits.map((seconds) => Math.ceil(seconds / 60))).toEqual([15, 30]);
    expect(await outcome(use(account, codes[0]!))).toBe('ok');
    expect(Math.ceil((await tenWrong()) / 60)).toBe(15);
  });

  it('SEC-52: lock the account’s codes after a hundred in a row, until an operator unlocks them', async () => {
    const { account, codes } = await customer();
    for (let n = 0; n < 10; n++) {
      for (let wrong = 0; wrong < 10; wrong++) await outcome(use(account, WRONG));
      await fixture.elapse(DAY);
    }

    expect(await outcome(use(account, codes[0]!))).toBe('locked_out');
    expect(events.of('otp.recovery_refused').filter(({ closed }) => closed)).not.toHaveLength(0);
    await fixture.elapse(400 * DAY);
    await fixture.operations.purge();
    expect(await outcome(use(account, codes[0]!))).toBe('locked_out');

    expect(await fixture.operations.unlock(account)).toBe(true);
    expect(await outcome(use(account, codes[0]!))).toBe('ok');
  });

  it('SEC-52: do not count towards the lockout of codes by SMS', async () => {
    const { account, phone } = await customer();
    for (let n = 0; n < 11; n++) await outcome(use(account, WRONG));

    await expect(prove(fixture, { phone, ...secondFactor, subject: account })).resolves.toBeDefined();
  });

  it('SEC-52: get the same answers after the same statements for an unknown account or one without codes', async () => {
    const pool = (fixture.dataSource.driver as unknown as { master: { Client: { prototype: { query(): unknown } } } })
      .master;
    const query = jest.spyOn(pool.Client.prototype, 'query');
    const story = async (account: string) => {
      query.mockClear();
      const answers: unknown[] = [];
      for (let n = 0; n < 12; n++) {
        await use(account, WRONG).catch(({ code, message, retryAfterSeconds }: Error & Record<string, unknown>) => {
          answers.push([code, message, retryAfterSeconds]);
        });
      }
      return { answers, statements: query.mock.calls.map((call) => (call as unknown as { name: string }[])[0]!.name) };
    };
    const { account } = await customer();
    const without = newAccount();
    await fixture.own(newPhone(), without);

    const known = await story(account);
    const others = [await story(newAccount()), await story(without)];
    query.mockRestore();

    expect(known.answers.map((answer) => (answer as string[])[0])).toEqual([
      ...times(10, () => 'recovery_code_invalid'),
      'locked_out',
      'locked_out',
    ]);
    expect(known.statements).toHaveLength(12);
    for (const other of others) expect(other).toEqual(known);
  });

  it('SEC-52: count in an hour that begins with the first, even if many come first in parallel', async () => {
    const { account } = await customer();

    const outcomes = await Promise.all(times(30, () => outcome(use(account, WRONG))));

    expect(tallyOf(outcomes)).toEqual({ recovery_code_invalid: 10, locked_out: 20 });
  });
});

describe('the audit of recovery codes', () => {
  it('SEC-52: contains each attempt and its result, and no code', async () => {
    const { account, codes } = await customer();
    await use(account, codes[0]!);
    await outcome(use(account, codes[0]!));
    for (let n = 0; n < 10; n++) await outcome(use(account, WRONG));
    const [{ code }] = (await recovery.replaceUsed(account)) as [NewRecoveryCode];
    await recovery.revoke(account);

    const entries = await fixture.app.get(OtpAudit).find({ account });

    const told = entries.toReversed().map(({ event, outcome: why }) => [event, why].filter(Boolean).join(': '));
    expect(told).toEqual([
      'recovery_issued',
      'recovery_used',
      'recovery_refused: used',
      ...times(9, () => 'recovery_refused: wrong_code'),
      'locked_out',
      'recovery_refused: locked_out',
      'recovery_replaced',
      'recovery_revoked',
    ]);
    for (const secret of [codes[0]!, code]) expect(JSON.stringify(entries)).not.toContain(secret);
  });
});

describe('the grant of a recovery code', () => {
  it('SEC-52: is bound to its account, purpose and session like any other', async () => {
    const { account, codes } = await customer();
    const session = 'session-1';
    const { grant } = await use(account, codes[0]!, { purpose: 'change_number', session });
    const change = { purpose: 'change_number', subject: account, session };

    for (const wrong of [
      { ...change, subject: newAccount() },
      { ...change, session: 'session-2' },
      { purpose: 'change_number', subject: account },
      { purpose: 'change_number' },
      { ...change, purpose: 'transaction', action: ACTION },
      { ...change, purpose: 'verify_number' },
      { ...secondFactor, subject: account },
      { purpose: 'login' },
      { purpose: 'password_reset' },
    ]) {
      expect(await outcome(fixture.grants.check(grant, wrong))).toBe('grant_invalid');
      expect(await outcome(fixture.grants.consume(grant, wrong))).toBe('grant_invalid');
    }
    await fixture.elapse(299);
    expect(await outcome(fixture.grants.check(grant, change))).toBe('ok');
    await fixture.elapse(1);
    expect(await outcome(fixture.grants.consume(grant, change))).toBe('grant_invalid');
  });

  it('SEC-52: proves no number: it neither renews nor binds one', async () => {
    const { account, phone, codes } = await customer(100);
    const [before] = await fixture.numbers.history({ phone });
    const { grant } = await use(account, codes[0]!);

    const proof = { ...secondFactor, subject: account };
    expect(await outcome(fixture.numbers.activate(grant, account, undefined, proof))).toBe('grant_invalid');
    await fixture.grants.consume(grant, proof);

    expect(await fixture.numbers.history({ phone })).toEqual([before]);
  });

  it('admits an account that has no number any more, and states that no number was proved', async () => {
    const { account, phone, codes } = await customer();
    await fixture.numbers.release(phone, account, 'lost');

    const { grant } = await use(account, codes[0]!);

    const proof = await fixture.grants.consume(grant, { ...secondFactor, subject: account });
    expect(proof).toMatchObject({ subject: account, phone: '', source: 'recovery' });
    expect(fixture.sms.messages()).toEqual([]);
  });
});

describe('a change of number with a recovery code', () => {
  async function changeByRecovery(account: string, code: string, to = newPhone(), more: Partial<RecoveryUse> = {}) {
    const { grant: currentNumberGrant } = await use(account, code, { purpose: 'change_number', ...more });
    const { grant: newNumberGrant } = await prove(fixture, { phone: to, purpose: 'verify_number', subject: account });
    await until('the use was reported', () => events.of('otp.notice').length > 0);
    events.clear();
    fixture.sms.clear();
    return fixture.numbers.change(account, { currentNumberGrant, newNumberGrant });
  }

  it('SEC-49: puts the new number on hold for a day, notifies the lost one, and is recorded in the history', async () => {
    const { account, phone, codes } = await customer(30);
    const to = newPhone();

    const number = await changeByRecovery(account, codes[0]!, to);

    expect(number.heldUntil!.getTime() - number.verifiedAt.getTime()).toBe(DAY * 1000);
    await until('the lost number was notified', () => events.of('otp.notice').length === 1);
    expect(fixture.sms.messages()).toMatchObject([{ phone, purpose: 'number_changed' }]);
    expect(await fixture.numbers.history({ owner: account })).toMatchObject([
      { phone: to, source: 'verify_number', releasedAt: null },
      { phone, releaseReason: 'changed_by_recovery' },
    ]);
    const pay = { phone: to, purpose: 'transaction', subject: account, action: ACTION, client: 'server' } as const;
    expect(await outcome(fixture.otp.start(pay))).toBe('phone_on_hold');
  });

  it('SEC-49: still needs a code to the new number, and the account’s own recovery code', async () => {
    const [sara, omar] = [await customer(), await customer()];
    const recovered = await use(sara.account, sara.codes[0]!, { purpose: 'change_number' });
    const { grant } = recovered;

    for (const newNumberGrant of ['', 'x'.repeat(64), grant]) {
      const change = fixture.numbers.change(sara.account, { currentNumberGrant: grant, newNumberGrant });
      expect(await outcome(change)).toBe(newNumberGrant === '' ? 'grant_required' : 'grant_invalid');
    }
    const to = { purpose: 'verify_number', subject: omar.account };
    const { grant: newNumberGrant } = await prove(fixture, to);
    const stolen = fixture.numbers.change(omar.account, { currentNumberGrant: grant, newNumberGrant });
    expect(await outcome(stolen)).toBe('grant_invalid');
    expect(await fixture.numbers.ownerOf(sara.phone)).toBe(sara.account);
    expect(await fixture.numbers.ownerOf(omar.phone)).toBe(omar.account);
  });

  it('SEC-49: can leave a number that is itself on hold, such as a thief’s', async () => {
    const { account, phone, codes } = await customer();
    const thiefs = newPhone();
    await changeNumber(fixture, account, phone, thiefs);
    const own = newPhone();

    await expect(changeByRecovery(account, codes[0]!, own)).resolves.toMatchObject({ phone: own });

    expect(await fixture.numbers.ownerOf(thiefs)).toBeNull();
  });

  it('leaves the named number if there are several', async () => {
    const { account, phone: inUse, codes } = await customer();
    const lost = newPhone();
    await fixture.own(lost, account, 90);

    await changeByRecovery(account, codes[0]!, newPhone(), { phone: lost });

    expect(await fixture.numbers.ownerOf(inUse)).toBe(account);
    expect(await fixture.numbers.ownerOf(lost)).toBeNull();
  });

  it('costs no code if there is no such number', async () => {
    const [{ account, phone, codes }, other] = [await customer(), await customer()];

    for (const foreign of [other.phone, newPhone()]) {
      const asked = use(account, codes[0]!, { purpose: 'change_number', phone: foreign });
      expect(await outcome(asked)).toBe('phone_missing');
    }
    await fixture.numbers.release(phone, account, 'lost');
    expect(await outcome(use(account, codes[0]!, { purpose: 'change_number' }))).toBe('phone_missing');
    // A caller without the account's codes cannot learn that.
    expect(await outcome(use(account, WRONG, { purpose: 'change_number' }))).toBe('recovery_code_invalid');

    expect(await recovery.remaining(account)).toBe(10);
    expect(fixture.sms.messages()).toEqual([]);
  });
});
