import { createHash } from 'node:crypto';

import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

import { OtpError } from '../errors/otp.error.js';
import { type Namespace, qualified } from './names.js';
import type { OtpTransaction, SqlTransaction } from './transaction.js';

/** The part of a `pg` client that is used here. */
interface Client {
  query(query: {
    text: string;
    name?: string;
    values?: unknown[];
    query_timeout?: number;
  }): Promise<{ rows: unknown[] }>;
  on(event: 'error', listener: () => void): unknown;
}
type Release = (destroy?: boolean) => void;
/** The part of TypeORM's driver, and of the `pg` pool behind it, that is used here. */
interface Driver {
  master: {
    readonly idleCount: number;
    readonly waitingCount: number;
    on(event: 'connect', listener: (client: Client) => void): void;
  };
  obtainMasterConnection(): Promise<[Client, Release]>;
}

/** A statement that takes one text and returns one text. */
interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * Errors after which nothing ran: the connection pooler does not keep prepared statements, or a migration changed a
 * table under the plan.
 */
const NOT_PREPARABLE = new Set(['42P05', '26000', '0A000']);
/** The function must run at READ COMMITTED (lock.sql), which is not the default here. */
const NOT_READ_COMMITTED = 'OT001';
/**
 * Errors after which nothing was written: another transaction came first (23505: into a unique index), or the isolation
 * level was wrong.
 */
const COME_AGAIN = new Set(['40001', '40P01', '23505', NOT_READ_COMMITTED]);
const MAX_RUNS = 5;
/** Longer than any sensible `lock_timeout` and `statement_timeout`: the server is silent. */
const SILENCE_MS = 7_000;
const RETRY_AFTER_SECONDS = 5;
const TOLD_AGAIN_AFTER_MS = 60_000;
/** The longest that a transaction of the host, and a shutdown that waits for it, may take. */
const PATIENCE_MS = 600_000;
const DRAIN_MS = 10_000;

/**
 * Calls the functions of `src/database/functions`. Each takes one JSON text and returns one, so neither the database's
 * settings nor the application's type parsers affect how values are written.
 *
 * Its own calls bypass TypeORM and use the `pg` client, which can prepare them and abandon a silent server, and which
 * logs no values.
 */
