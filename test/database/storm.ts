import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';

import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';

import { Database } from '../../src/database/database.js';
import { hex } from '../../src/database/hex.js';
import { configuredNamespace } from '../../src/database/migrations/namespace.js';
import { databaseOptions, newSchema } from '../support/database.js';
import type { Isolation } from '../support/fleet.js';

/** Few of each, so that every call competes with others for the same rows. */
const [PHONES, ADDRESSES, PREFIXES, CLIENTS] = [12, 4, 3, 6];
const CONNECTIONS = 32;
/** Challenges that are resent, verified and failed; some are superseded after each part. */
const [ALIVE, REPLACED, PART] = [200, 100, 1000];
const MOST = 1_000_000;

interface Live {
  id: string;
  secret: Buffer;
  code: string;
  phone: string;
  provider: string;
  onePerPhone: boolean;
}

interface Answer {
  expires_at?: string;
  refused_by?: string;
  matched?: boolean;
  recorded?: boolean;
}

/** The result of a storm. */
export interface Storm {
  outcomes: Record<string, number>;
  /** Deadlocks that PostgreSQL counted in this database meanwhile. */
  deadlocks: number;
  /** Counts in the tables that the challenges do not explain: none expected. */
  miscounted: unknown[];
}

/**
 * Runs calls of all kinds at once, over few phones, addresses, prefixes and devices, through the library's own caller.
 */
export async function storm(calls: number, isolation: Isolation, url = process.env.DATABASE_URL!): Promise<Storm> {
  const schema = await newSchema();
  const options = databaseOptions(schema, CONNECTIONS, url);
  const level = `-c statement_timeout=10s -c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`;
  const source = await new DataSource({ ...options, extra: { options: level } }).initialize();
  const database = new Database(source, configuredNamespace(source));
  database.defaultLevelIs(isolation);
  const outcomes: Record<string, number> = {};
  const live: Live[] = [];
  const pick = <T>(of: readonly T[]): T => of[randomInt(of.length)]!;
  const phones = Array.from({ length: PHONES }, (_, nth) => `+96651234567${nth % 10}${nth}`.slice(0, 13));
  const keys = (kind: number, count: number) => Array.from({ length: count }, (_, nth) => keyOf(kind, nth));
  const [addresses, prefixes, clients] = [keys(2, ADDRESSES), keys(3, PREFIXES), keys(9, CLIENTS)];

  async function counted<A extends Answer>(operation: string, request: object): Promise<A> {
    const answer = await database.call<A>(operation, request);
    const came =
      answer.refused_by ??
      (answer.matched === undefined ? 'done' : answer.matched ? 'matched' : 'wrong_code') +
        (answer.recorded === false ? ', too late' : '');
    const name = `${operation}: ${came}`;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    return answer;
  }
  const message = (onePerPhone: boolean) => ({
    provider: onePerPhone ? 'vendor' : 'sms',
    checked_by: 'library',
    key_id: '1',
    max_attempts: 5,
    ttl_seconds: 300,
    shard: randomInt(64),
    price: 45_000,
    address_key: pick(addresses),
    prefix_key: pick(prefixes),
    ...(onePerPhone && { one_per_phone: 'vendor' }),
    audit: true,
    limits: LIMITS,
  });
  async function start(): Promise<void> {
    const [id, secret, code, phone] = [uuidv7(), randomBytes(16), randomUUID(), pick(phones)];
    const onePerPhone = randomInt(3) === 0;
    const answer = await counted('start', {
      id,
      handle_hash: hashOf(secret),
      purpose: pick(['registration', 'login']),
      phone,
      phone_hash: keyOf(7, phone),
      subject_hash: keyOf(7, phone),
      region: 'SA',
      locale: 'en',
      code_mac: hashOf(code),
      ...(randomInt(2) === 0 && { client: pick(clients) }),
      ...message(onePerPhone),
    });
    if (answer.expires_at !== undefined)
      live.push({ id, secret, code, phone, provider: onePerPhone ? 'vendor' : 'sms', onePerPhone });
  }
  async function resend({ id, secret, code, onePerPhone }: Live): Promise<void> {
    const handle = { id, handle_hash: hashOf(secret), code_mac: hashOf(code), max_sends: 3 };
    await counted('resend', { ...handle, ...message(onePerPhone) });
  }
  async function fail({ id, phone, provider }: Live): Promise<void> {
    const sent = { challenge_id: id, send_number: 1, provider, outcome: 'rejected_number', latency_ms: 1 };
    await counted('record_failure', { ...sent, ends: false, party: keyOf(7, phone), tier: 'stranger', audit: true });
  }
  async function verify({ id, secret, code }: Live): Promise<void> {
    await counted('verify', {
      id,
      handle_hash: hashOf(secret),
      purpose: pick(['registration', 'login']),
      code_macs: [hashOf(randomInt(3) === 0 ? code : 'another')],
      grant_hash: hashOf(randomBytes(32)),
      grant_seconds: 300,
      known_device_days: 90,
      failures_per_hour: MOST,
      failures_in_a_row: MOST,
      lockout_minutes: 15,
      audit: true,
    });
  }
  const any = (): Promise<void> => {
    const dice = randomInt(10);
    if (dice < 4 || live.length === 0) return start();
    if (dice < 6) return resend(pick(live));
    return dice < 7 ? fail(pick(live)) : verify(pick(live));
  };

  try {
    await database.call('list_stops', {});
    const before = await deadlocksIn(source);
    for (let done = 0; done < calls; done += PART) {
      await inLanes(Math.min(PART, calls - done), CONNECTIONS, any);
      if (live.length > ALIVE) live.splice(0, REPLACED);
    }
    return { outcomes, deadlocks: (await deadlocksIn(source)) - before, miscounted: await miscounted(source, schema) };
  } finally {
    await source.destroy();
  }
}

