import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Failover, type OtpError, type OtpModuleOptions, type OtpProvider } from 'nestjs-phone-otp';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { post, seen } from '../support/http.js';
import { holding, waiting } from '../support/locks.js';
import { ACTION, type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { tallyOf } from '../support/outcomes.js';
import { prove } from '../support/proofs.js';
import { ScriptedProvider } from '../support/providers.js';
import { until } from '../support/until.js';

const purpose = 'registration';
const client = { address: '203.0.113.7' };
const device = { ...client, deviceKey: 'the-device-of-this-person' };
const HOUR = 3600;

let fixture: Fixture;
let events: EventLog;
afterEach(() => fixture.close());

async function open(
  options: Partial<OtpModuleOptions>,
  more: { provider?: OtpProvider; schema?: string; poolSize?: number; races?: boolean } = {},
) {
  fixture = await otpFixture({
    adapter: new ExpressAdapter(),
    routes: { prefix: 'otp' },
    options: { minimumConversion: {}, ...options },
    metadata: { imports: [EventEmitterModule.forRoot()] },
    ...more,
  });
  events = new EventLog(fixture.app);
}

const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: OtpError) => error.code,
  );
const start = (phone: string, from: typeof client | 'server' = 'server') =>
  fixture.otp.start({ phone, purpose, client: from });

/** Numbers that differ in their last four digits. */
function newBlock(): (n: number) => string {
  const prefix = `+96650${100 + ++blocks}`;
  return (n) => `${prefix}${1000 + n}`;
}
let blocks = 0;
const newNigerian = () => `+234803${1_000_000 + ++nigerians}`;
let nigerians = 0;

async function unverified(count: number, phone: (n: number) => string = newPhone, from?: typeof client) {
  for (let n = 0; n < count; n++) await start(phone(n), from);
}
async function verified(count: number, phone: (n: number) => string) {
  for (let n = 0; n < count; n++) await prove(fixture, { phone: phone(n), client: 'server' });
}

describe('the conversion of a prefix', () => {
  it('SEC-25 closes it for an hour after 20 unverified messages and leaves its neighbours open', async () => {
    await open({});
    const phone = newBlock();
    await unverified(1, phone);
    await fixture.elapse(HOUR - 60); // the hour counts from the closing, not from the first message
    await unverified(18, (n) => phone(n + 1));
    expect(events.of('otp.conversion_low')).toEqual([]);
    await unverified(1, (n) => phone(n + 19));

    const refused = await start(phone(20)).catch((error: OtpError) => error);
    await outcome(start(phone(21)));
    const neighbours = await outcome(start(newBlock()(0)));
    await fixture.elapse(HOUR - 5);
    const later = await outcome(start(phone(20)));
    await fixture.elapse(6);

    expect(refused).toMatchObject({ code: 'otp_too_soon', retryAfterSeconds: expect.any(Number) });
    expect((refused as OtpError).retryAfterSeconds).toBeGreaterThan(HOUR - 30);
    expect(neighbours).toBe('ok');
    expect(later).toBe('otp_too_soon');
    expect(await outcome(start(phone(20)))).toBe('ok');
    const name = `${phone(0).slice(0, -4)}****`;
    expect(events.of('otp.conversion_low')).toEqual([
      { scope: 'prefix', name, messages: 20, verified: 0, enforced: true },
    ]);
    expect(events.of('otp.limited').map(({ limit }) => limit)).toEqual(Array(3).fill('prefix_conversion'));
    evidence('SEC-25', { unverifiedMessages: 20, refusedAt: 21, eventsRaised: 1 });
  });

  it('SEC-25 keeps it open from a fifth upwards, and reopens it for codes that are verified late', async () => {
    await open({});
    const phone = newBlock();
    await verified(4, phone);
    await unverified(16, (n) => phone(n + 4));
    const last = await start(phone(20));
    const closed = await outcome(start(phone(21)));

    await fixture.otp.verify({ challenge: last.challenge, code: await fixture.codeFor(phone(20)), purpose });

    expect(events.of('otp.conversion_low')).toMatchObject([{ messages: 21, verified: 4 }]);
    expect(closed).toBe('otp_too_soon');
    expect(await outcome(start(phone(21)))).toBe('ok');
  });

  it('SEC-25 starts over in the next hour', async () => {
    await open({});
    const phone = newBlock();
    await verified(10, phone);
    await fixture.elapse(HOUR + 1);
    await unverified(20, (n) => phone(n + 10));

    expect(await outcome(start(phone(30)))).toBe('otp_too_soon');
    expect(events.of('otp.conversion_low')).toMatchObject([{ messages: 20, verified: 0 }]);
  });

  it('SEC-25 stops neither a known device nor an owner', async () => {
    await open({});
    const phone = newBlock();
    await prove(fixture, { phone: phone(0), client: device });
    await fixture.own(phone(1), 'account-1');
    await unverified(19, (n) => phone(n + 2));
    const transaction = { phone: phone(1), purpose: 'transaction', subject: 'account-1', action: ACTION };

    expect(await outcome(start(phone(30)))).toBe('otp_too_soon');
    expect(await outcome(fixture.otp.start({ phone: phone(0), purpose, client: device }))).toBe('ok');
    expect(await outcome(fixture.otp.start({ ...transaction, client: 'server' }))).toBe('ok');
  });

  it.each([
    ['report', [{ scope: 'prefix', messages: 20, verified: 0, enforced: false }]],
    ['off', []],
  ] as const)('SEC-25 stops nothing if it is %s', async (prefix, told) => {
    await open({ minimumConversion: { prefix } });
    await unverified(30, newBlock());

    expect(events.of('otp.conversion_low')).toMatchObject(told);
    expect(events.of('otp.conversion_low')).toHaveLength(told.length);
  });

  it("SEC-25 uses the host's own figures", async () => {
    await open({ minimumConversionMessages: 5, minimumConversionPercent: 50 });
    const phone = newBlock();
    await verified(2, phone);
    await unverified(3, (n) => phone(n + 2));

    expect(await outcome(start(phone(9)))).toBe('otp_too_soon');
  });
});

