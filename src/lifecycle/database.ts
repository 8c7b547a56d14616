import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

import { OtpError } from '../otp.error.js';
import type { Statement } from './statement.js';

/** The part of a `pg` client that is used here. */
interface Client {
  query(query: {
    text: string;
    name?: string;
    values?: unknown[];
    query_timeout?: number;
  }): Promise<{ rows: unknown[] }>;
  once(event: 'error', listener: () => void): unknown;
  off(event: 'error', listener: () => void): unknown;
}
type Release = (destroy?: boolean) => void;
/** The part of TypeORM's driver, and of the `pg` pool behind it, that is used here. */
interface Driver {
  master: {
    on(event: 'connect', listener: (client: { on(event: 'error', listener: () => void): void }) => void): void;
  };
  obtainMasterConnection(): Promise<[Client, Release]>;
}

/** Nothing ran: the pooler between us does not keep prepared statements, or a migration changed a table under the plan. */
const NOT_PREPARABLE = new Set(['42P05', '26000', '0A000']);
/** Nothing was written: another transaction came first. 22012 is our own all-or-none, 23505 a unique index. */
const COME_AGAIN = new Set(['40001', '40P01', '22012', '23505']);
const MAX_RUNS = 5;
/** Longer than any `lock_timeout` and `statement_timeout` that should be set: a server that says nothing at all. */
const SILENCE_MS = 7_000;
const RETRY_AFTER_SECONDS = 5;

/**
 * Runs the statements of the life cycle: prepared, each in a transaction of its own.
 *
 * It reaches below TypeORM to the `pg` client, because `DataSource.query` cannot prepare, and planning these statements
 * costs several times what running them does.
 */
export class Database {
  readonly #logger = new Logger('Otp');
  #prepare = true;
  #guarded: Driver['master'] | undefined;
  /** What waits for the commit of a host's transaction: a list for itself, then one for each savepoint that is open in it. */
  readonly #afterCommit = new WeakMap<QueryRunner, (() => void)[][]>();

  constructor(private readonly dataSource: DataSource) {
    const end = (committed: boolean) => (event: { queryRunner: QueryRunner }) =>
      this.#ended(event.queryRunner, committed);
    dataSource.subscribers.push({
      afterTransactionStart: ({ queryRunner }) => void this.#levelsOf(queryRunner).push([]),
      afterTransactionCommit: end(true),
      afterTransactionRollback: end(false),
    });
  }

  /**
   * @returns the one row of the answer, if there is one
   * @param manager of the caller's transaction to run in. There a serialization failure or deadlock (40001, 40P01) goes to
   * the caller as it is, less the values, since only the caller can run the whole transaction again.
   * @throws {@link OtpError} `service_unavailable` when the database did not answer, is overloaded, or held a lock too
   * long. What was sent to it does not appear in the error.
   */
  async run<P extends object, R>(
    statement: Statement<P, R>,
    parameters: P,
    manager?: EntityManager,
  ): Promise<R | undefined> {
    return (await this.rows(statement, parameters, manager))[0];
  }

  /** As {@link Database.run}, for a statement that answers with several rows. */
  async rows<P extends object, R>(statement: Statement<P, R>, parameters: P, manager?: EntityManager): Promise<R[]> {
    if (manager?.queryRunner) return this.#runIn(manager.queryRunner, statement, parameters);
    for (let run = 1; ; run++) {
      try {
        return await this.#withClient((client) => this.#execute(client, statement, parameters, run > 1));
      } catch (error) {
        if (run >= MAX_RUNS || !COME_AGAIN.has(sqlStateOf(error))) throw unavailable(error);
      }
    }
  }

