import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { BotCheck, type OtpModuleOptions, PhoneRisk, type PhoneSignals } from 'nestjs-phone-otp';
import type { CallToCheck } from 'nestjs-phone-otp/types';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { headerCallers, post, seen } from '../support/http.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const HOUR_MS = 3_600_000;
const anHourAgo = () => new Date(Date.now() - HOUR_MS);
const never = new Promise<never>(() => undefined);

let fixture: Fixture;
let events: EventLog;
afterEach(() => fixture?.close());

async function open(checks: object[], options: Partial<OtpModuleOptions> = {}): Promise<void> {
  fixture = await otpFixture({
    adapter: new ExpressAdapter(),
    routes: { prefix: 'otp' },
    options: { ...options },
    metadata: { imports: [EventEmitterModule.forRoot()], providers: [headerCallers, ...(checks as never[])] },
  });
  events = new EventLog(fixture.app);
}

describe('the risk hook', () => {
  const withRisk = (assess: () => Promise<PhoneSignals>, options?: Partial<OtpModuleOptions>) =>
    open([{ provide: PhoneRisk, useValue: { assess } }], options);
  const stepUps = [
    { purpose: 'transaction', action: ACTION },
    { purpose: 'change_number' },
    { purpose: 'password_reset' },
  ];
  async function signedIn(of: object): Promise<string> {
    const phone = newPhone();
    await fixture.own(phone, 'account-1');
    const request = { phone, subject: 'account-1', client: 'server' as const, purpose: 'transaction', ...of };
    return fixture.otp.start(request).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  }
  /** Returns the result of a stranger's start: the messages at the phone, once the result is recorded. */
  async function anonymous(purpose: string): Promise<number> {
    const phone = newPhone();
    await fixture.own(phone, 'account-2');
    await fixture.otp.start({ phone, purpose, client });
    await until('the result is recorded', async () => {
      const [{ length: challenges }, { length: sends }] = [
        await fixture.rows('otp_challenges'),
        await fixture.rows('otp_sends'),
      ];
      return sends === challenges;
    });
    return fixture.sms.messages(phone).length;
  }

  it.each([
    ['a SIM changed an hour ago', { simSwappedAt: anHourAgo() }, 'sim_swapped'],
    ['a number ported an hour ago', { portedAt: anHourAgo() }, 'ported'],
    ['a number given away an hour ago', { recycledAt: anHourAgo() }, 'recycled'],
    ['another signal', { risky: true }, 'risky'],
    ['an invalid date', { simSwappedAt: new Date('never') }, 'sim_swapped'],
  ])('SEC-29, SEC-51: tells a signed-in account to use another factor, for %s', async (_, signals, doubt) => {
    await withRisk(async () => signals);

    for (const stepUp of stepUps) expect(await signedIn(stepUp)).toBe('other_factor_needed');

    expect(fixture.sms.messages()).toHaveLength(0);
    expect(await fixture.rows('otp_challenges')).toHaveLength(0);
    expect(events.of('otp.risk')).toHaveLength(3);
    expect(events.of('otp.risk')[0]).toMatchObject({ purpose: 'transaction', doubt, withheld: true });
  });

  it('SEC-29: gives an anonymous reset the usual answer and sends no message', async () => {
    await withRisk(async () => ({ simSwappedAt: anHourAgo() }));
    const phone = newPhone();
    await fixture.own(phone, 'account-1');
    const start = (to: string) => post(fixture.app, '/otp/start', { phone: to, purpose: 'password_reset' });

    expect(seen(await start(phone))).toEqual(seen(await start(newPhone())));
    await until('it is withheld', () => events.of('otp.risk').length === 1);

    expect(fixture.sms.messages()).toHaveLength(0);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'withheld' }]);
  });

  it('SEC-29: withholds login codes too, unless the host accepts the risk', async () => {
    await withRisk(async () => ({ simSwappedAt: anHourAgo() }));
    expect(await anonymous('login')).toBe(0);
    expect(await signedIn({ purpose: 'second_factor' })).toBe('other_factor_needed');
    await fixture.close();

    await withRisk(async () => ({ simSwappedAt: anHourAgo() }), { acceptRiskyLogins: true });
    expect(await anonymous('login')).toBe(1);
    expect(await signedIn({ purpose: 'second_factor' })).toBe('ok');
    expect(await signedIn({ purpose: 'transaction', action: ACTION })).toBe('other_factor_needed');
  });

  it.each([
    ['throws', () => Promise.reject(new Error('the mobile operator is down'))],
    ['answers nothing', async () => undefined as never],
    ['hangs', () => never],
  ])('FLT-22: clears no step-up and stops no login if it %s', async (_, assess) => {
    await withRisk(assess);

    expect(await signedIn({ purpose: 'transaction', action: ACTION })).toBe('other_factor_needed');
    expect(await anonymous('password_reset')).toBe(0);
    expect(await anonymous('login')).toBe(1);
    expect(events.of('otp.risk').map(({ doubt, withheld }) => [doubt, withheld])).toEqual([
      ['no_answer', true],
      ['no_answer', true],
      ['no_answer', false],
    ]);
  });

  it('SEC-29: allows codes without a risk signal, and codes that verify a number again', async () => {
    await withRisk(async () => ({ simSwappedAt: new Date(Date.now() - 241 * HOUR_MS), portedAt: null }));
    for (const stepUp of stepUps) expect(await signedIn(stepUp)).toBe('ok');
    await fixture.close();

    await withRisk(async () => ({ recycledAt: anHourAgo() }));
    expect(await anonymous('registration')).toBe(1);
    expect(await signedIn({ purpose: 'verify_number' })).toBe('ok');
  });

  it('SEC-29: is asked again before a resend', async () => {
    let signals: PhoneSignals = {};
    await withRisk(async () => signals);
    const phone = newPhone();
    await fixture.own(phone, 'account-1');
    const request = { phone, purpose: 'transaction', subject: 'account-1', client: 'server', action: ACTION } as const;
    const { challenge } = await fixture.otp.start(request);
    signals = { simSwappedAt: anHourAgo() };
    await fixture.elapse(61);

    await expect(fixture.otp.resend({ challenge, client })).rejects.toMatchObject({ code: 'other_factor_needed' });
    expect(fixture.sms.messages(phone)).toHaveLength(1);
  });
});