describe('the conversion of a client address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2::7', '2001:db8:1::/48'],
  ])('SEC-25 is reported for %s and stops nothing unless enforced', async (address, name) => {
    await open({ minimumConversionMessages: 5, minimumConversion: { prefix: 'off' } });
    await unverified(6, newNigerian, { address });
    const told = { scope: 'address', name, messages: 5, verified: 0 };
    expect(events.of('otp.conversion_low')).toEqual([{ ...told, enforced: false }]);
    await fixture.close();

    await open({ minimumConversionMessages: 5, minimumConversion: { prefix: 'off', address: 'enforce' } });
    await unverified(5, newNigerian, { address });

    expect(await outcome(start(newNigerian(), { address }))).toBe('otp_too_soon');
    expect(await outcome(start(newNigerian()))).toBe('ok');
    expect(events.of('otp.conversion_low')).toEqual([{ ...told, enforced: true }]);
  });
});

describe('the conversion of a region and of a provider', () => {
  const reported = { prefix: 'off', address: 'off' } as const;
  const low = { messages: 20, verified: 3 };

  /** Of 20 messages to Nigeria 3 were verified; of 5 to Saudi Arabia none. */
  async function anHour() {
    await verified(3, newNigerian);
    await unverified(17, newNigerian);
    await unverified(5);
  }

  it('is reported once an hour, counts only codes that are over, and stops nothing', async () => {
    await open({ conversionCheckSeconds: 0, minimumConversion: reported });
    await anHour();
    await fixture.operations.checkConversion();
    expect(events.of('otp.conversion_low')).toEqual([]); // they may still be answered
    await fixture.elapse(301);

    await fixture.operations.checkConversion();
    await fixture.operations.checkConversion();

    expect(events.of('otp.conversion_low').toSorted((a, b) => a.scope.localeCompare(b.scope))).toEqual([
      { scope: 'provider', name: 'capturing', messages: 25, verified: 3, enforced: false },
      { scope: 'region', name: 'NG', ...low, enforced: false },
    ]);
    const audited = (await fixture.rows('otp_audit')).filter(({ event }) => event === 'conversion_low');
    expect(audited.map((row) => String(row.outcome ?? row.provider)).toSorted()).toEqual(['NG', 'capturing']);
    expect(await outcome(start(newNigerian()))).toBe('ok');
  });

  it('closes a region to strangers for an hour if enforced', async () => {
    await open({ conversionCheckSeconds: 0, minimumConversion: { ...reported, region: 'enforce', provider: 'off' } });
    const known = newNigerian();
    await prove(fixture, { phone: known, client: device });
    await anHour();
    await fixture.elapse(301);
    await fixture.operations.checkConversion();

    const [stranger, another, person] = [
      await outcome(start(newNigerian())),
      await outcome(start(newPhone())),
      await outcome(fixture.otp.start({ phone: known, purpose, client: device })),
    ];
    await fixture.elapse(HOUR);

    expect(events.of('otp.conversion_low')).toEqual([
      { scope: 'region', name: 'NG', messages: 21, verified: 4, enforced: true },
    ]);
    expect([stranger, another, person]).toEqual(['send_unavailable', 'ok', 'ok']);
    expect(events.of('otp.limited').map(({ limit }) => limit)).toEqual(['conversion']);
    expect(await outcome(start(newNigerian()))).toBe('ok');
  });

  it('closes a provider to strangers if enforced, and does not count decoys', async () => {
    await open({ conversionCheckSeconds: 0, minimumConversion: { ...reported, provider: 'enforce' } });
    for (let n = 0; n < 20; n++) await fixture.otp.start({ phone: newPhone(), purpose: 'login', client: 'server' });
    await fixture.elapse(301);
    await fixture.operations.checkConversion();
    expect(events.of('otp.conversion_low')).toEqual([]);
    await unverified(20);
    await fixture.elapse(301);
    await fixture.operations.checkConversion();

    expect(await outcome(start(newPhone()))).toBe('send_unavailable');
  });

  it('is judged by one instance at a time', async () => {
    await open({ conversionCheckSeconds: 600, minimumConversion: reported });
    await fixture.operations.checkConversion();
    await anHour();
    await fixture.elapse(300);
    await fixture.dataSource.query(`UPDATE ${fixture.schema}.otp_challenges SET expires_at = now()`);

    await fixture.operations.checkConversion();
    const tooEarly = events.of('otp.conversion_low').length;
    await fixture.elapse(300);
    await fixture.operations.checkConversion();

    expect([tooEarly, events.of('otp.conversion_low').length]).toEqual([0, 2]);
  });
});

