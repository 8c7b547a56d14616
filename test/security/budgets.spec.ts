import { EventEmitterModule } from '@nestjs/event-emitter';
import { type OtpModuleOptions, OtpError } from 'nestjs-phone-otp';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { ScriptedProvider } from '../support/providers.js';
import { until } from '../support/until.js';

const stranger = { address: '203.0.113.7' };
const device = { address: '198.51.100.9', deviceKey: 'the-device-of-this-person' };
const purpose = 'registration';

const open = (options: Partial<OtpModuleOptions> = {}) =>
  otpFixture({ options, metadata: { imports: [EventEmitterModule.forRoot()] } });

/** The code of an outcome: what refused it, or `ok`. */
const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: OtpError) => error.code,
  );
const waitOf = (call: Promise<unknown>) =>
  call.then(
    () => 0,
    (error: OtpError) => error.retryAfterSeconds!,
  );

async function start(fixture: Fixture, phone: string, client: typeof stranger | 'server' = stranger) {
  fixture.sms.clear();
  const { challenge } = await fixture.otp.start({ phone, purpose, client });
  return { challenge, code: await fixture.codeFor(phone) };
}

/** Starts as often as needed and enters the given number of wrong codes. */
async function fail(fixture: Fixture, phone: string, times: number, client: typeof stranger = stranger) {
  for (let left = times; left > 0;) {
    const { challenge, code } = await start(fixture, phone, client);
    for (let n = 0; n < 5 && left > 0; n++, left--) {
      expect(await outcome(fixture.otp.verify({ challenge, code: wrongCode(code), purpose }))).toBe('otp_invalid');
    }
    await fixture.elapse(61);
  }
}

async function succeed(fixture: Fixture, phone: string, client: typeof stranger = stranger) {
  const { challenge, code } = await start(fixture, phone, client);
  await fixture.otp.verify({ challenge, code, purpose });
  await fixture.elapse(61);
}

/** Makes the account the owner of the number, as after a registration. */
function own({ dataSource, schema }: Fixture, phone: string, owner: string) {
  return dataSource.query(
    `INSERT INTO ${schema}.otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
     VALUES ($1, $2, now(), now(), 'registration')`,
    [phone, owner],
  );
}