  /** Runs `work` in a transaction of its own; what it throws rolls back and goes on. */
  async transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    let thrown: unknown;
    try {
      return await this.dataSource.transaction('READ COMMITTED', (manager) =>
        work(manager).catch((error: unknown) => {
          throw (thrown = error);
        }),
      );
    } catch (error) {
      // Not what the database says of the transaction itself, which is for nobody to read.
      throw error === thrown && !sqlStateOf(error).startsWith('40') ? error : unavailable(error);
    }
  }

  /** Does something once the caller's transaction is committed, and not at all when it is rolled back. At once without one. */
  afterCommit(manager: EntityManager | undefined, work: () => void): void {
    const runner = manager?.queryRunner;
    if (!runner?.isTransactionActive) return this.#told(work);
    this.#levelsOf(runner).at(-1)?.push(work);
  }

  #levelsOf(runner: QueryRunner): (() => void)[][] {
    const levels = this.#afterCommit.get(runner) ?? [];
    this.#afterCommit.set(runner, levels);
    return levels;
  }

  /** Of a savepoint, what was to follow waits for the transaction, or went with it. */
  #ended(runner: QueryRunner, committed: boolean): void {
    const levels = this.#levelsOf(runner);
    const ended = levels.pop();
    if (!committed || !ended) return;
    const outer = levels.at(-1);
    if (outer) outer.push(...ended);
    else for (const work of ended) this.#told(work);
  }

  /** What follows a commit must not make it look failed. */
  #told(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.error(`after the commit: ${(error as Error).message}`);
    }
  }

  async #runIn<P extends object, R>(queryRunner: QueryRunner, statement: Statement<P, R>, parameters: P): Promise<R[]> {
    try {
      return await this.#query((await queryRunner.connect()) as Client, statement, parameters);
    } catch (error) {
      if (sqlStateOf(error).startsWith('40')) throw Object.assign(error as Error, { parameters: undefined });
      throw unavailable(error);
    }
  }

  async #execute<P extends object, R>(
    client: Client,
    statement: Statement<P, R>,
    parameters: P,
    again: boolean,
  ): Promise<R[]> {
    if (!again) return this.#query(client, statement, parameters);
    // At READ COMMITTED a statement waits for a lock and goes on, where the stricter levels fail with 40001 for ever.
    await client.query({ text: 'BEGIN ISOLATION LEVEL READ COMMITTED', query_timeout: SILENCE_MS });
    try {
      const rows = await this.#query(client, statement, parameters);
      await client.query({ text: 'COMMIT', query_timeout: SILENCE_MS });
      return rows;
    } catch (error) {
      await client.query({ text: 'ROLLBACK', query_timeout: SILENCE_MS });
      throw error;
    }
  }

  async #query<P extends object, R>(
    client: Client,
    { name, text, parameters: names }: Statement<P, R>,
    parameters: P,
  ): Promise<R[]> {
    const values = names.map((key) => parameters[key] ?? null);
    if (this.#prepare) {
      try {
        return (await client.query({ name, text, values, query_timeout: SILENCE_MS })).rows as R[];
      } catch (error) {
        if (!NOT_PREPARABLE.has(sqlStateOf(error))) throw error;
        this.#prepare = false;
      }
    }
    return (await client.query({ text, values, query_timeout: SILENCE_MS })).rows as R[];
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const [client, release] = await this.#connect();
    let broken = false;
    // Without a listener, a connection that breaks between two answers would end the process.
    const onBroken = () => (broken = true);
    client.once('error', onBroken);
    try {
      return await work(client);
    } catch (error) {
      broken ||= sqlStateOf(error) === ''; // not an answer of the server: the connection cannot be trusted any more
      throw error;
    } finally {
      client.off('error', onBroken);
      release(broken);
    }
  }

  /**
   * A connection that the server ends as soon as it is usable fails before whoever waits for it can listen, and an error
   * that nobody listens to ends the process.
   */
  #guard(pool: Driver['master']): void {
    if (this.#guarded === pool) return;
    this.#guarded = pool;
    pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Waits for a connection of the pool, but not for ever, whatever the host's pool is set to. */
  async #connect(): Promise<[Client, Release]> {
    const driver = this.dataSource.driver as unknown as Driver;
    this.#guard(driver.master);
    const connecting = driver.obtainMasterConnection();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no database connection became free')), SILENCE_MS);
    });
    try {
      return await Promise.race([connecting, tooLate]);
    } catch (error) {
      connecting.then(([, release]) => release()).catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function sqlStateOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '';
}

function unavailable(error: unknown): OtpError {
  // The server's message can quote values, and TypeORM's error carries all of them: only the state goes on.
  const state = sqlStateOf(error);
  const { name, code } = error as { name?: string; code?: string };
  const cause = new Error(
    state ? `SQLSTATE ${state}` : `${name ?? 'Error'}${code ? ` ${code}` : ''} before an answer came`,
  );
  return new OtpError('service_unavailable', 'The database did not answer. Try again later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  });
}