describe('allow rules', () => {
  const strict = { sendsPerPrefixPerHour: 2, sendsPerAddressPerHour: 2, sendsPerRegionPerDay: { SA: 2 } };
  const messages = async (options: Partial<OtpModuleOptions>) => {
    await open({ ...strict, minimumConversionMessages: 5, ...options });
    const phone = newBlock();
    const outcomes = [];
    for (let n = 0; n < 8; n++) outcomes.push(await outcome(start(phone(n), client)));
    return outcomes.filter((code) => code === 'ok').length;
  };

  it.each([
    ['of a region', { regions: ['SA'] }],
    ['of numbers', { numbers: ['+96650'] }],
    ['of a network', { networks: ['203.0.113.0/24'] }],
  ])('%s exempt from minimum conversion, prefix, address and region limits', async (_, allow) => {
    expect(await messages({ allow })).toBe(8);
    expect(events.of('otp.conversion_low')).toEqual([]);
  });

  it('exempt from no other limit', async () => {
    expect(await messages({ allow: { regions: ['NG'], networks: ['198.51.100.0/24'] } })).toBe(1);
    await fixture.close();
    expect(await messages({ allow: { regions: ['SA'] }, dailySendBudget: 5 })).toBe(4);
    await fixture.close();
    await open({ allow: { regions: ['SA'] } });
    const phone = newPhone();
    await start(phone);
    expect(await outcome(start(phone))).toBe('otp_too_soon');
  });
});