describe('wrong codes of a subject', () => {
  let fixture: Fixture;
  let events: EventLog;
  beforeAll(async () => {
    fixture = await open({ codeTtlSeconds: 600 });
    events = new EventLog(fixture.app);
  });
  beforeEach(() => events.clear());
  afterAll(() => fixture.close());

  it('SEC-09 SEC-10 lock it out after 10 for 15, 30, 60 and again 60 minutes, and a success clears the count', async () => {
    const phone = newPhone();
    const waits = [];
    for (let round = 0; round < 4; round++) {
      await fail(fixture, phone, 10);
      const wait = await waitOf(fixture.otp.start({ phone, purpose, client: stranger }));
      waits.push(Math.ceil((wait + 61) / 60)); // 61 s have passed since the last wrong code
      await fixture.elapse(wait);
    }
    await succeed(fixture, phone);
    await fail(fixture, phone, 10);
    const afterSuccess = await waitOf(fixture.otp.start({ phone, purpose, client: stranger }));

    expect(waits).toEqual([15, 30, 60, 60]);
    evidence('SEC-10', { wrongCodesBeforeAPause: 10, pausesInMinutes: waits.join(' ') });
    expect(Math.ceil((afterSuccess + 61) / 60)).toBe(15);
    expect(events.of('otp.locked_out').map(({ failures, closed }) => [failures, closed])).toEqual(
      Array(5).fill([10, false]),
    );
  });

  it('SEC-09 refuse even the right code during the lockout, without losing it', async () => {
    const phone = newPhone();
    await fail(fixture, phone, 5);
    const { challenge, code } = await start(fixture, phone);
    await fixture.elapse(61);
    const live = await start(fixture, phone);
    for (let n = 0; n < 5; n++) await outcome(fixture.otp.verify({ challenge, code: wrongCode(code), purpose }));

    const lockedOut = await outcome(fixture.otp.verify({ ...live, purpose }));
    const { attempts } = (await fixture.rows('otp_challenges')).find(({ id }) =>
      live.challenge.startsWith(id as string),
    )!;
    await fixture.operations.unlock(phone);

    expect(lockedOut).toBe('locked_out');
    expect(attempts).toBe(0);
    expect(await outcome(fixture.otp.verify({ ...live, purpose }))).toBe('ok');
  });

  it('SEC-10 lock it for good after 100 in a row, until an operator unlocks it', async () => {
    const phone = newPhone();
    const another = newPhone();
    const { challenge, code } = await start(fixture, phone);
    // 99 failures of earlier days: their lockouts are over, the streak is not.
    await fixture.dataSource.query(`INSERT INTO ${fixture.schema}.otp_lockouts
      SELECT subject_hash, tier, 0, '-infinity', 99, 9, '-infinity' FROM ${fixture.schema}.otp_challenges WHERE phone = '${phone}'`);

    await outcome(fixture.otp.verify({ challenge, code: wrongCode(code), purpose }));
    const told = events.of('otp.locked_out').at(-1);
    await fixture.elapse(400 * 86_400);
    await fixture.operations.purge();
    const closed = await outcome(fixture.otp.start({ phone, purpose, client: stranger }));
    const others = await outcome(fixture.otp.start({ phone: another, purpose, client: stranger }));
    const unlocked = await fixture.operations.unlock(phone);

    expect(told).toMatchObject({ closed: true });
    evidence('SEC-10', { inARow: 100, daysWaited: 400, starts: closed });
    expect([closed, others, unlocked]).toEqual(['locked_out', 'ok', true]);
    expect(await outcome(fixture.otp.start({ phone, purpose, client: stranger }))).toBe('ok');
    expect(await fixture.operations.unlock(phone)).toBe(false);
  });

  it('SEC-09 are not cleared by a resend or by the next challenge', async () => {
    const phone = newPhone();
    const { challenge, code } = await start(fixture, phone);
    for (let n = 0; n < 4; n++) await outcome(fixture.otp.verify({ challenge, code: wrongCode(code), purpose }));
    await fixture.elapse(61);
    await fixture.otp.resend({ challenge, client: stranger });

    await outcome(fixture.otp.verify({ challenge, code: 'not a code', purpose }));
    await outcome(fixture.otp.verify({ challenge, code: '000000', purpose }));
    expect(await outcome(fixture.otp.verify({ challenge, code: '000000', purpose }))).toBe('otp_unavailable');
    await fixture.elapse(61);
    await fail(fixture, phone, 5);

    expect(await outcome(fixture.otp.start({ phone, purpose, client: stranger }))).toBe('locked_out');
  });
});

describe('a device that proved its number before', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await open({ sendsPerPhonePerHour: 3, sendsPerAddressPerHour: 4 })));
  afterAll(() => fixture.close());

  it('is not blocked by a flood of strangers or by their wrong codes', async () => {
    const phone = newPhone();
    await succeed(fixture, phone, device);
    await fail(fixture, phone, 10);
    expect(await outcome(fixture.otp.start({ phone, purpose, client: stranger }))).toBe('locked_out');

    const { challenge, code } = await start(fixture, phone, device);

    expect(await outcome(fixture.otp.verify({ challenge, code, purpose }))).toBe('ok');
    await fixture.operations.unlock(phone);
    expect(await outcome(fixture.otp.start({ phone, purpose, client: stranger }))).toBe('otp_too_soon'); // their hour is full
  });

  it('is a stranger to every other number, and so is every other device', async () => {
    const phone = newPhone();
    await succeed(fixture, phone, device);
    const tiers = [];
    for (const [to, client] of [
      [phone, device],
      [newPhone(), device],
      [phone, { ...device, deviceKey: 'another-device-altogether' }],
      [phone, stranger],
    ] as const) {
      await fixture.elapse(61);
      const { challenge } = await fixture.otp.start({ phone: to, purpose, client });
      const rows = await fixture.rows('otp_challenges');
      tiers.push(rows.find(({ id }) => challenge.startsWith(id as string))!.tier);
    }

    expect(tiers).toEqual(['known', 'stranger', 'stranger', 'stranger']);
  });

  it('has a budget of its own', async () => {
    const phone = newPhone();
    await succeed(fixture, phone, device);
    for (let n = 0; n < 3; n++) {
      await start(fixture, phone, device);
      await fixture.elapse(61);
    }

    expect(await outcome(fixture.otp.start({ phone, purpose, client: device }))).toBe('otp_too_soon');
  });
});

