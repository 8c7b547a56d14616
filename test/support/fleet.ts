import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import type {
  GrantExpectation,
  OtpErrorCode,
  OtpModuleOptions,
  OwnedNumber,
  Proof,
  ResendRequest,
  StartedChallenge,
  StartRequest,
  VerifiedChallenge,
  VerifyRequest,
} from 'nestjs-phone-otp';
import type { OutgoingMessage } from 'nestjs-phone-otp/provider-kit';
import type { TaqnyatVerifyOptions } from 'nestjs-phone-otp/taqnyat';
import type { SendingScope } from 'nestjs-phone-otp/types';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import { DataSource } from 'typeorm';

import { databaseOptions, elapse, forget, newSchema, waitLonger } from './database.js';
import { GENEROUS } from './otp-fixture.js';
import { until } from './until.js';

export const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable'] as const;
export type Isolation = (typeof ISOLATION_LEVELS)[number];

/**
 * The moments at which a member can be made to wait: before a start's call, before the provider gets the message, after
 * that, or after verify's commit.
 */
export type Moment = 'before_start' | 'before_send' | 'after_send' | 'after_verify';

/** The settings of a member. */
export interface MemberSetting {
  schema: string;
  isolation: Isolation;
  options: OtpModuleOptions;
  poolSize: number;
  /** The provider makes and checks codes; they are not captured. */
  taqnyat?: TaqnyatVerifyOptions | undefined;
  holdAt?: Moment | undefined;
  /** Serves the ready-made routes over HTTP. */
  http?: 'express' | 'fastify' | undefined;
}

/** A call of the package's API that a member makes. `T` is the type of its result. */
export interface Operation<T = unknown> {
  service: 'otp' | 'operations' | 'grants' | 'numbers';
  method: string;
  args: unknown[];
  /** For the type checker only. */
  value?: T;
}

/** The outcome of an operation; `lost` if the process ended before it answered. */
export interface Outcome<T = unknown> {
  code: 'ok' | OtpErrorCode | 'lost' | (string & {});
  value?: T;
  retryAfterSeconds?: number;
}

export const ask = {
  start: (request: StartRequest): Operation<StartedChallenge> => ({ service: 'otp', method: 'start', args: [request] }),
  resend: (request: ResendRequest): Operation<StartedChallenge> => ({
    service: 'otp',
    method: 'resend',
    args: [request],
  }),
  verify: (request: VerifyRequest): Operation<VerifiedChallenge> => ({
    service: 'otp',
    method: 'verify',
    args: [request],
  }),
  stopSending: (scope?: SendingScope & { reason?: string }): Operation<void> => ({
    service: 'operations',
    method: 'stopSending',
    args: [scope],
  }),
  resumeSending: (scope?: SendingScope): Operation<boolean> => ({
    service: 'operations',
    method: 'resumeSending',
    args: [scope],
  }),
  purge: (): Operation<number> => ({ service: 'operations', method: 'purge', args: [] }),
  consume: (grant: string, expectation: GrantExpectation): Operation<Proof> => ({
    service: 'grants',
    method: 'consume',
    args: [grant, expectation],
  }),
  activate: (grant: string, owner: string): Operation<OwnedNumber> => ({
    service: 'numbers',
    method: 'activate',
    args: [grant, owner],
  }),
};