describe('the cap of a region', () => {
  it('SEC-26 applies to that region only and keeps a fifth for known callers', async () => {
    await open({ sendsPerRegionPerDay: { NG: 5 } });
    const owned = newNigerian();
    await fixture.own(owned, 'account-1');
    const strangers = [];
    for (let n = 0; n < 5; n++) strangers.push(await outcome(start(newNigerian())));
    const verify = { phone: owned, purpose: 'change_number', subject: 'account-1', client: 'server' } as const;

    expect(strangers).toEqual(['ok', 'ok', 'ok', 'ok', 'send_unavailable']);
    expect(await outcome(start(newPhone()))).toBe('ok');
    expect(await outcome(fixture.otp.start(verify))).toBe('ok');
    expect(events.of('otp.limited')).toMatchObject([{ limit: 'region_day', code: 'send_unavailable' }]);
    await fixture.elapse(24 * HOUR);
    expect(await outcome(start(newNigerian()))).toBe('ok');
  });
});

describe('the budget in money', () => {
  const prices = { SA: '0.1', GB: '0.07', IL: '0.1', NG: '0.25', LY: '0.1' };

  it('SEC-26 spends the listed prices to the last hundredth, and strangers get four fifths of it', async () => {
    await open({ dailySpendBudget: { amount: '1.00', currency: 'USD', prices } });
    const owned = newPhone();
    await fixture.own(owned, 'account-1');
    const starts = [];
    for (const phone of [newNigerian(), newNigerian(), newPhone(), newPhone(), newNigerian(), newPhone(), newPhone()]) {
      starts.push(await outcome(start(phone)));
    }
    const owner = [];
    for (const what of ['change_number', 'transaction', 'verify_number']) {
      const request = { phone: owned, purpose: what, subject: 'account-1', client: 'server', action: ACTION } as const;
      owner.push(await outcome(fixture.otp.start(request)));
    }

    // 0.25 + 0.25 + 0.10 + 0.10, no room for 0.25, + 0.10 = 0.80
    expect(starts).toEqual(['ok', 'ok', 'ok', 'ok', 'send_unavailable', 'ok', 'send_unavailable']);
    expect(owner).toEqual(['ok', 'ok', 'send_unavailable']);
    expect(events.of('otp.limited').map(({ limit }) => limit)).toEqual(Array(3).fill('service_spend'));
    await fixture.elapse(24 * HOUR);
    expect(await outcome(start(newNigerian()))).toBe('ok');
  });

  it('SEC-26 is not exceeded by parallel requests', async () => {
    await open({ dailySpendBudget: { amount: '1.00', currency: 'USD', prices } }, { poolSize: 20, races: true });
    await start(newPhone());
    const release = await holding(fixture, 'otp_budgets');

    const starts = Array.from({ length: 16 }, () => outcome(start(newBlock()(0)))); // they share only the budget
    await waiting(fixture, 16);
    await release();

    expect(tallyOf(await Promise.all(starts))).toEqual({ ok: 7, send_unavailable: 9 });
    evidence('SEC-26', { parallelStarts: 16, roomInMoney: 7, started: 7 });
  });
});

