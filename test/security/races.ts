import type { StartedChallenge } from 'nestjs-phone-otp';

import { evidence } from '../support/evidence.js';
import { ask, Fleet, type Isolation, type Operation, type Outcome, tally } from '../support/fleet.js';
import { newPhone, wrongCode } from '../support/otp-fixture.js';

// Four processes with a pool of 8 connections each, released together. A code counts as compared if it gets
// `otp_invalid` (or `ok`). Every figure is exact, so a code outside the list fails the test.

const purpose = 'registration';
const client = { address: '203.0.113.7' };
const COOLDOWN = 60;

let fleet: Fleet;

/** The processes that the races of this file use. */
export function launchFleet(): void {
  beforeAll(async () => (fleet = await Fleet.launch()));
  afterAll(() => fleet.close());
}

/** Races for codes, grants and numbers, with limits out of the way. */
export function codeRaces(isolation: Isolation): void {
  beforeAll(async () => {
    await fleet.forget();

    const levels = await fleet.open({ isolation });

    expect(levels).toEqual([isolation, isolation, isolation, isolation]);
  });

  it('SEC-06: lets exactly one of 64 parallel right codes win', async () => {
    const { challenge, code } = await started();

    const outcomes = await crowd(
      challengeAndTurn(challenge),
      times(64, () => ask.verify({ challenge, code, purpose })),
    );

    expect(tally(outcomes)).toEqual({ ok: 1, otp_unavailable: 63 });
    expect(await grantsOf(challenge)).toHaveLength(1);
    expect(await fleet.sql('SELECT * FROM otp_lockouts')).toEqual([]);
    evidence('SEC-06', { processes: 4, rightCodes: 64, successes: 1 });
  });

  it('SEC-07: compares five of 200 parallel wrong codes, and then not even the right one', async () => {
    const { challenge, code } = await started();

    const outcomes = await crowd(
      challengeAndTurn(challenge),
      times(200, () => ask.verify({ challenge, code: wrongCode(code), purpose })),
    );

    expect(tally(outcomes)).toEqual({ otp_invalid: 5, otp_unavailable: 195 });
    expect(await rowOf(challenge)).toMatchObject({ attempts: 5, status: 'locked' });
    expect(await fleet.outcomeOf(ask.verify({ challenge, code, purpose }))).toMatchObject({
      code: 'otp_unavailable',
    });
    const { otp_invalid: comparisons } = tally(outcomes);
    evidence('SEC-07', { processes: 4, wrongCodes: 200, comparisons: comparisons!, successes: 0 });
    evidence('SEC-08', { isolation, wrongCodes: 200, comparisons: comparisons! });
  });

  it('SEC-09: compares ten wrong codes of one subject over 20 challenges, with or without resends', async () => {
    const phone = newPhone();
    const challenges = await inTurn(20, () => started({ phone }));
    const guess = (n: number) => {
      const { challenge, code } = challenges[n % 20]!;
      return ask.verify({ challenge, code: wrongCode(code), purpose });
    };
    const before = await fleet.race(times(4, () => guess(0)));
    await fleet.elapseLimits(COOLDOWN);
    await fleet.do(ask.resend({ challenge: challenges[0]!.challenge, client }));

    const outcomes = await crowd(challengeAndTurn(challenges[0]!.challenge), times(200, guess));

    expect(tally(before)).toEqual({ otp_invalid: 4 });
    const { otp_invalid, locked_out, otp_unavailable = 0 } = tally(outcomes);
    expect(otp_invalid).toBe(6);
    expect(locked_out! + otp_unavailable).toBe(194);
    expect(otp_unavailable).toBeLessThanOrEqual(2 * 10); // five guesses end a challenge by themselves
    for (const { retryAfterSeconds } of refused(outcomes, 'locked_out')) expectWithin(retryAfterSeconds, 1, 900);
    evidence('SEC-09', { challenges: 20, wrongCodes: 204, comparisons: 4 + otp_invalid! });
    await fleet.elapseLimits(COOLDOWN);
    expect(await fleet.outcomeOf(ask.start({ phone, purpose, client }))).toMatchObject({ code: 'locked_out' });
  });

  it('SEC-12: sends one message for 16 parallel resends, and the old code stops working', async () => {
    const { phone, challenge, code: old } = await started();
    await fleet.race(times(2, () => ask.verify({ challenge, code: wrongCode(old), purpose })));
    await fleet.elapseLimits(COOLDOWN);
    fleet.sms.clear();

    const outcomes = await crowd(
      COOLDOWNS,
      times(16, () => ask.resend({ challenge, client })),
    );

    expect(tally(outcomes)).toEqual({ ok: 1, otp_too_soon: 15 });
    expect(await fleet.messages(1, phone)).toHaveLength(1);
    expect(await rowOf(challenge)).toMatchObject({ sends: 2, attempts: 2 });
    evidence('SEC-12', { resends: 16, messages: fleet.sms.messages(phone).length });
    const code = await fleet.codeFor(phone);
    const verify = (typed: string) => fleet.outcomeOf(ask.verify({ challenge, code: typed, purpose }));
    expect(await verify(old)).toMatchObject({ code: 'otp_invalid' });
    expect(await verify(code)).toMatchObject({ code: 'ok' });
  });

  it.each([
    ['that never had one', 0],
    ['that had one before', 1],
  ])('SEC-18: sends one message for 64 parallel starts to a phone %s, for any purposes', async (_, earlier) => {
    const phone = newPhone();
    if (earlier) await started({ phone });
    await fleet.elapseLimits(COOLDOWN);
    fleet.sms.clear();
    const start = (n: number) =>
      n % 2 === 0
        ? ask.start({ phone, purpose, client: { address: `198.51.100.${n}` } })
        : ask.start({ phone, purpose: 'verify_number', subject: `account-${n}`, client });

    const outcomes = await (earlier ? crowd(COOLDOWNS, times(64, start)) : fleet.race(times(64, start)));

    expect(tally(outcomes)).toEqual({ ok: 1, otp_too_soon: 63 });
    for (const { retryAfterSeconds } of refused(outcomes, 'otp_too_soon')) {
      expectWithin(retryAfterSeconds, 1, COOLDOWN);
    }
    expect(await fleet.messages(1, phone)).toHaveLength(1);
    expect(await challengesOf(phone)).toHaveLength(earlier + 1);
    evidence('SEC-18', { starts: 64, messages: fleet.sms.messages(phone).length });
  });

  it('SEC-39: lets exactly one of 32 parallel uses of a grant win', async () => {
    const { grant } = await verified();

    const outcomes = await crowd(
      'SELECT FROM otp_grants WHERE consumed_at IS NULL FOR UPDATE',
      times(32, () => ask.consume(grant, { purpose })),
    );

    expect(tally(outcomes)).toEqual({ ok: 1, grant_invalid: 31 });
    evidence('SEC-39', { uses: 32, successes: 1 });
  });

  it('SEC-48: gives a number to one of 32 accounts, and the other 31 keep their grants', async () => {
    const phone = newPhone();
    const grants = await inTurn(32, async () => (await verified({ phone })).grant);

    const outcomes = await fleet.race(grants.map((grant, n) => ask.activate(grant, `account-${n}`)));

    expect(tally(outcomes)).toEqual({ ok: 1, phone_already_activated: 31 });
    const owners = await fleet.sql('SELECT owner FROM otp_verified_numbers WHERE phone = $1', [phone]);
    const winner = outcomes.findIndex(({ code }) => code === 'ok');
    expect(owners).toEqual([{ owner: `account-${winner}` }]);
    const unused = await fleet.sql('SELECT FROM otp_grants WHERE phone = $1 AND consumed_at IS NULL', [phone]);
    expect(unused).toHaveLength(31);
    evidence('SEC-48', { accounts: 32, owners: owners.length });
  });

  it('leaves a known device one live challenge, however many starts race', async () => {
    const phone = newPhone();
    const device = { ...client, deviceKey: `device-of-${phone}` };

    await started({ phone, client: device });

    const rounds = await inTurn(3, async () => {
      await fleet.elapseLimits(COOLDOWN);
      return crowd(
        COOLDOWNS,
        times(16, () => ask.start({ phone, purpose, client: device })),
      );
    });

    expect(tally(rounds.flat())).toEqual({ ok: 3, otp_too_soon: 45 });
    const statuses = (await challengesOf(phone)).map(({ ended_at, status }) => (ended_at === null ? 'live' : status));
    expect(statuses).toEqual(['superseded', 'superseded', 'superseded', 'live']);
  });

  it('returns reservations in the order in which starts make them, so that neither waits for the other', async () => {
    const first = { address: '198.51.100.1' };
    const second = { address: '198.51.100.2' };
    const { phone, challenge } = await started({ client: first });
    await fleet.elapseLimits(COOLDOWN);
    await fleet.do(ask.resend({ challenge, client: second }));
    await fleet.messages(2, phone);
    const code = await fleet.codeFor(phone);
    const neighbour = phone.replace(/.$/, (digit) => String((Number(digit) + 1) % 10));
    const before = await deadlocks();
    const release = await holding(PREFIXES);

    // Both have done everything that precedes the prefix, and continue together from there.
    const verifying = fleet.outcomeOf(ask.verify({ challenge, code, purpose }));
    await fleet.waiting(1);
    const starting = fleet.outcomeOf(ask.start({ phone: neighbour, purpose, client: second }));
    await fleet.waiting(2);
    await release();

    expect(tally([await verifying, await starting])).toEqual({ ok: 2 });
    expect((await deadlocks()) - before).toBe(0);
  });

  it('locks its challenge before the shared counters, in a resend as in a verify', async () => {
    const { challenge, code } = await started();
    await fleet.elapseLimits(COOLDOWN);
    const before = await deadlocks();
    const release = await holding(PREFIXES);

    const resending = fleet.outcomeOf(ask.resend({ challenge, client }));
    await fleet.waiting(1);
    const verifying = fleet.outcomeOf(ask.verify({ challenge, code, purpose }));
    await fleet.waiting(2);
    await release();

    expect([(await resending).code, (await verifying).code]).toEqual(['ok', 'otp_invalid']);
    expect((await deadlocks()) - before).toBe(0);
  });

  it('ends a storm of all operations on neighbouring numbers without a deadlock', async () => {
    const addresses = [client, { address: '198.51.100.8' }];
    const codes = await inTurn(8, (n) => started({ client: addresses[n % 2]! }));
    await fleet.elapseLimits(COOLDOWN);
    // Resent from the other address: a success then returns reservations of both.
    for (const [n, { challenge }] of codes.entries()) {
      await fleet.do(ask.resend({ challenge, client: addresses[(n + 1) % 2]! }));
    }
    await fleet.elapseLimits(COOLDOWN);
    const before = await deadlocks();
    const storm = codes.flatMap(({ phone, challenge }, n): Operation[] => {
      const from = addresses[n % 2]!;
      const right = fleet.sms.lastCode(phone)!;
      return [
        ...times(2, () => ask.verify({ challenge, code: right, purpose })),
        ...times(6, () => ask.start({ phone, purpose, client: from })),
        ...times(4, () => ask.resend({ challenge, client: from })),
        ...times(6, () => ask.verify({ challenge, code: wrongCode(right), purpose })),
        ...times(6, () => ask.start({ phone: newPhone(), purpose, client: from })),
      ];
    });

    const outcomes = await crowd(PREFIXES, shuffled(storm));

    const known = ['ok', 'otp_invalid', 'otp_unavailable', 'otp_too_soon', 'locked_out'];
    expect(Object.keys(tally(outcomes)).filter((code) => !known.includes(code))).toEqual([]);
    expect((await deadlocks()) - before).toBe(0);
    for (const { challenge } of codes) {
      expectWithin(((await rowOf(challenge)) as { attempts: number }).attempts, 1, 5);
      expectWithin((await grantsOf(challenge)).length, 0, 1);
    }
  });
}