/** Counts the outcomes by code. */
export function tally(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of outcomes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** The tables of counters, each with its time columns. */
const COUNTERS = {
  send_counters: ['next_send_at', 'hour_ends_at', 'day_ends_at'],
  unverified_sends: ['ends_at'],
  budgets: ['minute_ends_at', 'day_ends_at'],
  lockouts: ['failures_end_at', 'locked_until'],
  known_devices: ['known_until'],
  sending_stops: ['since', 'until'],
  wrong_codes: ['ends_at'],
};

type Settings = Partial<Pick<MemberSetting, 'isolation' | 'poolSize' | 'taqnyat'>> & {
  options?: Partial<OtpModuleOptions>;
  /** Serves the ready-made routes over HTTP: every second process uses Express, the others Fastify. */
  http?: boolean;
};

/**
 * Several processes with the built package on one schema, as behind a load balancer.
 *
 * @example const fleet = await Fleet.launch(); await fleet.open({ isolation: 'serializable' }); … await fleet.close()
 */
export class Fleet {
  /** The messages of all members' providers. */
  readonly sms = new CapturingProvider(10_000);
  members: Member[] = [];
  #setting: Settings = {};
  #dealt = 0;

  private constructor(
    readonly database: DataSource,
    private readonly schema: string,
    private readonly flags: readonly string[],
  ) {}

  /**
   * @param clocksOffMs the clock offset of each process; one process per entry
   * @param flags Node flags for each process
   */
  static async launch(clocksOffMs: readonly number[] = [0, 0, 0, 0], flags: readonly string[] = []): Promise<Fleet> {
    const schema = await newSchema();
    const database = new DataSource({
      ...databaseOptions(schema, 4),
      extra: { options: `-c search_path=${schema}` },
    });
    await database.initialize();
    await waitLonger(database, schema);
    const fleet = new Fleet(database, schema, flags);
    await fleet.#spawn(clocksOffMs);
    return fleet;
  }

  /** Gives every member a new application and pool. @returns the actual default isolation level of its transactions */
  async open(settings: Settings = {}): Promise<Isolation[]> {
    this.#setting = settings;
    return Promise.all(this.members.map((member) => this.openOne(member)));
  }

  openOne(member: Member, holdAt?: Moment): Promise<Isolation> {
    const { isolation = 'read committed', poolSize = 8, options, taqnyat, http } = this.#setting;
    const platform = this.members.indexOf(member) % 2 === 0 ? 'express' : 'fastify';
    return member.call('open', {
      schema: this.schema,
      isolation,
      poolSize,
      options: { ...GENEROUS, ...options },
      taqnyat,
      holdAt,
      http: http ? platform : undefined,
    } satisfies MemberSetting);
  }

  /** Adds a process; if a moment is given, it waits there. */
  async join(holdAt?: Moment): Promise<Member> {
    const member = this.#newMember(0);
    await member.ready;
    await this.openOne(member, holdAt);
    this.members.push(member);
    return member;
  }

  /** Kills a process like a power cut: nothing is finished or cleaned up. The others continue. */
  async kill(member: Member): Promise<void> {
    this.members = this.members.filter((other) => other !== member);
    await member.kill();
  }

  /** Ends all remaining processes and starts as many new ones, with the same settings. */
  async restart(): Promise<void> {
    await this.#endAll();
    await this.#spawn(this.members.map(({ clockOffMs }) => clockOffMs));
    await this.open(this.#setting);
  }

  /**
   * Distributes the operations among the processes, waits until each has its share, then releases all of them together.
   * @returns the outcomes, in the order of the operations
   */
  async race<T>(operations: readonly Operation<T>[]): Promise<Outcome<T>[]> {
    const shares = new Map<Member, number[]>();
    for (const index of operations.keys()) {
      const member = this.members[this.#dealt++ % this.members.length]!;
      shares.set(member, [...(shares.get(member) ?? []), index]);
    }
    const each = <R>(work: (member: Member, share: number[]) => Promise<R>) =>
      Promise.all([...shares].map(([member, share]) => work(member, share)));

    await each((member, share) => member.prepare(share.map((index) => operations[index]!)));
    const outcomes: Outcome<T>[] = [];
    await each(async (member, share) => {
      const came = await member.go<T>();
      share.forEach((index, nth) => (outcomes[index] = came[nth]!));
    });
    return outcomes;
  }

  /** Runs one operation in the next process. */
  async outcomeOf<T>(operation: Operation<T>): Promise<Outcome<T>> {
    return (await this.race([operation]))[0]!;
  }

  /** Runs one operation in the next process, while others run there. */
  run<T>(operation: Operation<T>): Promise<Outcome<T>> {
    return this.members[this.#dealt++ % this.members.length]!.run(operation);
  }

  /** Runs one operation that must succeed. */
  async do<T>(operation: Operation<T>): Promise<T> {
    const { code, value } = await this.outcomeOf(operation);
    if (code !== 'ok') throw new Error(`${operation.method}: ${code}`);
    return value!;
  }

  /** Waits for the messages of answered starts. @returns all messages, newest first: at least this many */
  async messages(atLeast: number, phone?: string): Promise<OutgoingMessage[]> {
    await until(`${atLeast} messages`, () => this.sms.messages(phone).length >= atLeast);
    return this.sms.messages(phone);
  }

  /** Returns the code in the newest message. */
  async codeFor(phone: string): Promise<string> {
    await this.messages(1, phone);
    return this.sms.lastCode(phone)!;
  }

  /** Waits until the given number of the members' statements wait for a lock. */
  async waiting(count: number): Promise<void> {
    const locked = `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
    await until(`${count} wait for a lock`, async () => (await this.sql(locked, [this.schema])).length >= count);
  }

  /** Counts the database's error answers to all members since their start, by SQLSTATE. */
  async sqlStates(): Promise<Record<string, number>> {
    const sum: Record<string, number> = {};
    for (const states of await Promise.all(this.members.map((member) => member.call<typeof sum>('states')))) {
      for (const [state, count] of Object.entries(states)) sum[state] = (sum[state] ?? 0) + count;
    }
    return sum;
  }

  /** Moves time forward in all tables. */
  elapse(seconds: number): Promise<void> {
    return elapse(this.database, seconds);
  }

  /** Moves time forward for the counters only, as if challenges and grants were new. */
  async elapseLimits(seconds: number): Promise<void> {
    for (const [table, times] of Object.entries(COUNTERS)) {
      const sets = times.map((time) => `${time} = ${time} - make_interval(secs => $1)`);
      await this.sql(`UPDATE otp_${table} SET ${sets.join(', ')}`, [seconds]);
    }
  }

  /** Empties the tables and the outbox. */
  async forget(): Promise<void> {
    await forget(this.database);
    this.sms.clear();
  }

  sql<R = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<R[]> {
    return this.database.query(text, values);
  }

  async close(): Promise<void> {
    await this.#endAll();
    await this.database.destroy();
  }

  async #spawn(clocksOffMs: readonly number[]): Promise<void> {
    this.members = clocksOffMs.map((ms) => this.#newMember(ms));
    await Promise.all(this.members.map(({ ready }) => ready));
  }

  #newMember(clockOffMs: number): Member {
    return new Member(clockOffMs, this.flags, (message) => void this.sms.send(message));
  }

  async #endAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
  }
}

interface Report {
  id?: number;
  value?: unknown;
  error?: string;
  ready?: true;
  held?: Moment;
  message?: OutgoingMessage;
}

/** One process of a fleet. It ends with this one, since its IPC channel closes. */
export class Member {
  readonly ready: Promise<unknown>;
  /** Resolves when it has reached the moment at which it waits. */
  readonly held: Promise<unknown>;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, PromiseWithResolvers>();
  #calls = 0;
  #share = 0;

  constructor(
    readonly clockOffMs: number,
    flags: readonly string[],
    onMessage: (message: OutgoingMessage) => void,
  ) {
    this.#process = fork(path.join(import.meta.dirname, 'fleet-member.mjs'), [String(clockOffMs)], {
      serialization: 'advanced', // preserves dates and bytes
      execArgv: ['--expose-gc', ...flags],
      env: process.env,
    });
    this.#exited = once(this.#process, 'exit').then(() => {
      for (const { reject } of this.#pending.values()) reject(new Ended());
    });
    this.ready = this.#reported(({ ready }) => ready === true);
    this.held = this.#reported(({ held }) => held !== undefined);
    this.#process.on('message', ({ id, value, error, message }: Report) => {
      if (message) onMessage(message);
      if (id === undefined) return;
      const { resolve, reject } = this.#pending.get(id)!;
      this.#pending.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
  }

  call<T>(call: string, argument?: unknown): Promise<T> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, call, argument });
    });
  }

  /** Sends it a share of a race, which begins at `go`. */
  async prepare(operations: Operation[]): Promise<void> {
    this.#share = operations.length;
    await this.call('prepare', operations);
  }

  async go<T>(): Promise<Outcome<T>[]> {
    try {
      return await this.call('go');
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      return Array.from({ length: this.#share }, () => ({ code: 'lost' }));
    }
  }

  /** Runs one operation in this process. */
  async outcomeOf<T>(operation: Operation<T>): Promise<Outcome<T>> {
    await this.prepare([operation]);
    return (await this.go<T>())[0]!;
  }

  /** Runs one operation in this process, while others run there. */
  async run<T>(operation: Operation<T>): Promise<Outcome<T>> {
    return this.call('run', operation);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
  }

  #reported(isIt: (report: Report) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#process.on('message', (report: Report) => isIt(report) && resolve());
    });
  }
}

interface PromiseWithResolvers {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

class Ended extends Error {
  override readonly message = 'a process of the fleet ended';
}