describe('a sending stop', () => {
  it('SEC-26 stops every code for everybody, alike for known and unknown numbers, but no verification', async () => {
    await open({});
    const [known, owned] = [newPhone(), newPhone()];
    await fixture.own(owned, 'account-1');
    await prove(fixture, { phone: known, client: device });
    const under = await start(newPhone());
    await fixture.elapse(61);
    const { challenge } = await start(known);
    await until('everything is sent', async () => (await fixture.rows('otp_sends')).length === 3);
    const code = await fixture.codeFor(known);
    fixture.sms.clear();

    await fixture.operations.stopSending({ reason: 'a flood from Friday on' });

    const login = async (phone: string) => seen(await post(fixture.app, '/otp/start', { phone, purpose: 'login' }));
    const answer = await login(owned);
    const transaction = { phone: owned, purpose: 'transaction', subject: 'account-1', action: ACTION };
    const refused = [
      await outcome(fixture.otp.start({ ...transaction, client: 'server' })),
      await outcome(fixture.otp.start({ phone: known, purpose, client: device })),
      await outcome(fixture.otp.resend({ challenge: under.challenge, client })),
    ];
    expect(answer).toMatch(/^503[^]*send_unavailable/);
    expect(await login(newPhone())).toBe(answer);
    expect(refused).toEqual(['send_unavailable', 'send_unavailable', 'send_unavailable']);
    expect(await outcome(fixture.otp.verify({ challenge, code, purpose }))).toBe('ok');
    expect(fixture.sms.messages()).toEqual([]);
    expect(events.of('otp.limited').map(({ limit }) => limit)).toEqual(Array(5).fill('stopped'));
    expect(events.of('otp.sending_stopped')).toEqual([
      { region: null, provider: null, reason: 'a flood from Friday on' },
    ]);
    evidence('SEC-26', { startsWhileStopped: 5, messagesWhileStopped: 0, verifiedWhileStopped: 1 });
  });

  it('SEC-26 outlives restarts, time, purges and a new pepper, until an operator resumes sending', async () => {
    await open({});
    const { schema } = fixture;
    await fixture.operations.stopSending({ reason: 'first' });
    await fixture.operations.stopSending();
    expect(events.of('otp.sending_stopped')).toHaveLength(1);
    await fixture.elapse(400 * 24 * HOUR);
    await fixture.operations.purge();
    await fixture.close();

    await open({ pepper: 'another-pepper-for-tests-only-0123456789-abc' }, { schema });
    const stops = await fixture.operations.sendingStops();
    const stopped = await outcome(start(newPhone()));

    expect(stops).toEqual([{ since: expect.any(Date), reason: 'first' }]);
    expect(stopped).toBe('send_unavailable');
    expect(await fixture.operations.resumeSending()).toBe(true);
    expect(await fixture.operations.resumeSending()).toBe(false);
    expect(events.of('otp.sending_resumed')).toEqual([{ region: null, provider: null }]);
    expect(await fixture.operations.sendingStops()).toEqual([]);
    expect(await outcome(start(newPhone()))).toBe('ok');
  });

  it('SEC-26 can apply to a region, a provider, or both', async () => {
    await open({});
    const provider = 'capturing';
    const passes = async () => [await outcome(start(newNigerian())), await outcome(start(newPhone()))];

    await fixture.operations.stopSending({ region: 'NG' });
    expect(await passes()).toEqual(['send_unavailable', 'ok']);
    await fixture.operations.stopSending({ provider });
    expect(await passes()).toEqual(['send_unavailable', 'send_unavailable']);
    await fixture.operations.stopSending({ provider, region: 'SA' });
    expect(await fixture.operations.sendingStops()).toMatchObject([
      { provider },
      { region: 'NG' },
      { region: 'SA', provider },
    ]);
    await fixture.operations.resumeSending({ region: 'NG' });
    await fixture.operations.resumeSending({ provider });

    expect(await passes()).toEqual(['ok', 'send_unavailable']);
    expect(events.of('otp.limited').at(-1)).toMatchObject({ limit: 'provider_stopped' });
  });

  it.each([{ region: 'US' }, { region: 'ng' }, { provider: 'nobody' }, { reason: '' }])(
    'SEC-26 refuses %j, which would stop nothing',
    async (scope) => {
      await open({});

      expect(await outcome(fixture.operations.stopSending(scope as object))).toBe('request_invalid');
      expect(await fixture.operations.sendingStops()).toEqual([]);
    },
  );

  it('SEC-26 lets the next provider take over for starts and resends, and failover does not bypass it', async () => {
    const [first, second] = [new ScriptedProvider(undefined, 'first'), new ScriptedProvider(undefined, 'second')];
    await open({}, { provider: new Failover([first, second]) });
    const sent = async (count: number) => {
      await until('it is sent', async () => (await fixture.rows('otp_sends')).length === count);
      return [first.messages.length, second.messages.length];
    };

    await fixture.operations.stopSending({ provider: 'first' });
    const { challenge } = await start(newPhone());
    expect(await sent(1)).toEqual([0, 1]);
    await fixture.elapse(61);
    await fixture.otp.resend({ challenge, client });
    expect(await sent(2)).toEqual([0, 2]);
    expect(events.of('otp.limited')).toEqual([]);

    await fixture.operations.resumeSending({ provider: 'first' });
    await fixture.operations.stopSending({ provider: 'second' });
    first.answer = async () => ({ outcome: 'provider_unavailable' });
    await start(newPhone());
    expect(await sent(3)).toEqual([1, 2]);

    await fixture.operations.stopSending({ provider: 'first' });
    expect(await outcome(start(newPhone()))).toBe('send_unavailable');
    expect(events.of('otp.limited')).toMatchObject([{ limit: 'provider_stopped' }]);
  });

  it('SEC-26 makes a failover skip a stopped provider, and tells a signed-in caller if there is no other', async () => {
    const providers = ['first', 'second', 'third'].map((name) => new ScriptedProvider(undefined, name));
    await open({}, { provider: new Failover(providers) });
    providers[0]!.answer = async () => ({ outcome: 'provider_unavailable' });
    const phone = newPhone();
    const ask = () => fixture.otp.start({ phone, purpose: 'verify_number', subject: 'account-1', client: 'server' });
    const log = async () => (await fixture.rows('otp_sends')).map(({ provider, outcome }) => [provider, outcome]);
    const failed = async () =>
      (await fixture.rows('otp_challenges')).filter(({ status }) => status === 'failed').length;

    await fixture.operations.stopSending({ provider: 'second' });
    await start(newPhone());
    await until('it is sent', async () => (await log()).length === 2);
    expect(await log()).toEqual([
      ['first', 'provider_unavailable'],
      ['third', 'sent'],
    ]);

    await fixture.operations.stopSending({ provider: 'third' });
    await start(newPhone());
    await until('it is recorded', async () => (await failed()) === 1);
    expect(await outcome(ask())).toBe('send_unavailable');
    expect(await outcome(ask())).toBe('send_unavailable'); // so the cooldown was returned
    expect(await failed()).toBe(3);
    expect(await log()).toHaveLength(5);
    expect(providers.map(({ messages }) => messages.length)).toEqual([4, 0, 1]);
  });
});