describe('a start of the same client', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await open()));
  afterAll(() => fixture.close());

  it('replaces its earlier challenge for the phone and purpose, but no other client’s', async () => {
    const phone = newPhone();
    const challenges = [];
    for (const [client, of] of [
      [device, purpose],
      [{ ...device, deviceKey: 'another-device-altogether' }, purpose],
      [stranger, purpose],
      [device, 'login'],
      [device, purpose],
    ] as const) {
      challenges.push((await fixture.otp.start({ phone, purpose: of, client })).challenge);
      await fixture.elapse(61);
    }

    const rows = await fixture.rows('otp_challenges');
    const replaced = challenges.map((handle) => rows.find(({ id }) => handle.startsWith(id as string))!.status);

    expect(replaced.map((status) => status === 'superseded')).toEqual([true, false, false, false, false]);
  });
});

describe('an account that owns the number', () => {
  const owner = 'account-1';
  const ask = (fixture: Fixture, phone: string, of = 'transaction') =>
    fixture.otp.start({ phone, purpose: of, subject: owner, client: 'server', action: ACTION });

  it('is not slowed down by strangers, and its cooldown counts per purpose', async () => {
    const fixture = await open({ sendsPerPhonePerHour: 1 });
    const phone = newPhone();
    await own(fixture, phone, owner);
    await start(fixture, phone);
    expect(await outcome(fixture.otp.start({ phone, purpose, client: stranger }))).toBe('otp_too_soon');

    expect(await outcome(ask(fixture, phone))).toBe('ok');
    expect(await outcome(ask(fixture, phone))).toBe('otp_too_soon');
    expect(await outcome(ask(fixture, phone, 'change_number'))).toBe('ok');
    await fixture.close();
  });

  it('counts as a stranger after three unverified messages', async () => {
    const fixture = await open({ sendsPerPhonePerHour: 1 });
    const phone = newPhone();
    await own(fixture, phone, owner);

    for (let n = 0; n < 3; n++) {
      expect(await outcome(ask(fixture, phone))).toBe('ok');
      await fixture.elapse(61);
    }
    expect(await outcome(ask(fixture, phone))).toBe('ok'); // the one message that strangers may have
    await fixture.elapse(61);

    expect(await outcome(ask(fixture, phone))).toBe('otp_too_soon');
    const tiers = (await fixture.rows('otp_challenges')).map((row) => String(row.tier));
    expect(tiers.toSorted((a, b) => a.localeCompare(b))).toEqual(['owner', 'owner', 'owner', 'stranger']);
    await fixture.close();
  });

  it('keeps its budget as long as it verifies the requested codes', async () => {
    const fixture = await open();
    const phone = newPhone();
    await own(fixture, phone, owner);

    for (let n = 0; n < 5; n++) {
      fixture.sms.clear();
      const { challenge } = await ask(fixture, phone);
      const code = await fixture.codeFor(phone);
      await fixture.otp.verify({ challenge, code, purpose: 'transaction', subject: owner });
      await fixture.elapse(61);
    }

    expect(new Set((await fixture.rows('otp_challenges')).map((row) => row.tier))).toEqual(new Set(['owner']));
    await fixture.close();
  });

  it('is a stranger to a number that the ledger does not list as its own', async () => {
    const fixture = await open();
    const phone = newPhone();
    await own(fixture, phone, 'another account');

    await ask(fixture, phone, 'verify_number');

    expect((await fixture.rows('otp_challenges'))[0]!.tier).toBe('stranger');
    await fixture.close();
  });
});

