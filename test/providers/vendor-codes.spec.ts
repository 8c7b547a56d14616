import { setTimeout as sleep } from 'node:timers/promises';

import { type OtpModuleOptions, PhoneAccounts } from 'nestjs-phone-otp';
import type { CheckReceipt, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import { evidence } from '../support/evidence.js';
import { holding, waiting } from '../support/locks.js';
import { fates } from '../support/messages.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { ScriptedGenerator, ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const purpose = 'registration';
const ignore = () => undefined;

describe('vendor-checked codes', () => {
  let vendor: ScriptedVendor;
  let fixture: Fixture;

  async function open(given = new ScriptedVendor(), options: Partial<OtpModuleOptions> = {}): Promise<void> {
    vendor = given;
    fixture = await otpFixture({ provider: vendor, options });
  }
  afterEach(() => fixture.close());

  /** Starts a challenge and waits until its delivery is recorded. */
  async function started(phone = newPhone()) {
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    await until(
      'the delivery is recorded',
      async () => (await fixture.rows('otp_sends')).length === vendor.starts.length,
    );
    return { phone, challenge, code: vendor.codeFor(phone) };
  }
  const verify = (challenge: string, code: string) => fixture.otp.verify({ challenge, code, purpose });
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  const tally = (codes: string[]) =>
    Object.fromEntries(
      [...new Set(codes)].sort().map((code) => [code, codes.filter((other) => other === code).length]),
    );

  it('SEC-06 SEC-17: accepts exactly one of 64 parallel correct codes', async () => {
    await open();
    const { challenge, code } = await started();

    const outcomes = await Promise.all(Array.from({ length: 64 }, () => codeOf(verify(challenge, code))));

    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
    expect(vendor.checks.length).toBeLessThanOrEqual(5);
    expect(await fixture.rows('otp_grants')).toHaveLength(1);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'consumed' }]);
    for (const id of ['SEC-06', 'SEC-17']) evidence(id, { rightCodes: 64, successes: 1 });
  });

  it('SEC-07 SEC-17: sends the vendor only 5 of 200 parallel wrong codes, and then not even the correct one', async () => {
    await open();
    const { challenge, code } = await started();

    const outcomes = await Promise.all(Array.from({ length: 200 }, () => codeOf(verify(challenge, wrongCode(code)))));

    expect(tally(outcomes)).toEqual({ otp_invalid: 5, otp_unavailable: 195 });
    expect(vendor.checks).toHaveLength(5);
    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_unavailable' });
    expect(vendor.checks).toHaveLength(5);
    for (const id of ['SEC-07', 'SEC-17']) evidence(id, { wrongCodes: 200, askedOfVendor: vendor.checks.length });
  });

  it('SEC-09: sends the vendor 10 wrong codes of a subject across its challenges, then locks the subject out', async () => {
    await open();
    const phone = newPhone();
    const challenges: { challenge: string; code: string }[] = [];
    for (let n = 0; n < 4; n++) {
      challenges.push(await started(phone));
      await fixture.elapse(61);
    }

    const outcomes = await Promise.all(
      challenges.flatMap(({ challenge, code }) =>
        Array.from({ length: 5 }, () => codeOf(verify(challenge, wrongCode(code)))),
      ),
    );

    expect(vendor.checks).toHaveLength(10);
    expect(tally(outcomes)).toMatchObject({ otp_invalid: 10 });
  });

  it('clears the subject’s failures if the last attempt succeeds', async () => {
    await open();
    const { challenge, code } = await started();
    for (let n = 0; n < 4; n++)
      await expect(verify(challenge, wrongCode(code))).rejects.toMatchObject({ code: 'otp_invalid' });

    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');

    expect(await fixture.rows('otp_lockouts')).toEqual([]);
  });

  it('SEC-13 SEC-14: does not call the vendor for a different purpose, subject or handle', async () => {
    await open();
    const { challenge, code } = await started();
    const [id] = challenge.split('.');

    await expect(fixture.otp.verify({ challenge, code, purpose: 'login' })).rejects.toMatchObject({
      code: 'otp_unavailable',
    });
    await expect(fixture.otp.verify({ challenge, code, purpose, subject: 'b' })).rejects.toMatchObject({
      code: 'otp_unavailable',
    });
    await expect(verify(`${id}.AAAAAAAAAAAAAAAAAAAAAA`, code)).rejects.toMatchObject({ code: 'otp_unavailable' });

    expect(vendor.checks).toEqual([]);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });

  it('passes the vendor its own reference and one attempt id per message, the same at start and check', async () => {
    await open();
    const { phone, challenge } = await started();
    await fixture.elapse(61);
    await fixture.otp.resend({ challenge, client });
    await until('the second delivery is recorded', async () => (await fixture.rows('otp_sends')).length === 2);

    await expect(verify(challenge, vendor.codeFor(phone))).resolves.toHaveProperty('grant');

    const [first, second] = vendor.starts;
    expect(second!.attemptId).not.toBe(first!.attemptId);
    expect(vendor.checks).toMatchObject([
      { attemptId: second!.attemptId, reference: `ref-${second!.attemptId}`, phone },
    ]);
  });

  it.each<[string, () => Promise<CheckReceipt>]>([
    ['a lost response', () => Promise.reject(new Error('socket hang up'))],
    ['no response within the time limit', () => new Promise<CheckReceipt>(ignore)],
    ['already_verified', async () => ({ outcome: 'already_verified' })],
    ['unknown', async () => ({ outcome: 'unknown' })],
    ['expired', async () => ({ outcome: 'expired' })],
    ['attempts_exhausted', async () => ({ outcome: 'attempts_exhausted' })],
  ])(
    'FLT-15: takes %s for a wrong code, also when the vendor had said yes, and keeps the try spent',
    async (_what, answer) => {
      await open(new ScriptedVendor(), { providerTimeoutMs: 100 });
      const { challenge, code } = await started();
      vendor.answerCheck = answer;

      await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_invalid' });

      vendor.answerCheck = async (receipt) => receipt; // it now reports "already_verified", which is not success
      await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_invalid' });
      expect(await fixture.rows('otp_grants')).toEqual([]);
      expect(await fixture.rows('otp_challenges')).toMatchObject([{ attempts: 2 }]);
    },
  );

  it('SEC-12: rejects a code that was replaced while the vendor checked it', async () => {
    await open();
    const { challenge, code } = await started();
    await fixture.elapse(61);
    let answer: () => void = ignore;
    vendor.answerCheck = (receipt) => new Promise((resolve) => (answer = () => resolve(receipt)));
    const verifying = codeOf(verify(challenge, code));
    await until('the vendor is asked', () => vendor.checks.length === 1);

    await fixture.otp.resend({ challenge, client });
    answer();

    expect(await verifying).toBe('otp_invalid');
    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('SEC-12: sends no code if a concurrent verification uses the last attempt', async () => {
    await open();
    const { challenge, code } = await started();
    for (let attempts = 1; attempts < 5; attempts++) await codeOf(verify(challenge, wrongCode(code)));
    await fixture.elapse(61);

    const release = await holding(fixture, 'otp_challenges');
    const last = codeOf(verify(challenge, wrongCode(code)));
    await waiting(fixture, 1);
    const resent = codeOf(fixture.otp.resend({ challenge, client }));
    await waiting(fixture, 2); // it saw a remaining attempt and waits for the row lock
    await release();

    expect([await last, await resent]).toEqual(['otp_invalid', 'otp_unavailable']);
    expect(vendor.starts).toHaveLength(1);
  });

  it('FLT-07: keeps the challenge and does not send again if the response to a start is lost', async () => {
    await open(new ScriptedVendor(), { providerTimeoutMs: 100 });
    vendor.answerStart = () => new Promise<SendReceipt>(ignore);
    const { phone, challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    await expect(fixture.otp.start({ phone, purpose, client })).rejects.toMatchObject({ code: 'otp_too_soon' });
    expect(vendor.starts).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });

  it('SEC-31: delays a decoy’s wrong code as long as a check, with the same response', async () => {
    const accounts: PhoneAccounts = {
      findByPhone: async (phone) => (phone.endsWith('00') ? null : { id: 'account-1' }),
    };
    vendor = new ScriptedVendor();
    fixture = await otpFixture({
      provider: vendor,
      metadata: { providers: [{ provide: PhoneAccounts, useValue: accounts }] },
    });
    const known = '+966512345611';
    const unknown = '+966512345600';
    vendor.answerCheck = async (receipt) => {
      await sleep(150);
      return receipt;
    };
    const [real, decoy] = await Promise.all(
      [known, unknown].map((phone) => fixture.otp.start({ phone, purpose: 'login', client })),
    );
    await expect(
      fixture.otp.verify({ challenge: real!.challenge, code: '000000', purpose: 'login' }),
    ).rejects.toMatchObject({ code: 'otp_invalid' });
    const began = performance.now();

    await expect(
      fixture.otp.verify({ challenge: decoy!.challenge, code: '000000', purpose: 'login' }),
    ).rejects.toMatchObject({ code: 'otp_invalid' });

    const waitedMs = performance.now() - began; // timers never fire early, so a lower bound is stable
    expect(vendor.starts).toMatchObject([{ phone: known }]);
    expect(vendor.checks).toHaveLength(1);
    expect(waitedMs).toBeGreaterThanOrEqual(140);
  });

  describe('a vendor that finds codes by phone number alone', () => {
    const byPhone = () => new ScriptedVendor({ correlation: 'phone' });

    it('allows one live challenge per phone, across all purposes', async () => {
      await open(byPhone());
      const { phone, challenge } = await started();
      await fixture.elapse(61);

      await fixture.otp.start({ phone, purpose: 'verify_number', client, subject: 'account-1' });

      const alive = (await fixture.rows('otp_challenges')).filter(({ ended_at: ended }) => ended === null);
      expect(alive).toMatchObject([{ purpose: 'verify_number' }]);
      await expect(verify(challenge, vendor.codeFor(phone))).rejects.toMatchObject({ code: 'otp_unavailable' });
    });

    it('gives a stranger a decoy instead of ending a known device’s challenge', async () => {
      await open(byPhone());
      const phone = newPhone();
      const known = { ...client, deviceKey: 'device-key-of-the-owner' };
      const first = await fixture.otp.start({ phone, purpose, client: known });
      await until('the delivery is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
      await verify(first.challenge, vendor.codeFor(phone));
      await fixture.elapse(61);
      const second = await fixture.otp.start({ phone, purpose, client: known });
      await until('the second delivery is recorded', async () => (await fixture.rows('otp_sends')).length === 2);

      const strangers = await fixture.otp.start({ phone, purpose, client: { address: '198.51.100.1' } });

      expect(vendor.starts).toHaveLength(2);
      await expect(verify(strangers.challenge, vendor.codeFor(phone))).rejects.toMatchObject({ code: 'otp_invalid' });
      await expect(verify(second.challenge, vendor.codeFor(phone))).resolves.toHaveProperty('grant');
    });

    it('responds alike for the first of two starts, with and without an account', async () => {
      await open(byPhone());
      const [known, unknown] = [newPhone(), newPhone()];
      await fixture.own(known, 'account-1');
      const told: string[][] = [];
      for (const phone of [known, unknown]) {
        const login = { phone, purpose: 'login', client };
        const first = await fixture.otp.start(login);
        await fixture.elapse(61);
        const second = await fixture.otp.start(login);
        const answers = [first, second].map(({ challenge }) =>
          fixture.otp.verify({ challenge, code: '000000', purpose: 'login' }).catch(({ code }) => String(code)),
        );
        told.push((await Promise.all(answers)) as string[]);
        await fixture.elapse(61);
      }

      expect(told).toEqual(Array(2).fill(['otp_unavailable', 'otp_invalid']));
    });
  });

  describe('the vendor’s figures', () => {
    it('override the application’s figures where they are stricter', async () => {
      await open(new ScriptedVendor({ ttlSeconds: 120, maxAttempts: 2, resendCooldown: 90, codeLength: 6 }));
      const before = Date.now();

      const { challenge } = await started();

      const [row] = await fixture.rows('otp_challenges');
      expect(row).toMatchObject({ max_attempts: 2 });
      expect(Number(row!.expires_at) - Number(row!.created_at)).toBe(120_000);
      await fixture.elapse(61);
      await expect(fixture.otp.resend({ challenge, client })).rejects.toMatchObject({
        code: 'otp_too_soon',
        retryAfterSeconds: 29,
      });
      expect(before).toBeLessThanOrEqual(Date.now());
    });

    it('limit short codes to 3 attempts and to low-risk purposes, unless "acceptShortCodes" is set', async () => {
      await open(new ScriptedVendor({ codeLength: 4 }));

      const { codeLength } = await fixture.otp.start({ phone: newPhone(), purpose, client });
      expect(codeLength).toBe(4);
      expect(await fixture.rows('otp_challenges')).toMatchObject([{ max_attempts: 3 }]);
      const reset = { phone: newPhone(), purpose: 'password_reset', client };
      await expect(fixture.otp.start(reset)).rejects.toMatchObject({ code: 'purpose_refused' });

      await fixture.close();
      await open(new ScriptedVendor({ codeLength: 4 }), { acceptShortCodes: true });
      await expect(fixture.otp.start(reset)).resolves.toHaveProperty('challenge');
    });

    it('refuse transactions with a fixed text, unless "acceptFixedText" is set', async () => {
      await open();
      const transaction = { phone: newPhone(), purpose: 'transaction', client, subject: 'account-1', action: ACTION };
      await expect(fixture.otp.start(transaction)).rejects.toMatchObject({ code: 'purpose_refused' });

      await fixture.close();
      await open(new ScriptedVendor(), { acceptFixedText: true });
      await fixture.own(transaction.phone, 'account-1');
      await expect(fixture.otp.start(transaction)).resolves.toHaveProperty('challenge');
    });

    it('report the vendor’s wait to a signed-in caller, and enforce it for every caller', async () => {
      await open();
      vendor.answerStart = async () => ({ outcome: 'resend_too_soon', retryAfterSeconds: 170 });
      const request = { phone: newPhone(), purpose: 'verify_number', client, subject: 'account-1' };

      await expect(fixture.otp.start(request)).rejects.toMatchObject({ code: 'otp_too_soon', retryAfterSeconds: 170 });

      await fixture.elapse(100);
      await expect(fixture.otp.start(request)).rejects.toMatchObject({ code: 'otp_too_soon', retryAfterSeconds: 70 });
    });
  });

  describe('the circuit breaker of a vendor', () => {
    async function fail(times: number): Promise<void> {
      vendor.answerStart = async () => ({ outcome: 'provider_unavailable' });
      for (let n = 0; n < times; n++) {
        const request = { phone: newPhone(), purpose: 'verify_number', client, subject: `account-${n}` };
        await expect(fixture.otp.start(request)).rejects.toMatchObject({ code: 'send_unavailable' });
      }
    }

    it('FLT-09: opens after 5 consecutive failures and refuses every caller before any lookup', async () => {
      await open();
      await fail(5);
      const sends = vendor.starts.length;

      const refused = fixture.otp.start({ phone: newPhone(), purpose: 'login', client });

      await expect(refused).rejects.toMatchObject({ code: 'send_unavailable', retryAfterSeconds: expect.any(Number) });
      expect(vendor.starts).toHaveLength(sends);
    });

    it('FLT-09: stays closed after 4 failures and a success', async () => {
      await open();
      await fail(4);
      vendor.answerStart = async () => ({ outcome: 'sent' });
      await started();
      await fail(4);
      vendor.answerStart = async () => ({ outcome: 'sent' });

      await expect(fixture.otp.start({ phone: newPhone(), purpose, client })).resolves.toHaveProperty('challenge');
    });
  });

  it('cancels a cancelled challenge at the vendor', async () => {
    await open();
    const { challenge } = await started();

    await fixture.otp.cancel({ challenge });

    await until('the vendor is called', () => vendor.cancelled.length === 1);
    expect(vendor.cancelled).toEqual([vendor.starts[0]!.attemptId]);
  });

  describe('a generator whose codes another provider delivers', () => {
    const sms = new CapturingProvider();
    const generator = new ScriptedGenerator(sms);
    const phone = newPhone();
    const start = () => fixture.otp.start({ phone, purpose, client });

    it('has its code rendered into the text and delivered, but not stored', async () => {
      fixture = await otpFixture({ provider: generator });
      const { challenge } = await start();
      await until('the delivery is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
      expect(sms.messages(phone)).toMatchObject([{ text: expect.stringContaining('012345 is your Acme code') }]);
      expect(JSON.stringify([await fixture.rows('otp_challenges'), await fixture.rows('otp_sends')])).not.toContain(
        '012345',
      );

      await expect(verify(challenge, '543210')).rejects.toMatchObject({ code: 'otp_invalid' });
      await expect(verify(challenge, '٠١٢٣٤٥')).resolves.toHaveProperty('grant');

      expect(generator.checks).toMatchObject([{ code: '543210' }, { code: '012345', reference: 'pin-1' }]);
    });

    it('sends nothing if the vendor generates no code', async () => {
      fixture = await otpFixture({ provider: generator });
      sms.clear();
      generator.answer = { outcome: 'insufficient_balance' };

      await start();

      await until('the failure is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
      expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance' }]);
      expect(sms.messages()).toEqual([]);
    });
  });
});
