import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type OtpModuleOptions, type OtpOptions, PhoneAccounts, PhoneRisk, TrustedDevices } from 'nestjs-phone-otp';

import { EventLog } from '../support/events.js';
import { post } from '../support/http.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { outcome } from '../support/outcomes.js';
import { changeNumber, logIn, prove } from '../support/proofs.js';
import { HeldProvider } from '../support/providers.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const purpose = 'registration';

let fixture: Fixture;
afterEach(() => fixture.close());

const open = async (options: Partial<OtpModuleOptions>, more: object = {}) =>
  (fixture = await otpFixture({ options, metadata: { imports: [EventEmitterModule.forRoot()] }, ...more }));

async function start(phone = newPhone(), more: object = {}) {
  fixture.sms.clear();
  const started = await fixture.otp.start({ phone, purpose, client, ...more });
  return { ...started, code: await fixture.codeFor(phone) };
}
const verify = (challenge: string, code: string) => fixture.otp.verify({ challenge, code, purpose });
const secondsUntil = async (time: Date) =>
  (await fixture.dataSource.query(`SELECT extract(epoch FROM $1::timestamptz - now())::float AS s`, [time]))[0]
    .s as number;

/** Requests messages to one phone, each after the given seconds, until one is refused. */
async function sendsUntilRefused(waitSeconds: number, more: object): Promise<number> {
  const phone = newPhone();
  for (let n = 0; ; n++) {
    const asked = await outcome(fixture.otp.start({ phone, purpose, client, ...more }));
    if (asked !== 'ok') return n;
    await fixture.elapse(waitSeconds);
  }
}