describe('a message that was certainly not sent', () => {
  it('is reported to a signed-in caller, who gets the cooldown back', async () => {
    const vendor = new ScriptedProvider(async () => ({ outcome: 'insufficient_balance' }));
    const fixture = await otpFixture({ provider: vendor });
    const phone = newPhone();
    const ask = () => fixture.otp.start({ phone, purpose: 'verify_number', subject: 'account-1', client: 'server' });

    expect(await outcome(ask())).toBe('send_unavailable');
    vendor.answer = async () => ({ outcome: 'sent' });
    expect(await outcome(ask())).toBe('ok');
    expect(await outcome(ask())).toBe('otp_too_soon');

    expect((await fixture.rows('otp_challenges')).map(({ status }) => status)).toEqual(['failed', 'pending']);
    await fixture.close();
  });

  it('is reported to no other caller, and the cooldown counts', async () => {
    const vendor = new ScriptedProvider(async () => ({ outcome: 'insufficient_balance' }));
    const fixture = await otpFixture({ provider: vendor });
    const phone = newPhone();
    const ask = () => fixture.otp.start({ phone, purpose, client: stranger });

    expect(await outcome(ask())).toBe('ok');
    await until('the failure is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
    expect(await outcome(ask())).toBe('otp_too_soon');
    await fixture.close();
  });

  it('FLT-07 counts as possibly sent if the vendor gave no clear answer, even for a signed-in caller', async () => {
    const vendor = new ScriptedProvider(async () => ({ outcome: 'provider_unavailable', ambiguous: true }));
    const fixture = await otpFixture({ provider: vendor });
    const request = { phone: newPhone(), purpose: 'verify_number', subject: 'account-1', client: 'server' as const };

    const { challenge } = await fixture.otp.start(request);

    await until('it is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
    expect((await fixture.rows('otp_sends'))[0]!.outcome).toBe('provider_unavailable');
    expect((await fixture.rows('otp_audit')).map(({ event }) => event)).toEqual(['started', 'unknown']);
    expect((await fixture.rows('otp_challenges'))[0]!.status).toBe('pending');
    expect(await outcome(fixture.otp.start(request))).toBe('otp_too_soon');
    const verify = { challenge, code: vendor.lastCode, purpose: request.purpose, subject: request.subject };
    expect(await outcome(fixture.otp.verify(verify))).toBe('ok');
    await fixture.close();
  });
});

describe('reservations of address and prefix', () => {
  it.each([
    ['address', { sendsPerAddressPerHour: 2 }],
    ['prefix', { sendsPerPrefixPerHour: 2 }],
  ])('SEC-25 of the %s count unverified messages only: a success returns them', async (_, options) => {
    const fixture = await open(options);
    const phone = newPhone();
    const neighbour = (n: number) => `${phone.slice(0, -1)}${(Number(phone.slice(-1)) + n) % 10}`;
    for (let n = 0; n < 4; n++) await succeed(fixture, neighbour(n));

    const unverified = [];
    for (let n = 4; n < 7; n++) {
      unverified.push(await outcome(fixture.otp.start({ phone: neighbour(n), purpose, client: stranger })));
    }

    expect(unverified).toEqual(['ok', 'ok', 'otp_too_soon']);
    evidence('SEC-25', { cap: 2, verified: 4, unverified: 3, refused: 1 });
    await fixture.close();
  });
});

describe('the budget of the whole service', () => {
  it('SEC-26 keeps a fifth of the day for known callers once strangers have used up theirs', async () => {
    const fixture = await open({ dailySendBudget: 5 });
    const phone = newPhone();
    await own(fixture, phone, 'account-1');
    const strangers = [];
    for (let n = 0; n < 5; n++) {
      strangers.push(await outcome(fixture.otp.start({ phone: newPhone(), purpose, client: stranger })));
    }

    const owner = await outcome(
      fixture.otp.start({ phone, purpose: 'change_number', subject: 'account-1', client: 'server' }),
    );

    expect(strangers).toEqual(['ok', 'ok', 'ok', 'ok', 'send_unavailable']);
    evidence('SEC-26', { budget: 5, strangers: 4, owners: 1 });
    expect(owner).toBe('ok');
    await fixture.close();
  });
});
