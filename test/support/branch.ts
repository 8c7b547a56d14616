import { OTP_ENTITIES } from 'nestjs-phone-otp';
import { DataSource } from 'typeorm';

import { BANK_ENTITIES } from '../../demo/bank/entities.js';
import { type Answer, type Bank, bearer, call, openBank, type Route } from './bank.js';
import { elapse, newSchema, urlInSchema } from './database.js';
import { newPhone } from './otp-fixture.js';
import { until } from './until.js';

export const PASSWORD = 'correct horse battery';

export interface Customer {
  phone: string;
  token: string;
}

/** The demo bank on its own tables, and the actions of its customers. */
export class Branch {
  /** The newest message that was read, by phone. */
  readonly #read = new Map<string, number>();
  readonly #phones = new Set<string>();
  readonly #answers: string[] = [];

  private constructor(
    public bank: Bank,
    readonly dataSource: DataSource,
    private readonly schema: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(env: NodeJS.ProcessEnv = {}): Promise<Branch> {
    const schema = await newSchema();
    const url = urlInSchema(schema);
    const whole = { DATABASE_URL: url, PGAPPNAME: schema, ...env };
    const bank = await openBank(whole);
    const dataSource = new DataSource({ type: 'postgres', url, schema, entities: [...OTP_ENTITIES, ...BANK_ENTITIES] });
    return new Branch(bank, await dataSource.initialize(), schema, whole);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    this.bank.process.kill();
    await this.bank.ended;
  }

  /** Closes the bank and opens it again on the same tables. */
  async reopen(): Promise<void> {
    const { port } = new URL(this.bank.url);
    this.bank.process.kill();
    await this.bank.ended;
    this.bank = await openBank({ ...this.env, PORT: port });
  }

  get databaseUrl(): string {
    return urlInSchema(this.schema);
  }

  async call(route: Route, options?: Parameters<typeof call>[2]): Promise<Answer> {
    const answer = await call(this.bank, route, options);
    if (!route.includes(' /demo/')) this.#answers.push(`${route} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** Moves time forward in the tables of the package. */
  elapse(seconds: number): Promise<void> {
    return elapse(this.dataSource, seconds);
  }

  async messages(phone: string): Promise<{ id: number; text: string }[]> {
    return (await this.call(`GET /demo/inbox?phone=${encodeURIComponent(phone)}`)).body.messages;
  }

  /** Waits for the next message to a phone, or the next of a kind: strangers are answered before it is sent. */
  async nextMessage(phone: string, kind = /./): Promise<string> {
    const read = this.#read.get(phone) ?? 0;
    let next: { id: number; text: string } | undefined;
    await until(`a message to ${phone}`, async () => {
      next = (await this.messages(phone)).findLast(({ id, text }) => id > read && kind.test(text));
      return next !== undefined;
    });
    this.#read.set(phone, next!.id);
    return next!.text;
  }

  async nextCode(phone: string): Promise<string> {
    const code = /\b\d{6}\b/;
    return code.exec(await this.nextMessage(phone, code))![0];
  }

  start(phone: string, purpose: string, token?: string): Promise<Answer> {
    this.#phones.add(phone);
    return this.call('POST /otp/start', { body: { phone, purpose }, ...(token && { headers: bearer(token) }) });
  }

  /** Reads the code of a started challenge and verifies it. */
  async verify(started: Answer, phone: string, purpose: string, token?: string): Promise<string> {
    const { challenge } = started.body;
    const verified = await this.call('POST /otp/verify', {
      body: { challenge, code: await this.nextCode(phone), purpose },
      ...(token && { headers: bearer(token) }),
    });
    expect(verified).toMatchObject({ status: 200 });
    return verified.body.grant;
  }

  /** Runs a challenge from start to grant. */
  async grantFor(phone: string, purpose: string, token?: string): Promise<string> {
    const started = await this.start(phone, purpose, token);
    expect(started).toMatchObject({ status: 202 });
    return this.verify(started, phone, purpose, token);
  }

  /** Opens an account for a new customer, long enough ago to allow another code. */
  async signUp({ phone = newPhone(), name = 'Sara', password = PASSWORD } = {}): Promise<Customer> {
    const grant = await this.grantFor(phone, 'registration');
    const { body } = await this.call('POST /auth/register', {
      headers: { 'OTP-Grant': grant },
      body: { name, password },
    });
    await this.elapse(31);
    return { phone, token: body.accessToken };
  }

  /** Logs in by code, on another device. */
  async logIn(phone: string): Promise<string> {
    const { challenge } = (await this.start(phone, 'login')).body;
    const answer = await this.call('POST /auth/login', { body: { challenge, code: await this.nextCode(phone) } });
    expect(answer).toMatchObject({ status: 200 });
    await this.elapse(31);
    return answer.body.accessToken;
  }

  /** Locks a row until the given number of the bank's statements wait for it, then changes it before they get it. */
  async whileHeld<T>(
    { table, id, change, waiting = 1 }: { table: string; id: string; change?: string; waiting?: number },
    calling: () => Promise<T>,
  ): Promise<T> {
    const { answer } = await this.dataSource.transaction(async (manager) => {
      await manager.query(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [id]);
      const answer = calling();
      await until(`${waiting} wait for the row`, async () => {
        // On another connection: a transaction keeps its first view of the activity.
        const blocked = `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
        return (await this.dataSource.query(blocked, [this.schema])).length >= waiting;
      });
      if (change !== undefined) await manager.query(`UPDATE ${table} SET ${change} WHERE id = $1`, [id]);
      return { answer }; // not awaited before the commit, for which it waits
    });
    return answer;
  }

  me(token: string): Promise<Answer> {
    return this.call('GET /me', { headers: bearer(token) });
  }

  /** Returns every answer so far, except the inbox, that contains anyone's whole number. */
  leaks(): string[] {
    const numbers = [...this.#phones].map((phone) => phone.slice(-9)); // without calling code or trunk zero
    return this.#answers.filter((answer) => numbers.some((number) => answer.includes(number)));
  }
}

/** Returns the claims of an access token. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}