/** Every option has a line here that shows its effect: a new option without one does not compile. */
const STORIES: Record<keyof Omit<OtpOptions, 'pepper' | 'pepperMustDifferFrom' | 'production'>, () => Promise<void>> = {
  async regions() {
    await open({ regions: ['GB'] });

    expect(await outcome(fixture.otp.start({ phone: '+966512345678', purpose, client }))).toBe('phone_not_supported');
    expect(await outcome(fixture.otp.start({ phone: '+447400123456', purpose, client }))).toBe('ok');
  },
  async defaultRegion() {
    await open({ regions: ['SA', 'IL'], defaultRegion: 'IL' });

    expect((await fixture.otp.start({ phone: '0502345678', purpose, client })).phone).toMatch(/^\+972/);
  },
  async appName() {
    await open({ appName: 'Bank of Tests' });
    await start();

    expect(fixture.sms.messages()[0]!.text).toContain('Bank of Tests');
  },
  async dailySendBudget() {
    await open({ dailySendBudget: 1 });
    await start();

    await fixture.elapse(3601);
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('send_unavailable');
    await fixture.elapse(86_400);
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('ok');
  },
  async defaultLocale() {
    await open({ defaultLocale: 'ar' });
    await start();

    expect(fixture.sms.messages()[0]).toMatchObject({ locale: 'ar', text: expect.stringContaining('رمزك') });
  },
  async origin() {
    await open({ origin: 'bank.example' });
    const { code } = await start();

    expect(fixture.sms.messages()[0]!.text.split('\n').at(-1)).toBe(`@bank.example #${code}`);
  },
  async androidAppHash() {
    await open({ androidAppHash: 'FA+9qCX9VSu' });
    await start();

    expect(fixture.sms.messages()[0]!.text.split('\n').at(-1)).toBe('FA+9qCX9VSu');
  },
  async texts() {
    await open({ texts: { registration: { en: '{app} / {code}' } } });
    const { code } = await start();

    expect(fixture.sms.messages()[0]!.text).toBe(`Acme / ${code}`);
  },
  async purposes() {
    await open({ purposes: { pick_up: { startedBy: 'anyone' } } });

    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose: 'pick_up', client }))).toBe('ok');
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose: 'other', client }))).toBe('request_invalid');
  },
  async acceptShortCodes() {
    const reset = { phone: newPhone(), purpose: 'password_reset', client };
    await open({}, { provider: new ScriptedVendor({ codeLength: 4 }) });
    expect(await outcome(fixture.otp.start(reset))).toBe('purpose_refused');
    await fixture.close();

    await open({ acceptShortCodes: true }, { provider: new ScriptedVendor({ codeLength: 4 }) });
    expect(await outcome(fixture.otp.start(reset))).toBe('ok');
  },
  async acceptFixedText() {
    const transaction = { phone: newPhone(), purpose: 'transaction', client, subject: 'account-1', action: ACTION };
    await open({}, { provider: new ScriptedVendor() });
    expect(await outcome(fixture.otp.start(transaction))).toBe('purpose_refused');
    await fixture.close();

    await open({ acceptFixedText: true }, { provider: new ScriptedVendor() });
    await fixture.own(transaction.phone, 'account-1');
    expect(await outcome(fixture.otp.start(transaction))).toBe('ok');
  },
  async sprayingFailures() {
    await open({ sprayingFailures: 2 });
    const events = new EventLog(fixture.app);

    for (let n = 0; n < 3; n++) {
      const { challenge, code } = await start();
      expect(await outcome(verify(challenge, wrongCode(code)))).toBe('otp_invalid');
    }

    expect(events.of('otp.spraying')).toEqual([{ failures: 2 }]);
  },
  async acceptRiskyLogins() {
    const risk = { provide: PhoneRisk, useValue: { assess: async () => ({ risky: true }) } };
    await open({ acceptRiskyLogins: true }, { metadata: { providers: [risk] } });
    const phone = newPhone();
    await fixture.own(phone, 'account-1');

    await expect(prove(fixture, { phone, purpose: 'login' })).resolves.toHaveProperty('grant');
  },
  async riskWindowHours() {
    const swapped = { simSwappedAt: new Date(Date.now() - 3 * 3_600_000) };
    const risk = { provide: PhoneRisk, useValue: { assess: async () => swapped } };
    const metadata = { providers: [risk] };
    const change = { phone: newPhone(), purpose: 'change_number', subject: 'account-1', client: 'server' } as const;
    for (const [riskWindowHours, answer] of [
      [2, 'ok'],
      [4, 'other_factor_needed'],
    ] as const) {
      await fixture?.close();
      await open({ riskWindowHours }, { metadata });
      await fixture.own(change.phone, 'account-1');
      expect(await outcome(fixture.otp.start(change))).toBe(answer);
    }
  },
  async registerOnLogin() {
    const made = { findByPhone: async () => null, register: async () => ({ id: 'account-new' }) };
    const metadata = { providers: [{ provide: PhoneAccounts, useValue: made }] };
    await open({ registerOnLogin: true }, { metadata });

    const { grant, phone } = await prove(fixture, { purpose: 'login' });

    expect(await logIn(fixture.app, grant)).toMatchObject({ account: { id: 'account-new' }, registered: true, phone });
    expect(await fixture.numbers.ownerOf(phone)).toBe('account-new');
  },
  async takenNumbers() {
    await open({ takenNumbers: 'transfer' });
    const phone = newPhone();
    await fixture.own(phone, 'account-old');
    const { grant } = await prove(fixture, { phone });

    await fixture.numbers.activate(grant, 'account-new');

    expect(await fixture.numbers.ownerOf(phone)).toBe('account-new');
  },
  async holdHours() {
    await open({ holdHours: 48 });
    const phone = newPhone();
    await fixture.own(phone, 'account-1');
    const number = await changeNumber(fixture, 'account-1', phone, newPhone());

    expect(number.heldUntil!.getTime() - number.verifiedAt.getTime()).toBe(48 * 3_600_000);
  },
  async reconfirmAfterDays() {
    await open({ reconfirmAfterDays: 10 });
    const phone = newPhone();
    await fixture.own(phone, 'account-1', 11);

    const change = { phone, purpose: 'change_number', subject: 'account-1', client: 'server' } as const;
    expect(await outcome(fixture.otp.start(change))).toBe('phone_unconfirmed');
  },
  async dormantAfterDays() {
    await open({ dormantAfterDays: 10 });
    const phone = newPhone();
    await fixture.own(phone, 'account-1', 11);
    const { grant } = await prove(fixture, { phone, purpose: 'login' });

    expect(await outcome(logIn(fixture.app, grant))).toBe('other_factor_needed');
  },
  async codeLength() {
    await open({ codeLength: 8 });
    const { challenge, code, codeLength } = await start();

    expect([code.length, codeLength]).toEqual([8, 8]);
    expect(await outcome(verify(challenge, code.slice(2)))).toBe('code_malformed');
    expect(await outcome(verify(challenge, code))).toBe('ok');
  },
  async codeTtlSeconds() {
    await open({ codeTtlSeconds: 60 });
    const { challenge, code, expiresAt } = await start();

    expect(await secondsUntil(expiresAt)).toBeLessThanOrEqual(60);
    expect(fixture.sms.messages()[0]!.text).toContain('1 minute.');
    await fixture.elapse(60);
    expect(await outcome(verify(challenge, code))).toBe('otp_unavailable');
  },
  async maxAttempts() {
    await open({ maxAttempts: 1 });
    const { challenge, code } = await start();

    expect(await outcome(verify(challenge, wrongCode(code)))).toBe('otp_invalid');
    expect(await outcome(verify(challenge, code))).toBe('otp_unavailable');
  },
  async maxSends() {
    await open({ maxSends: 2 });
    const { challenge } = await start();
    const resend = async () => {
      await fixture.elapse(61);
      return outcome(fixture.otp.resend({ challenge, client }));
    };

    expect(await resend()).toBe('ok');
    expect(await resend()).toBe('otp_unavailable');
  },
  async failuresPerHour() {
    await open({ failuresPerHour: 1 });
    const { challenge, code } = await start();

    expect(await outcome(verify(challenge, wrongCode(code)))).toBe('otp_invalid');
    expect(await outcome(verify(challenge, code))).toBe('locked_out');
  },
  async lockoutMinutes() {
    await open({ failuresPerHour: 1, lockoutMinutes: 2 });
    const { challenge, code } = await start();
    await outcome(verify(challenge, wrongCode(code)));

    await fixture.elapse(100);
    expect(await outcome(verify(challenge, code))).toBe('locked_out');
    await fixture.elapse(20);
    expect(await outcome(verify(challenge, code))).toBe('ok');
  },
  async failuresInARow() {
    await open({ failuresInARow: 1 });
    const phone = newPhone();
    const { challenge, code } = await start(phone);
    await outcome(verify(challenge, wrongCode(code)));
    await fixture.elapse(86_400);

    expect(await outcome(fixture.otp.start({ phone, purpose, client }))).toBe('locked_out');
  },
  async cooldownSeconds() {
    await open({ cooldownSeconds: 30 });
    const { challenge, resendAt } = await start();

    expect(await secondsUntil(resendAt)).toBeLessThanOrEqual(30);
    await fixture.elapse(20);
    expect(await outcome(fixture.otp.resend({ challenge, client }))).toBe('otp_too_soon');
    await fixture.elapse(10);
    expect(await outcome(fixture.otp.resend({ challenge, client }))).toBe('ok');
  },
  async sendsPerPhonePerHour() {
    await open({ sendsPerPhonePerHour: 2 });

    expect(await sendsUntilRefused(61, {})).toBe(2);
  },
  async sendsPerPhonePerDay() {
    await open({ sendsPerPhonePerDay: 3 });

    expect(await sendsUntilRefused(3601, {})).toBe(3);
  },
  async sendsPerOwnerPerHour() {
    await open({ sendsPerOwnerPerHour: 2, sendsPerPhonePerHour: 1 });

    expect(await sendsUntilRefused(61, await owner())).toBe(2);
  },
  async sendsPerOwnerPerDay() {
    await open({ sendsPerOwnerPerDay: 2, sendsPerPhonePerDay: 1 });

    expect(await sendsUntilRefused(3601, await owner())).toBe(2);
  },
  async sendsPerAddressPerHour() {
    await open({ sendsPerAddressPerHour: 1 });
    await start();

    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('otp_too_soon');
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client: 'server' }))).toBe('ok');
  },
  async sendsPerPrefixPerHour() {
    await open({ sendsPerPrefixPerHour: 1 });
    await start('+966512345678');

    expect(await outcome(fixture.otp.start({ phone: '+966512345679', purpose, client }))).toBe('otp_too_soon');
    expect(await outcome(fixture.otp.start({ phone: '+966512355678', purpose, client }))).toBe('ok');
  },
  async sendsPerRegionPerDay() {
    await open({ sendsPerRegionPerDay: { GB: 1 } });
    await start('+447400123456');

    expect(await outcome(fixture.otp.start({ phone: '+447400123457', purpose, client }))).toBe('send_unavailable');
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('ok');
  },
  async dailySpendBudget() {
    const prices = { SA: '0.05', GB: '0.05', IL: '0.05', NG: '0.09', LY: '0.05' };
    await open({ dailySpendBudget: { amount: '0.12', currency: 'USD', prices } }); // of which strangers get 0.096
    await start();

    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('send_unavailable');
    await fixture.elapse(86_400);
    expect(await outcome(fixture.otp.start({ phone: '+2348031234567', purpose, client }))).toBe('ok');
  },
  async minimumConversion() {
    await open({ minimumConversion: { prefix: 'enforce' }, minimumConversionMessages: 5 });
    for (let n = 0; n < 5; n++) await start(`+96651234567${n}`);

    expect(await outcome(fixture.otp.start({ phone: '+966512345679', purpose, client }))).toBe('otp_too_soon');
  },
  async minimumConversionPercent() {
    await open({
      minimumConversion: { prefix: 'enforce' },
      minimumConversionMessages: 5,
      minimumConversionPercent: 21,
    });
    const { challenge, code } = await start('+966512345670');
    await verify(challenge, code);
    for (let n = 1; n < 5; n++) await start(`+96651234567${n}`);

    expect(await outcome(fixture.otp.start({ phone: '+966512345679', purpose, client }))).toBe('otp_too_soon');
  },
  async minimumConversionMessages() {
    await open({ minimumConversion: { prefix: 'enforce' }, minimumConversionMessages: 6 });
    for (let n = 0; n < 6; n++) await start(`+96651234567${n}`);

    expect(await outcome(fixture.otp.start({ phone: '+966512345679', purpose, client }))).toBe('otp_too_soon');
  },
  async conversionCheckSeconds() {
    const timer = jest.spyOn(globalThis, 'setInterval');
    await open({ conversionCheckSeconds: 78, minimumConversion: { prefix: 'off' }, minimumConversionMessages: 5 });
    const call = timer.mock.calls.find(([, every]) => every === 78_000);
    timer.mockRestore();
    const events = new EventLog(fixture.app);
    for (let n = 0; n < 5; n++) await start();
    await fixture.elapse(301);

    (call![0] as () => void)();

    await until('it was reported', () => events.of('otp.conversion_low').some(({ scope }) => scope === 'region'));
  },
  async allow() {
    await open({ sendsPerPrefixPerHour: 1, allow: { numbers: ['+9665123'] } });
    await start('+966512345678');

    expect(await outcome(fixture.otp.start({ phone: '+966512345679', purpose, client }))).toBe('ok');
    await start('+966512445678');
    expect(await outcome(fixture.otp.start({ phone: '+966512445679', purpose, client }))).toBe('otp_too_soon');
  },
  async sendsPerMinute() {
    await open({ sendsPerMinute: 1 });
    await start();

    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('send_unavailable');
    await fixture.elapse(60);
    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('ok');
  },
  async verifiesPerAddress() {
    await open({ verifiesPerAddress: 1 }, { routes: { prefix: 'otp' }, adapter: new ExpressAdapter() });
    const body = { challenge: 'none', code: '123456', purpose };

    expect((await post(fixture.app, '/otp/verify', body)).status).toBe(400);
    expect((await post(fixture.app, '/otp/verify', body)).status).toBe(429);
  },
  async grantTtlSeconds() {
    await open({ grantTtlSeconds: 30 });
    const { challenge, code } = await start();
    const { grant, expiresAt } = await verify(challenge, code);

    expect(await secondsUntil(expiresAt)).toBeLessThanOrEqual(30);
    await fixture.elapse(30);
    expect(await outcome(fixture.grants.consume(grant, { purpose }))).toBe('grant_invalid');
  },
  async knownDeviceDays() {
    await open({ knownDeviceDays: 1 });
    const phone = newPhone();
    const device = { client: { ...client, deviceKey: 'the-device-of-this-person' } };
    const { challenge, code } = await start(phone, device);
    await verify(challenge, code);
    const tierAfter = async (seconds: number) => {
      await fixture.elapse(seconds);
      const [id] = (await start(phone, device)).challenge.split('.');
      return (await fixture.rows('otp_challenges')).find((row) => row.id === id)!.tier;
    };

    expect(await tierAfter(80_000)).toBe('known');
    expect(await tierAfter(6_400)).toBe('stranger');
  },
  async trustedDeviceDays() {
    await open({ trustedDeviceDays: 2 });
    const devices = fixture.app.get(TrustedDevices);
    const { grant } = await prove(fixture, { purpose: 'second_factor', subject: 'account-1' });
    const proof = await fixture.grants.consume(grant, { purpose: 'second_factor', subject: 'account-1' });
    const { token } = await devices.trust('account-1', { proof });
    const recognised = await devices.recognise('account-1', token);

    await fixture.elapse(2 * 86_400 - 60);
    expect(await devices.list('account-1')).toHaveLength(1);
    await fixture.elapse(60);
    expect(await devices.recognise('account-1', recognised!.token!)).toBeNull();
  },
  async providerTimeoutMs() {
    await open({ providerTimeoutMs: 100 }, { provider: new HeldProvider() });
    const events = new EventLog(fixture.app);
    await fixture.otp.start({ phone: newPhone(), purpose, client });

    await until('the call was given up', () => events.of('otp.sent').length === 1);
    expect(events.of('otp.sent')[0]!.outcome).toBe('unknown');
  },
  async maxSendsInFlight() {
    const provider = new HeldProvider();
    await open({ maxSendsInFlight: 1 }, { provider });
    await fixture.otp.start({ phone: newPhone(), purpose, client });

    expect(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client }))).toBe('send_unavailable');
    expect(await fixture.rows('otp_challenges')).toHaveLength(1);
    await until('the vendor got the message', () => provider.messages.length === 1);
    provider.release();
  },
  async maxBodyBytes() {
    await open({ maxBodyBytes: 1024 }, { routes: { prefix: 'otp' }, adapter: new ExpressAdapter() });

    expect((await post(fixture.app, '/otp/start', { phone: 'x'.repeat(1024) })).status).toBe(413);
    expect((await post(fixture.app, '/otp/start', { phone: 'x'.repeat(900) })).status).toBe(400);
  },
  async purgeEverySeconds() {
    const timer = jest.spyOn(globalThis, 'setInterval');
    await open({ purgeEverySeconds: 77 });
    const call = timer.mock.calls.find(([, every]) => every === 77_000);
    timer.mockRestore();
    await start();
    await fixture.elapse(100_000);

    (call![0] as () => void)();

    await until('the purge emptied the table', async () => (await fixture.rows('otp_challenges')).length === 0);
  },
  async retentionSeconds() {
    await open({ retentionSeconds: 100 });
    await start();
    await fixture.elapse(380);
    await fixture.operations.purge();

    expect(await fixture.rows('otp_challenges')).toHaveLength(1);
    await fixture.elapse(30);
    await fixture.operations.purge();
    expect(await fixture.rows('otp_challenges')).toHaveLength(0);
  },
  async audit() {
    await open({ audit: false });
    const { challenge, code } = await start();
    await verify(challenge, code);

    expect(await fixture.rows('otp_audit')).toEqual([]);
  },
  async auditDays() {
    await open({ auditDays: 30 });
    await start();
    await until('the vendor’s answer was recorded', async () => (await fixture.rows('otp_audit')).length === 2);
    const kept = async (days: number) => {
      await fixture.elapse(days * 86_400);
      await fixture.operations.purge();
      return (await fixture.rows('otp_audit')).length > 0;
    };

    expect([await kept(29), await kept(2)]).toEqual([true, false]);
  },
  async sendLogDays() {
    await open({ sendLogDays: 1 });
    await start();
    await until('the message was logged', async () => (await fixture.rows('otp_sends')).length === 1);
    await fixture.elapse(86_300);
    await fixture.operations.purge();

    expect(await fixture.rows('otp_sends')).toHaveLength(1);
    await fixture.elapse(200);
    await fixture.operations.purge();
    expect(await fixture.rows('otp_sends')).toHaveLength(0);
  },
};

/** Makes an account the owner of a number and requests that number, up to its three unverified messages. */
async function owner() {
  const phone = newPhone();
  await fixture.dataSource.query(
    `INSERT INTO ${fixture.schema}.otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
     VALUES ($1, 'account-1', now(), now(), 'registration')`,
    [phone],
  );
  return { phone, subject: 'account-1', client: 'server' };
}

describe('the option', () => {
  it.each(Object.entries(STORIES))('%s has its documented effect', async (_, story) => {
    await story();
  });
});