describe('guessing over many accounts', () => {
  async function guess(index: number, code?: string): Promise<string> {
    const phone = `+9665${40_000_000 + index}`;
    const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client: 'server' });
    const right = await fixture.codeFor(phone);
    const request = { challenge, code: code ?? wrongCode(right), purpose: 'registration' };
    return fixture.otp.verify(request).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  }

  it('SEC-28: is detected from one wrong code on each of 500 accounts and slows none of them', async () => {
    await open([]);

    const outcomes = [];
    for (let first = 0; first < 500; first += 25) {
      outcomes.push(...(await Promise.all(Array.from({ length: 25 }, (_, n) => guess(first + n)))));
    }

    expect(new Set(outcomes)).toEqual(new Set(['otp_invalid']));
    expect(events.of('otp.spraying')).toEqual([100, 200, 300, 400, 500].map((failures) => ({ failures })));
    evidence('SEC-28', { accounts: 500, wrongCodesEach: 1, events: 5, accountsSlowed: 0 });
  });

  it('SEC-28: is forgotten after ten minutes', async () => {
    await open([], { sprayingFailures: 2 });
    await guess(600);
    await fixture.elapse(601);
    await guess(601);

    expect(events.of('otp.spraying')).toEqual([]);
  });

  it('SEC-28: is detected where the vendor checks the codes, and right codes do not count', async () => {
    const vendor = new ScriptedVendor();
    fixture = await otpFixture({
      provider: vendor,
      options: { sprayingFailures: 2 },
      metadata: { imports: [EventEmitterModule.forRoot()] },
    });
    events = new EventLog(fixture.app);
    const attempt = async (right: boolean) => {
      const phone = newPhone();
      const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client: 'server' });
      await until('the vendor has it', () => vendor.starts.some((start) => start.phone === phone));
      const code = right ? vendor.codeFor(phone) : wrongCode(vendor.codeFor(phone));
      await fixture.otp.verify({ challenge, code, purpose: 'registration' }).catch(() => undefined);
    };

    for (const right of [true, false, true, false]) await attempt(right);

    await until('it is detected', () => events.of('otp.spraying').length > 0);
    expect(events.of('otp.spraying')).toEqual([{ failures: 2 }]);
  });

  it('SEC-28: requires the bot check before every code while it lasts', async () => {
    let human = false;
    await open([{ provide: BotCheck, useValue: { isHuman: async () => human } }], { sprayingFailures: 2 });
    for (const index of [610, 611]) await guess(index);
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client: 'server' });
    const request = { challenge, code: await fixture.codeFor(phone), purpose: 'registration', client };

    await expect(fixture.otp.verify(request)).rejects.toMatchObject({ code: 'bot_check_failed' });
    human = true;
    await expect(fixture.otp.verify(request)).resolves.toHaveProperty('grant');
  });
});