/** Races for the rest of a limit. */
export function limitRaces(isolation: Isolation): void {
  it('SEC-19: refuses the sixth start of the hour in every process', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { sendsPerPhonePerHour: 5 } });
    const { five, start } = await fiveStarts();

    const outcomes = await fleet.race(times(4, () => start));

    expect(tally(five)).toEqual({ ok: 5 });
    expect(tally(outcomes)).toEqual({ otp_too_soon: 4 });
    for (const { retryAfterSeconds } of outcomes) {
      expectWithin(retryAfterSeconds, COOLDOWN + 1, 3600 - 5 * COOLDOWN);
    }
    expect(await fleet.messages(5)).toHaveLength(5);
    evidence('SEC-19', { processes: 4, starts: 9, messages: fleet.sms.messages().length });
  });

  it('SEC-26: sends strangers exactly four fifths of the daily budget', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { dailySendBudget: 101 } });
    await fleet.do(startTo(0));

    const outcomes = await crowd(
      BUDGETS,
      times(239, (n) => startTo(n + 1)),
    );

    expect(tally(outcomes)).toEqual({ ok: 79, send_unavailable: 160 });
    expect(await fleet.messages(80)).toHaveLength(80);
    evidence('SEC-26', { starts: 240, share: 80, messages: fleet.sms.messages().length });
  });

  it('SEC-26: fills a budget that is split over rows to the last message, and no further', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { dailySendBudget: 2200 } }); // two rows, of which strangers may fill 880 each
    const rows = () => fleet.sql('SELECT scope, day_sends FROM otp_budgets');
    for (let n = 0; (await rows()).length < 2; n++) await fleet.do(startTo(n));
    await fleet.sql('UPDATE otp_budgets SET day_sends = CASE shard WHEN 0 THEN 730 ELSE 880 END');
    fleet.sms.clear();

    const outcomes = await crowd(
      BUDGETS,
      times(200, (n) => startTo(n + 300)),
    );

    expect(tally(outcomes)).toEqual({ ok: 150, send_unavailable: 50 });
    expect(await fleet.messages(150)).toHaveLength(150);
    expect(await rows()).toEqual(Array(2).fill({ scope: '', day_sends: 880 }));
    evidence('SEC-26', { starts: 200, left: 150, messages: fleet.sms.messages().length });
  });

  it('SEC-26: sends exactly 100 messages of a budget of 100, strangers’ and owners’ together', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { dailySendBudget: 100 } });
    const owners = times(120, (n) => ({ phone: newPhone(), subject: `account-${n}` }));
    for (const { phone, subject } of owners) await fleet.sql(OWN, [phone, subject]);
    const strangers = times(120, () => ask.start({ phone: newPhone(), purpose, client: 'server' }));
    const signedIn = owners.map((owner) => ask.start({ ...owner, purpose: 'change_number', client: 'server' }));

    const outcomes = await fleet.race(shuffled<Operation>([...strangers, ...signedIn]));

    expect(tally(outcomes)).toEqual({ ok: 100, send_unavailable: 140 });
    expect(await fleet.messages(100)).toHaveLength(100);
    evidence('SEC-26', { starts: 240, budget: 100, messages: 100, isolation });
  });

  it('SEC-26: spends no more than the budget in money, up to the last message that fits', async () => {
    await fleet.forget();
    const prices = { SA: '0.11', GB: '0.1', IL: '0.1', NG: '0.1', LY: '0.1' };
    const options = { dailySpendBudget: { amount: '10', currency: 'USD', prices } };
    await fleet.open({ isolation, options });
    await fleet.do(startTo(0));

    const outcomes = await crowd(
      BUDGETS,
      times(119, (n) => startTo(n + 1)),
    );

    expect(tally(outcomes)).toEqual({ ok: 71, send_unavailable: 48 }); // 72 x 0.11 = 7.92 of 8.00
    expect(await fleet.messages(72)).toHaveLength(72);
  });

  it('SEC-26: sends a region exactly the share of strangers', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { sendsPerRegionPerDay: { SA: 51 } } });
    await fleet.do(startTo(0));

    const outcomes = await crowd(
      BUDGETS,
      times(99, (n) => startTo(n + 1)),
    );

    expect(tally(outcomes)).toEqual({ ok: 39, send_unavailable: 60 });
    expect(await fleet.messages(40)).toHaveLength(40);
  });

  it('SEC-25: closes a prefix after exactly 20 unverified messages', async () => {
    await fleet.forget();
    await fleet.open({ isolation, options: { minimumConversion: {} } });
    const start = (n: number) => ask.start({ phone: `+96650123${1000 + n}`, purpose, client: 'server' });
    await fleet.do(start(0));

    const outcomes = await crowd(
      PREFIXES,
      times(119, (n) => start(n + 1)),
    );

    expect(tally(outcomes)).toEqual({ ok: 19, otp_too_soon: 100 });
    expect(await fleet.messages(20)).toHaveLength(20);
  });

  it('SEC-19: refuses the sixth start of the hour even after all processes were restarted', async () => {
    await fleet.open({ isolation, options: { sendsPerPhonePerHour: 5 } });
    const { five, start } = await fiveStarts();
    await fleet.restart();

    const outcomes = await fleet.race(times(4, () => start));

    expect(tally(five)).toEqual({ ok: 5 });
    expect(tally(outcomes)).toEqual({ otp_too_soon: 4 });
  });
}

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

