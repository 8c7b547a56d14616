import { evidence } from '../support/evidence.js';
import { ask, Fleet, type Operation, type Outcome, tally } from '../support/fleet.js';
import { ACTION, newPhone, wrongCode } from '../support/otp-fixture.js';

// A flood, from any number of addresses and in any number of processes, blocks strangers only. Its cost is a figure of
// the configuration.

const purpose = 'login';
const subject = 'account-1';
const device = { address: '198.51.100.9', deviceKey: 'the-device-of-this-person' };
const AS_THEY_COME = {
  sendsPerPhonePerHour: 5,
  sendsPerPhonePerDay: 10,
  sendsPerAddressPerHour: 20,
  sendsPerPrefixPerHour: 30,
  minimumConversion: {},
};
const COOLDOWN = 60;

let fleet: Fleet;
beforeAll(async () => (fleet = await Fleet.launch()));
beforeEach(() => fleet.forget());
afterAll(() => fleet.close());

/** A separate address for each. */
const from = (n: number) => ({ address: `203.0.${n >> 8}.${n & 255}` });
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

describe('500 hostile starts and guesses against a number', () => {
  const hostileStart = (phone: string, n: number) => ask.start({ phone, purpose, client: from(n) });

  /** The owner proved the number on this device once, and has it in the ledger. */
  async function owner(): Promise<string> {
    const phone = newPhone();
    await fleet.sql(
      `INSERT INTO otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
       VALUES ($1, $2, now(), now(), 'registration')`,
      [phone, subject],
    );
    const { challenge } = await fleet.do(ask.start({ phone, purpose, client: device }));
    await fleet.do(ask.verify({ challenge, code: await fleet.codeFor(phone), purpose }));
    await fleet.elapse(COOLDOWN);
    return phone;
  }

  /** The maximum number of challenges of strangers, then guesses at them among more starts. */
  async function attack(phone: string): Promise<Outcome[]> {
    const challenges: string[] = [];
    for (let n = 0; n < 3; n++) {
      challenges.push((await fleet.do(hostileStart(phone, n))).challenge);
      await fleet.elapseLimits(COOLDOWN);
    }
    await fleet.messages(4, phone);
    const guess = wrongCode(fleet.sms.lastCode(phone)!);
    return fleet.race(
      times<Operation>(497, (n) =>
        n % 2 === 0
          ? hostileStart(phone, n)
          : ask.verify({ challenge: challenges[n % 3]!, code: guess, purpose, client: from(n) }),
      ),
    );
  }

  it('SEC-10: leave the owner able to log in on a known device at the first attempt, and to step up', async () => {
    await fleet.open({ options: AS_THEY_COME });
    const phone = await owner();

    const outcomes = await attack(phone);
    fleet.sms.clear();
    const login = await fleet.do(ask.start({ phone, purpose, client: device }));
    const loggedIn = await fleet.do(ask.verify({ ...login, code: await fleet.codeFor(phone), purpose }));
    fleet.sms.clear();
    const transaction = { phone, purpose: 'transaction', subject, action: ACTION };
    const stepUp = await fleet.do(ask.start({ ...transaction, client: device }));
    const code = await fleet.codeFor(phone);
    const steppedUp = await fleet.do(ask.verify({ ...stepUp, code, purpose: 'transaction', subject }));

    expect(loggedIn).toMatchObject({ subject: phone, phone });
    expect(steppedUp).toMatchObject({ subject, phone });
    const { otp_invalid: compared = 0, ok: sent = 0 } = tally(outcomes);
    expect(compared).toBeLessThanOrEqual(10);
    expect(sent).toBeLessThanOrEqual(2);
    // Meanwhile, strangers are blocked.
    expect(await fleet.outcomeOf(hostileStart(phone, 999))).toMatchObject({ code: 'locked_out' });
    evidence('SEC-10', {
      hostileCalls: 500,
      comparisons: compared,
      messages: 3 + sent,
      ownerAttempts: 1,
      stepUpAttempts: 1,
    });
  });
});

describe('a flood', () => {
  it('from a /64, in all spellings, counts as one client', async () => {
    await fleet.open({ options: AS_THEY_COME });
    const spelled = (n: number) =>
      [`2001:db8:1:2::${n.toString(16)}`, `2001:DB8:1:2:0:0:${n.toString(16)}:1`, `2001:0db8:0001:0002::${n}%eth0`][
        n % 3
      ]!;
    const start = (n: number) =>
      ask.start({ phone: `+96650${1_000_000 + n * 10_007}`, purpose: 'registration', client: { address: spelled(n) } });

    const outcomes = await fleet.race(times(200, start));

    expect(tally(outcomes)).toEqual({ ok: 20, otp_too_soon: 180 });
    expect(await fleet.messages(20)).toHaveLength(20);
  });

  it('over the numbers of one block costs 20 messages', async () => {
    await fleet.open({ options: AS_THEY_COME });
    const start = (n: number) => ask.start({ phone: `+96650123${1000 + n}`, purpose: 'registration', client: from(n) });

    const outcomes = await fleet.race(times(200, start));

    expect(tally(outcomes)).toEqual({ ok: 20, otp_too_soon: 180 });
  });

  it('over many countries costs the cap of each, and the other countries stay open', async () => {
    await fleet.open({ options: { ...AS_THEY_COME, sendsPerRegionPerDay: { NG: 10, LY: 20 } } });
    const registration = (phone: string, n: number) => ask.start({ phone, purpose: 'registration', client: from(n) });
    const flood = times(200, (n) =>
      registration(n % 2 === 0 ? `+234803${1_000_000 + n * 10_007}` : `+21891${1_000_000 + n * 10_007}`, n),
    );

    const outcomes = await fleet.race(flood);

    expect(tally(outcomes)).toEqual({ ok: 8 + 16, send_unavailable: 176 });
    expect(await fleet.outcomeOf(registration(newPhone(), 500))).toMatchObject({ code: 'ok' });
  });

  it('SEC-26: ends in all processes at once when sending is stopped, without another message', async () => {
    await fleet.open({ options: AS_THEY_COME });
    const start = (n: number) =>
      ask.start({ phone: `+96650${1_000_000 + n * 10_007}`, purpose: 'registration', client: from(n) });
    const before = await fleet.race(times(4, start));
    await fleet.messages(4);

    await fleet.do(ask.stopSending());
    const stopped = await fleet.race(times(200, (n) => start(n + 4)));
    await fleet.open({ options: AS_THEY_COME }); // new applications, new connections
    const afterRestart = await fleet.race(times(4, (n) => start(n + 204)));

    expect(tally(before)).toEqual({ ok: 4 });
    expect(tally([...stopped, ...afterRestart])).toEqual({ send_unavailable: 204 });
    expect(fleet.sms.messages()).toHaveLength(4);
    expect(await fleet.do(ask.resumeSending())).toBe(true);
    expect(tally(await fleet.race(times(4, (n) => start(n + 208))))).toEqual({ ok: 4 });
    evidence('SEC-26', { startsWhileStopped: 204, messagesWhileStopped: 0, processes: 4 });
  });
});