describe('the bot check', () => {
  let calls: CallToCheck[];
  const withBots = (isHuman: (call: CallToCheck) => Promise<boolean>) => {
    calls = [];
    const asked = (call: CallToCheck) => {
      calls.push(call);
      return isHuman(call);
    };
    return open([{ provide: BotCheck, useValue: { isHuman: asked } }]);
  };
  const byToken = async ({ token }: CallToCheck) => token === 'a person';
  const start = (token?: string) =>
    post(
      fixture.app,
      '/otp/start',
      { phone: newPhone(), purpose: 'registration' },
      token === undefined ? {} : { 'OTP-Bot-Token': token },
    );

  it("SEC-27: sends codes only to clients that pass the widget's check", async () => {
    await withBots(byToken);

    expect(await start('a person')).toMatchObject({ status: 202 });
    for (const token of [undefined, 'a machine']) {
      expect(await start(token)).toMatchObject({ status: 403, json: { code: 'bot_check_failed' } });
    }
    expect(await fixture.rows('otp_challenges')).toHaveLength(1);
    expect(calls[0]).toEqual({
      step: 'start',
      purpose: 'registration',
      token: 'a person',
      address: expect.any(String),
    });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('the service is down'))],
    ['says neither yes nor no', async () => 'yes' as never],
    ['hangs', () => never],
  ])('SEC-27: counts as failed if it %s', async (_, isHuman) => {
    await withBots(isHuman);

    expect(await start('a person')).toMatchObject({ status: 403, json: { code: 'bot_check_failed' } });
    expect(fixture.sms.messages()).toHaveLength(0);
  });

  it('SEC-27: is required again after two wrong codes, before the next one is compared', async () => {
    await withBots(byToken);
    const phone = newPhone();
    const purpose = 'registration';
    const person = { 'OTP-Bot-Token': 'a person' };
    const { json } = await post(fixture.app, '/otp/start', { phone, purpose }, person);
    const code = await fixture.codeFor(phone);
    const verify = (typed: string, headers = {}) =>
      post(fixture.app, '/otp/verify', { challenge: json.challenge, code: typed, purpose }, headers);

    for (let wrong = 0; wrong < 2; wrong++) {
      expect(await verify(wrongCode(code))).toMatchObject({ json: { code: 'otp_invalid' } });
    }
    expect(await verify(code)).toMatchObject({ status: 403, json: { code: 'bot_check_failed' } });
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ attempts: 2 }]);
    expect(await verify(code, person)).toMatchObject({ status: 200 });
    expect(calls.map(({ step }) => step)).toEqual(['start', 'verify', 'verify']);
  });

  it('SEC-27: is not required from the host itself or from signed-in callers', async () => {
    await withBots(async () => false);

    await expect(
      fixture.otp.start({ phone: newPhone(), purpose: 'registration', client: 'server' }),
    ).resolves.toHaveProperty('challenge');
    await expect(
      fixture.otp.start({ phone: newPhone(), purpose: 'verify_number', subject: 'account-1', client }),
    ).resolves.toHaveProperty('challenge');
    expect(calls).toHaveLength(0);
  });
});
