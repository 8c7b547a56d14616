import { startPostgres } from 'nestjs-phone-otp/testing';

import { parseGrant } from '../../src/crypto/token.js';
import { evidence } from '../support/evidence.js';
import { ask, Fleet, type Operation, tally } from '../support/fleet.js';
import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

// A separate PostgreSQL that four processes lose during 200 logins. The answers that people got must agree with its
// tables when it is back.

const purpose = 'registration';
const client = { address: '203.0.113.7' };
const FLOWS = 200;
/** How many logins begin when the server is gone. */
const LATE = 20;
const COOLDOWN = 60;
/** The `Retry-After` value while the database is gone. */
const DOCUMENTED_WAIT_MS = 5_000;
/** So few that one row counts all of them. */
const BUDGET = 1000;

const before = process.env.DATABASE_URL;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let fleet: Fleet;
beforeAll(async () => {
  postgres = await startPostgres();
  process.env.DATABASE_URL = postgres.url;
  fleet = await Fleet.launch();
  await fleet.open({ poolSize: 8, options: { dailySendBudget: BUDGET } });
}, 120_000);
beforeEach(() => fleet.forget());
afterAll(async () => {
  await fleet.close();
  process.env.DATABASE_URL = before;
  await postgres.stop();
});

/** The answers that the person behind a phone got. */
interface Story {
  phone: string;
  challenges: string[];
  grants: string[];
  used: string[];
}

describe('FLT-04: logins stay consistent when PostgreSQL is lost under 200 of them', () => {
  it.each(['SIGKILL', 'SIGQUIT', 'SIGINT'] as const)('and restarted after %s', async (signal) => {
    const stories = Array.from({ length: FLOWS }, newStory);
    let over = 0;
    const flows = stories.slice(LATE).map((story) => goThrough(story).finally(() => over++));
    await until('a quarter has succeeded', () => over >= FLOWS / 4);
    await postgres.end(signal);
    // However quick the others were, these find no server.
    const codes = await Promise.all([...stories.slice(0, LATE).map(goThrough), ...flows]);
    await postgres.start();

    const recoveryMs = await recovered();
    const broken = stories.filter((_, n) => codes[n] !== 'ok');
    await fleet.elapse(COOLDOWN);
    const again = await Promise.all(broken.map(goThrough));

    expect(new Set(codes)).toEqual(new Set(['ok', 'service_unavailable']));
    expect(new Set(again)).toEqual(new Set(['ok']));
    expect(recoveryMs).toBeLessThan(DOCUMENTED_WAIT_MS);
    evidence('FLT-04', { server: `ended by ${signal}`, flows: FLOWS, ...(await explained(stories)), recoveryMs });
  });

  it('and an operator repeatedly ends the connections', async () => {
    const stories = Array.from({ length: FLOWS }, newStory);
    let over = 0;
    const flows = stories.map((story) => goThrough(story).finally(() => over++));
    let rounds = 0;
    for (; over < FLOWS; rounds++) {
      await fleet.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema()',
      );
    }
    const codes = await Promise.all(flows);

    const recoveryMs = await recovered();
    await fleet.elapse(COOLDOWN);
    const again = await Promise.all(stories.filter((_, n) => codes[n] !== 'ok').map(goThrough));

    expect(rounds).toBeGreaterThan(10);
    expect(codes.filter((code) => !['ok', 'service_unavailable'].includes(code))).toEqual([]);
    expect(again.filter((code) => code !== 'ok')).toEqual([]);
    expect(recoveryMs).toBeLessThan(DOCUMENTED_WAIT_MS);
    evidence('FLT-04', { server: 'ends all connections', flows: FLOWS, ...(await explained(stories)), recoveryMs });
  });
});

function newStory(): Story {
  return { phone: newPhone(), challenges: [], grants: [], used: [] };
}

/**
 * Runs a login from start to the use of the grant, in any process; ends at the first refusal. @returns its code, or
 * `ok`
 */
async function goThrough(story: Story): Promise<string> {
  const told = fleet.sms.messages(story.phone).length;
  const { phone } = story;
  const started = await fleet.run(ask.start({ phone, purpose, client }));
  if (started.code !== 'ok') return started.code;
  const { challenge } = started.value!;
  story.challenges.push(challenge.split('.')[0]!);

  await fleet.messages(told + 1, phone);
  const verified = await fleet.run(ask.verify({ challenge, code: fleet.sms.lastCode(phone)!, purpose }));
  if (verified.code !== 'ok') return verified.code;
  const { grant } = verified.value!;
  story.grants.push(grant);

  const used = await fleet.run(ask.consume(grant, { purpose }));
  if (used.code === 'ok') story.used.push(grant);
  return used.code;
}

/** Returns how long it takes until every process serves again. */
async function recovered(): Promise<number> {
  const began = performance.now();
  const start: () => Operation = () => ask.start({ phone: newPhone(), purpose, client });
  for (const member of fleet.members)
    await until('a start works', async () => (await member.run(start())).code === 'ok');
  return Math.round(performance.now() - began);
}

/** Compares the answers that people got with the tables. */
async function explained(stories: readonly Story[]) {
  const challenges = await fleet.sql<{ id: string; phone: string; status: string; sends: number }>(
    'SELECT id, phone, status, sends FROM otp_challenges',
  );
  const grants = await fleet.sql<{ id: string; hash: Buffer; consumed_at: Date | null }>(
    'SELECT id, hash, consumed_at FROM otp_grants',
  );
  const reserved = new Map<string, number>();
  for (const { phone, sends } of challenges) reserved.set(phone, (reserved.get(phone) ?? 0) + sends);
  const stored = (text: string) => {
    const { id, hash } = parseGrant(text)!;
    return grants.find((grant) => grant.id === id && grant.hash.equals(hash));
  };
  const known = new Set(challenges.map(({ id }) => id));
  const messages = fleet.sms.messages();
  const sentTo = tally(messages.map(({ phone }) => ({ code: phone })));
  const [day, ...others] = await fleet.sql<{ day_sends: number }>(`SELECT day_sends FROM otp_budgets WHERE scope = ''`);

  // Nothing that was confirmed is lost.
  expect(stories.flatMap(({ challenges: told }) => told).filter((id) => !known.has(id))).toEqual([]);
  expect(stories.flatMap(({ grants: told }) => told).filter((grant) => !stored(grant))).toEqual([]);
  expect(stories.flatMap(({ used }) => used).filter((grant) => !stored(grant)!.consumed_at)).toEqual([]);
  // Nobody succeeds twice or by accident.
  const consumed = challenges.filter(({ status }) => status === 'consumed').map(({ id }) => id);
  expect(grants.map(({ id }) => id).toSorted()).toEqual(consumed.toSorted());
  // Every message has its challenge, none is sent twice, none exceeds the budget.
  expect(Object.entries(sentTo).filter(([phone, count]) => count > (reserved.get(phone) ?? 0))).toEqual([]);
  expect(messages.length).toBeLessThanOrEqual(day!.day_sends);
  expect(others).toEqual([]);
  return { grantsLost: 0, secondSuccesses: 0, messagesTwice: 0, messagesUnaccounted: 0 };
}