export class Database {
  readonly #logger = new Logger('Otp');
  readonly #statements = new Map<string, Statement>();
  readonly #toldAt = new Map<string, number>();
  #prepare = true;
  #readCommittedIsDefault = false;
  #guarded: Driver['master'] | undefined;
  readonly #watched = new WeakSet<Client>();
  readonly #broken = new WeakSet<Client>();
  readonly #warm = new WeakSet<Client>();
  /**
   * The work that waits for the end of a host's transaction: one list for the transaction, then one for each open
   * savepoint.
   */
  readonly #waiting = new WeakMap<QueryRunner, Waiting[][]>();
  readonly #asking = new Set<Promise<void>>();
  /** The newest transaction of each `pg` client. */
  readonly #transactionIds = new WeakMap<SqlTransaction, string>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly namespace: Namespace,
  ) {
    const end = (committed: boolean) => (event: { queryRunner: QueryRunner }) =>
      this.#ended(event.queryRunner, committed);
    dataSource.subscribers.push({
      afterTransactionStart: ({ queryRunner }) => void this.#levelsOf(queryRunner).push([]),
      afterTransactionCommit: end(true),
      afterTransactionRollback: end(false),
    });
  }

  /**
   * @param request an object of JSON values, or a JSON text
   * @param transaction the caller's transaction to run in. A serialization failure or deadlock is then thrown to the
   *   caller, as an error with only its `code` (40001, 40P01), since only the caller can run the whole transaction
   *   again.
   * @throws {@link OtpError} `request_invalid` for a text that no database can store · `service_unavailable` if the
   *   database did not answer, is overloaded, or held a lock too long. The error does not contain what was sent.
   */
  async call<A>(operation: string, request: object | string, transaction?: OtpTransaction): Promise<A> {
    const text = typeof request === 'string' ? request : JSON.stringify(request);
    refuseUnstorable(text);
    const statement = this.#statementOf(operation);
    return JSON.parse(await this.run(statement, text, transaction)) as A;
  }

  /**
   * Like {@link Database.call}, for a statement that is not a function: takes one text, returns one column `answer`.
   */
  async run(statement: Statement, text: string, transaction?: OtpTransaction): Promise<string> {
    const open = transaction && openTransaction(transaction);
    if (open) return this.#runIn(open, statement, text);
    for (let run = 1; ; run++) {
      try {
        const alone = run === 1 && this.#readCommittedIsDefault;
        return await this.#withClient((client) =>
          alone ? this.#query(client, statement, text) : this.#atReadCommitted(client, statement, text),
        );
      } catch (error) {
        const state = sqlStateOf(error);
        if (state === NOT_READ_COMMITTED) this.#readCommittedIsDefault = false;
        if (run >= MAX_RUNS || !(COME_AGAIN.has(state) || NOT_PREPARABLE.has(state))) throw this.#unavailable(error);
      }
    }
  }

  /** The default isolation level. Until it is known to be READ COMMITTED, each call sets its own. */
  defaultLevelIs(level: string): void {
    this.#readCommittedIsDefault = level === 'read committed';
  }

  /** Runs `work` in a transaction of its own. An error rolls it back and is rethrown. */
  async transaction<T>(work: (transaction: EntityManager) => Promise<T>): Promise<T> {
    let thrown: unknown;
    try {
      return await this.dataSource.transaction('READ COMMITTED', (manager) =>
        work(manager).catch((error: unknown) => {
          throw (thrown = error);
        }),
      );
    } catch (error) {
      // Rethrow the work's error, not the database's error about the transaction.
      throw error === thrown && !sqlStateOf(error).startsWith('40') ? error : this.#unavailable(error);
    }
  }

  /**
   * Runs `work` once the caller's transaction commits, and never if it rolls back. Without a transaction, runs it at
   * once.
   */
  afterCommit(transaction: OtpTransaction | undefined, work: () => void): void {
    this.#afterEnd(transaction, { onCommit: true, work });
  }

  /** Like {@link Database.afterCommit}, after a commit or a rollback. */
  afterEnd(transaction: OtpTransaction | undefined, work: () => void): void {
    this.#afterEnd(transaction, { onCommit: false, work });
  }

  /** Waits up to a few seconds for the end of the transactions that have waiting work. */
  async drain(): Promise<void> {
    const tooLate = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
    if (this.#asking.size > 0) await Promise.race([Promise.all(this.#asking), tooLate]);
  }

  #afterEnd(transaction: OtpTransaction | undefined, waiting: Waiting): void {
    const runner = transaction && runnerOf(transaction);
    if (runner) {
      if (runner.isTransactionActive) this.#levelsOf(runner).at(-1)?.push(waiting);
      else this.#run(waiting.work);
    } else if (transaction && !isPlainManager(transaction)) {
      const asking = this.#askFor(transaction as SqlTransaction, waiting).finally(() => this.#asking.delete(asking));
      this.#asking.add(asking);
    } else {
      this.#run(waiting.work);
    }
  }

  #levelsOf(runner: QueryRunner): Waiting[][] {
    const levels = this.#waiting.get(runner) ?? [];
    this.#waiting.set(runner, levels);
    return levels;
  }

  /**
   * Work of a released savepoint waits for the transaction; work of a rolled-back savepoint that needed its commit is
   * dropped.
   */
  #ended(runner: QueryRunner, committed: boolean): void {
    const levels = this.#levelsOf(runner);
    const ended = (levels.pop() ?? []).filter(({ onCommit }) => committed || !onCommit);
    const outer = levels.at(-1);
    if (outer) outer.push(...ended);
    else for (const { work } of ended) this.#run(work);
  }

  /**
   * A `pg` client does not report how its transaction ended, so this asks the database. An aborted transaction can only
   * roll back.
   */
  async #askFor(transaction: SqlTransaction, { onCommit, work }: Waiting): Promise<void> {
    let status = 'aborted';
    try {
      const id =
        this.#transactionIds.get(transaction) ??
        (await transaction.query('SELECT pg_current_xact_id()::text AS answer').then(answerIn, () => undefined));
      if (id !== undefined) status = await this.#endOf(id);
    } catch (error) {
      this.#logger.error(`it is not known how a transaction ended: ${(error as Error).message}`);
      return;
    }
    if (status === 'committed' || !onCommit) this.#run(work);
  }

  /** Asks again while the pool is busy. @throws if the transaction is still open after 10 minutes */
  async #endOf(transactionId: string): Promise<string> {
    const end = performance.now() + PATIENCE_MS;
    for (let waitMs = 2; performance.now() < end; waitMs = Math.min(waitMs * 2, 500)) {
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      const status = await this.run(XACT_STATUS, transactionId).catch(() => 'in progress');
      if (status !== 'in progress') return status;
    }
    throw new Error('it was still open');
  }

  /** Work that follows a commit must not make the commit look failed. */
  #run(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.error(`after the commit: ${(error as Error).message}`);
    }
  }

  #statementOf(operation: string): Statement {
    const known =
      this.#statements.get(operation) ??
      statement(`SELECT ${qualified(this.namespace, operation)}(($1::text)::jsonb)::text AS answer`);
    this.#statements.set(operation, known);
    return known;
  }

  async #runIn(transaction: Open, statement: Statement, text: string): Promise<string> {
    try {
      if ('client' in transaction) return await this.#query(await transaction.client(), statement, text);
      // The caller's client does not report how its transaction ends: also select the transaction id, to ask the
      // database later.
      const row = rowIn(await transaction.query(`${statement.text}, pg_current_xact_id()::text AS xid`, [text]));
      this.#transactionIds.set(transaction, row.xid!);
      return row.answer;
    } catch (error) {
      const state = sqlStateOf(error);
      if (!state.startsWith('40')) throw this.#unavailable(error);
      // A data layer's own error may contain every value that was sent.
      throw Object.assign(new Error('the transaction must be run again'), { code: state });
    }
  }

  /** At READ COMMITTED, a statement waits for a lock and continues. Stricter levels would fail with 40001 forever. */
  async #atReadCommitted(client: Client, statement: Statement, text: string): Promise<string> {
    await client.query({ text: 'BEGIN ISOLATION LEVEL READ COMMITTED', query_timeout: SILENCE_MS });
    try {
      const answer = await this.#query(client, statement, text);
      await client.query({ text: 'COMMIT', query_timeout: SILENCE_MS });
      return answer;
    } catch (error) {
      await client.query({ text: 'ROLLBACK', query_timeout: SILENCE_MS });
      throw error;
    }
  }

  async #query(client: Client, { name, text }: Statement, request: string): Promise<string> {
    const prepared = this.#prepare;
    try {
      const query = { text, values: [request], query_timeout: SILENCE_MS, ...(prepared && { name }) };
      return answerIn(await client.query(query));
    } catch (error) {
      if (prepared && NOT_PREPARABLE.has(sqlStateOf(error))) this.#prepare = false; // and the caller may run it again
      throw error;
    }
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const [client, release] = await this.#connect();
    this.#watch(client);
    let broken = false;
    try {
      await this.#warmUp(client);
      return await work(client);
    } catch (error) {
      broken = sqlStateOf(error) === ''; // not an error from the server: the connection is no longer usable
      throw error;
    } finally {
      release(broken || this.#broken.has(client));
    }
  }

  /**
   * A new connection makes its plans before it holds locks that others wait for. If that fails, the next call fails,
   * too.
   */
  async #warmUp(client: Client): Promise<void> {
    if (this.#warm.has(client)) return;
    this.#warm.add(client);
    const warmUp = `SELECT ${qualified(this.namespace, 'warm_up')}()::text`;
    try {
      await client.query({ text: `BEGIN ISOLATION LEVEL READ COMMITTED; ${warmUp}`, query_timeout: SILENCE_MS });
    } catch {
      // The functions may be missing, or the database may be read-only: the start-up check reports it.
    }
    await client.query({ text: 'ROLLBACK', query_timeout: SILENCE_MS });
  }

  /** Without a listener, a connection that breaks between two answers would end the process. */
  #watch(client: Client): void {
    if (this.#watched.has(client)) return;
    this.#watched.add(client);
    client.on('error', () => this.#broken.add(client));
  }

  /**
   * The server may end a connection as soon as it is usable, before the pool's caller can add a listener. An unhandled
   * error would end the process.
   */
  #guard(pool: Driver['master']): void {
    if (this.#guarded === pool) return;
    this.#guarded = pool;
    pool.on('connect', (client) => this.#watch(client));
  }

  /** Waits for a connection of the pool for a limited time, whatever the host's pool is configured to do. */
  async #connect(): Promise<[Client, Release]> {
    const driver = this.dataSource.driver as unknown as Driver;
    this.#guard(driver.master);
    const isFree = driver.master.idleCount > driver.master.waitingCount;
    const connecting = driver.obtainMasterConnection();
    if (isFree) return connecting;
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

  #unavailable(error: unknown): OtpError {
    // The server's message can quote values, and TypeORM's error contains all of them: pass on only the SQLSTATE.
    const state = sqlStateOf(error);
    const { name, code } = error as { name?: string; code?: string };
    const why = state ? `SQLSTATE ${state}` : `${name ?? 'Error'}${code ? ` ${code}` : ''} before an answer came`;
    this.#tellOfFault(why);
    return new OtpError('service_unavailable', 'The database did not answer. Try again later.', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: new Error(why),
    });
  }

  /** Logs each reason once a minute: an outage needs one message, not one per call. */
  #tellOfFault(why: string): void {
    const now = performance.now();
    if (now - (this.#toldAt.get(why) ?? -Infinity) < TOLD_AGAIN_AFTER_MS) return;
    this.#toldAt.set(why, now);
    this.#logger.error(`the database: ${why}`);
  }
}