async function inTurn<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let n = 0; n < count; n++) done.push(await work(n));
  return done;
}

/**
 * A challenge and its code. Several challenges of one phone can be alive at once: only the counters' time passes
 * between them.
 */
async function started({ phone = newPhone(), client: from = client } = {}) {
  if ((await challengesOf(phone)).length > 0) await fleet.elapseLimits(COOLDOWN);
  const { challenge } = await fleet.do(ask.start({ phone, purpose, client: from }));
  const nth = (await challengesOf(phone)).length;
  await fleet.messages(nth, phone);
  return { phone, challenge, code: await fleet.codeFor(phone) };
}

/** Starts five challenges for one phone, with the cooldown over after each. */
async function fiveStarts() {
  const start = ask.start({ phone: newPhone(), purpose, client });
  const five = await inTurn(5, async () => {
    const outcome = await fleet.outcomeOf(start);
    await fleet.elapse(COOLDOWN);
    return outcome;
  });
  return { five, start };
}

async function verified(of: { phone?: string } = {}) {
  const { challenge, code } = await started(of);
  return fleet.do(ask.verify({ challenge, code, purpose }));
}

function expectWithin(value: number | undefined, least: number, most: number): void {
  expect(value).toBeGreaterThanOrEqual(least);
  expect(value).toBeLessThanOrEqual(most);
}