describe('all of these limits together', () => {
  it('cost a start no further round trip, for any caller', async () => {
    const prices = { SA: '0.1', GB: '0.1', IL: '0.1', NG: '0.1', LY: '0.1' };
    await open({
      minimumConversion: { prefix: 'enforce', address: 'enforce', region: 'enforce', provider: 'enforce' },
      allow: { numbers: ['+44790'], networks: ['198.51.100.0/24'] },
      sendsPerRegionPerDay: { SA: 100_000 },
      dailySpendBudget: { amount: '100000', currency: 'USD', prices },
    });
    const owned = newPhone();
    await fixture.own(owned, 'account-1');
    const { master } = fixture.dataSource.driver as unknown as {
      master: { Client: { prototype: { query(query: { text: string }): unknown } } };
    };
    await start(newPhone()); // opens the connection
    await until('it is recorded', async () => (await fixture.rows('otp_sends')).length === 1);
    const query = jest.spyOn(master.Client.prototype, 'query');
    /** The database requests of one start, in order. */
    const askedFor = async (request: object): Promise<string[]> => {
      query.mockClear();
      await fixture.otp.start({ phone: newPhone(), purpose, client, ...request });
      const asked = () =>
        query.mock.calls
          .map(([{ text }]) =>
            text.includes('"otp_start"(') ? 'start' : text.includes('"otp_log_sends"(') ? 'log' : text,
          )
          .filter((text) => !/otp_warm_up|^ROLLBACK$/.test(text)); // the set-up of a new connection
      await until('it is recorded', () => asked().includes('log'));
      return asked();
    };

    const stranger = await askedFor({});
    const known = await askedFor({ client: device });
    const owner = await askedFor({ phone: owned, purpose: 'change_number', subject: 'account-1' });
    query.mockRestore();

    expect([stranger, known, owner]).toEqual(Array(3).fill(['start', 'log']));
  });
});