const unverified = { most: MOST, minimum_conversion: 20, minimum_messages: 20, enforced: false };
const phone = { cooldown_seconds: 0, per_hour: MOST, per_day: MOST };
const service = { shards: 4, per_minute: MOST, per_day: MOST };
const LIMITS = {
  stranger: { phone, address: unverified, prefix: unverified, service },
  known: { phone, service },
};

function keyOf(kind: number, name: string | number): string {
  const key = createHash('sha256').update(`${kind} ${name}`).digest().subarray(0, 16);
  key[0] = kind;
  return hex(key);
}

const hashOf = (of: string | Buffer): string => hex(createHash('sha256').update(of).digest());

async function inLanes(count: number, lanes: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (left-- > 0) await work();
    }),
  );
}

async function deadlocksIn(source: DataSource): Promise<number> {
  const [row] = await source.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  return Number(row.deadlocks);
}

/** Compares each counter with the challenges whose messages it counted, while all windows are open. */
function miscounted(source: DataSource, schema: string): Promise<unknown[]> {
  return source.query(`
    WITH messages AS (
      SELECT key, c.status = 'consumed' AS verified FROM ${schema}.otp_challenges c, unnest(c.unverified_keys) key
    ), expected AS (
      SELECT 'unverified' AS what, encode(key, 'hex') AS key, count(*) FILTER (WHERE NOT verified) AS n FROM messages GROUP BY key
      UNION ALL SELECT 'verified', encode(key, 'hex'), count(*) FILTER (WHERE verified) FROM messages GROUP BY key
      UNION ALL SELECT 'phone', encode(phone_hash, 'hex'), sum(sends) FROM ${schema}.otp_challenges GROUP BY phone_hash
      UNION ALL SELECT 'service', '', sum(sends) FROM ${schema}.otp_challenges
      UNION ALL SELECT 'grants', '', count(*) FROM ${schema}.otp_challenges WHERE status = 'consumed'
    ), counted AS (
      SELECT 'unverified' AS what, encode(key, 'hex') AS key, unverified AS n FROM ${schema}.otp_unverified_sends
      UNION ALL SELECT 'verified', encode(key, 'hex'), verified FROM ${schema}.otp_unverified_sends
      UNION ALL SELECT 'phone', encode(party, 'hex'), sum(hour_sends) FROM ${schema}.otp_send_counters GROUP BY party
      UNION ALL SELECT 'service', '', sum(day_sends) FROM ${schema}.otp_budgets
      UNION ALL SELECT 'grants', '', count(*) FROM ${schema}.otp_grants
    )
    SELECT what, key, e.n AS expected, c.n AS counted FROM expected e FULL JOIN counted c USING (what, key)
    WHERE coalesce(e.n, 0) <> coalesce(c.n, 0)`);
}