function refused(outcomes: readonly Outcome[], code: string): Outcome[] {
  return outcomes.filter((outcome) => outcome.code === code);
}

const OWN = `INSERT INTO otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
  VALUES ($1, $2, now(), now(), 'registration')`;
const COOLDOWNS = 'SELECT FROM otp_send_counters FOR UPDATE';
const PREFIXES = 'SELECT FROM otp_unverified_sends WHERE get_byte(key, 0) = 3 FOR UPDATE';
const BUDGETS = 'SELECT FROM otp_budgets FOR UPDATE';

/** The row, and the lock of its subject as lock_subject takes it. */
function challengeAndTurn(challenge: string): string {
  return `SELECT pg_advisory_xact_lock(hashtextextended(tier || encode(subject_hash, 'hex'), 1)) FROM otp_challenges
    WHERE id = '${idOf(challenge)}' FOR UPDATE`;
}

/** A start that shares only the budgets with others. */
function startTo(n: number): Operation<StartedChallenge> {
  return ask.start({ phone: `+96650${1_000_000 + n * 10_007}`, purpose, client: 'server' });
}

/**
 * Runs a race for locks that are held until eight operations wait for them, so that these have seen the same state
 * before the first continues. This reliably catches code that reads first and writes later.
 */
async function crowd<T>(locks: string, operations: readonly Operation<T>[]): Promise<Outcome<T>[]> {
  const release = await holding(locks);
  const racing = fleet.race(operations);
  try {
    await fleet.waiting(8);
  } finally {
    await release();
  }
  return racing;
}

/** Holds locks in a separate transaction. @returns a function that releases them */
async function holding(locks: string): Promise<() => Promise<void>> {
  const runner = fleet.database.createQueryRunner();
  await runner.startTransaction();
  await runner.query(locks);
  return async () => {
    await runner.rollbackTransaction();
    await runner.release();
  };
}

async function deadlocks(): Promise<number> {
  return (await fleet.sqlStates())['40P01'] ?? 0;
}

const idOf = (challenge: string) => challenge.split('.')[0]!;

async function rowOf(challenge: string) {
  return (await fleet.sql('SELECT * FROM otp_challenges WHERE id = $1', [idOf(challenge)]))[0];
}

function grantsOf(challenge: string) {
  return fleet.sql('SELECT * FROM otp_grants WHERE id = $1', [idOf(challenge)]);
}

function challengesOf(phone: string) {
  return fleet.sql('SELECT * FROM otp_challenges WHERE phone = $1 ORDER BY created_at', [phone]);
}

/** Mixes the order, the same way in every run: strides of a prime that does not divide the length. */
function shuffled<T>(items: readonly T[]): T[] {
  return items.map((_, n) => items[(n * 89) % items.length]!);
}