interface Waiting {
  readonly onCommit: boolean;
  readonly work: () => void;
}

type Open = { client(): Promise<Client> } | SqlTransaction;

/** A manager without its own transaction commits each statement separately, so our statements do the same. */
function openTransaction(transaction: OtpTransaction): Open | undefined {
  const runner = runnerOf(transaction);
  // After its release, its connection may be in another transaction, and `connect` would still return it.
  if (runner?.isReleased) throw transactionEnded();
  if (runner) return { client: async () => (await runner.connect()) as Client };
  return isPlainManager(transaction) ? undefined : (transaction as SqlTransaction);
}

/** TypeORM's manager or data source outside a transaction: its statements are committed one by one. */
function isPlainManager(transaction: OtpTransaction): boolean {
  return runnerOf(transaction) === undefined && 'getRepository' in transaction;
}

/** Tells whether statements through this manager wait for a commit. */
export function isOpen(transaction: OtpTransaction | undefined): transaction is OtpTransaction {
  return transaction !== undefined && !isPlainManager(transaction);
}

/** TypeORM's query runner, from an entity manager or the runner itself. */
function runnerOf(transaction: OtpTransaction): QueryRunner | undefined {
  const { queryRunner } = transaction as Partial<EntityManager>;
  return queryRunner ?? ('isTransactionActive' in transaction ? (transaction as unknown as QueryRunner) : undefined);
}

function transactionEnded(): OtpError {
  return new OtpError('service_unavailable', 'The transaction has ended. Try again later.', {
    cause: new Error('a call was made in a transaction that had ended'),
  });
}

/**
 * Names a prepared statement by a hash of its text: two releases behind one pooler must not use one name for different
 * statements.
 */
export function statement(text: string): Statement {
  return { name: `otp_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text };
}

const XACT_STATUS = statement('SELECT pg_xact_status(($1::text)::xid8)::text AS answer');

/** TypeORM returns the rows, `pg` an object that contains them. */
function rowIn(result: unknown): { answer: string; xid?: string } {
  const [row] = (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as [{ answer: string }];
  return row;
}

const answerIn = (result: unknown): string => rowIn(result).answer;

/** JavaScript and JSON allow NUL and lone surrogates in a text; no database can store them. */
function refuseUnstorable(text: string): void {
  if (text.includes('\\u') && /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(text)) {
    throw new OtpError('request_invalid', 'A text contains a character that cannot be stored.');
  }
}

function sqlStateOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : '';
}
