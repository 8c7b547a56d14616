import { Controller, ForbiddenException, HttpCode, Injectable, Post, UseFilters, UseGuards } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { AuthGuard } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  LoggedIn,
  OtpConfigError,
  type OtpModuleOptions,
  OtpProblemFilter,
  type OtherFactor,
  type PhoneAccount,
  PhoneAccounts,
  PhoneLogin,
  PhoneLoginGuard,
  type PhoneLoginResult,
} from 'nestjs-phone-otp';
import type { DataSource, EntityManager } from 'typeorm';

import { EventLog } from '../support/events.js';
import { type Answer, post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { prove } from '../support/proofs.js';

const purpose = 'login';
const ADAPTERS = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() as never };

@Controller('auth')
class AuthController {
  @PhoneLogin()
  @Post('login')
  @HttpCode(200)
  login(@LoggedIn() result: PhoneLoginResult) {
    return result;
  }

  /** The guard alone, without the filter. */
  @UseGuards(PhoneLoginGuard)
  @Post('bare')
  @HttpCode(200)
  bare(@LoggedIn() result: PhoneLoginResult) {
    return result;
  }

  /** A guard of a host that combines strategies. */
  @UseGuards(AuthGuard('phone-otp'))
  @UseFilters(OtpProblemFilter)
  @Post('passport')
  @HttpCode(200)
  passport(@LoggedIn() result: PhoneLoginResult) {
    return result;
  }
}

/** The customers of a host, in its own table beside the module's. A test may make any method fail. */
@Injectable()
class Customers extends PhoneAccounts {
  dataSource: DataSource;
  /** Replacement behaviour, by method. */
  faults: Partial<Record<'findByPhone' | 'register' | 'mayUse' | 'otherFactor', () => Promise<never>>> = {};
  factor: OtherFactor = 'none';
  #together: (() => void)[] | undefined;
  #awaited = 0;

  get #table(): string {
    return `${(this.dataSource.options as { schema?: string }).schema}.customers`;
  }

  async create(dataSource: DataSource): Promise<void> {
    this.dataSource = dataSource;
    await dataSource.query(`CREATE TABLE ${this.#table} (id text PRIMARY KEY, phone text NOT NULL)`);
  }

  async add(phone: string, id = `customer-${++customers}`): Promise<string> {
    await this.dataSource.query(`INSERT INTO ${this.#table} VALUES ($1, $2)`, [id, phone]);
    return id;
  }

  of(phone: string): Promise<PhoneAccount[]> {
    return this.dataSource.query(`SELECT id FROM ${this.#table} WHERE phone = $1`, [phone]);
  }

  /** Makes the next look-ups run together, the last one first. */
  meet(count: number): void {
    this.#awaited = count;
    this.#together = [];
  }

  override async findByPhone(phone: string): Promise<PhoneAccount | null> {
    await this.faults.findByPhone?.();
    const [customer] = await this.of(phone);
    if (this.#together) await this.#met();
    return customer ?? null;
  }

  override async register(phone: string, manager: EntityManager): Promise<PhoneAccount> {
    const id = `customer-${++customers}`;
    await manager.query(`INSERT INTO ${this.#table} VALUES ($1, $2)`, [id, phone]);
    await this.faults.register?.();
    return { id };
  }

  override async mayUse(): Promise<boolean> {
    await this.faults.mayUse?.();
    return true;
  }

  override async otherFactor(): Promise<OtherFactor> {
    await this.faults.otherFactor?.();
    return this.factor;
  }

  #met(): Promise<void> {
    return new Promise((resolve) => {
      const together = this.#together!;
      together.push(resolve);
      if (together.length < this.#awaited) return;
      this.#together = undefined;
      for (const goOn of together.toReversed()) goOn();
    });
  }
}
let customers = 0;

interface Opened extends Fixture {
  customers: Customers;
  events: EventLog;
  login(body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function open(
  options: Partial<OtpModuleOptions> = {},
  { adapter = ADAPTERS.Express, providers = [] as NonNullable<unknown>[] } = {},
): Promise<Opened> {
  const fixture = await otpFixture({
    adapter: adapter(),
    routes: { prefix: 'otp' },
    options: { ...options },
    metadata: {
      imports: [EventEmitterModule.forRoot()],
      controllers: [AuthController],
      providers: [{ provide: PhoneAccounts, useClass: Customers }, ...(providers as never[])],
    },
    poolSize: 20,
  });
  const host = fixture.app.get<Customers>(PhoneAccounts);
  await host.create(fixture.dataSource);
  return {
    ...fixture,
    customers: host,
    events: new EventLog(fixture.app),
    login: (body, headers) => post(fixture.app, '/auth/login', body, headers),
  };
}

const forOneTest: Opened[] = [];
afterEach(async () => {
  for (const fixture of forOneTest.splice(0)) await fixture.close();
});

/** Like {@link open}, but closed when the test ends. */
async function openForTest(options?: Partial<OtpModuleOptions>): Promise<Opened> {
  const fixture = await open(options);
  forOneTest.push(fixture);
  return fixture;
}

/** Adds a customer with a number. */
async function customer(fixture: Opened, daysAgo = 0): Promise<{ id: string; phone: string }> {
  const phone = newPhone();
  const id = await fixture.customers.add(phone);
  await fixture.own(phone, id, daysAgo);
  return { id, phone };
}

async function started(fixture: Fixture, phone: string): Promise<{ challenge: string; code: string }> {
  const { json } = await post(fixture.app, '/otp/start', { phone, purpose });
  return { challenge: json.challenge as string, code: await fixture.codeFor(phone) };
}

/** Clears all cooldowns and wrong codes. */
const forgetLimits = ({ dataSource, schema }: Fixture) =>
  dataSource.query(`DELETE FROM ${schema}.otp_send_counters; DELETE FROM ${schema}.otp_lockouts`);
const holding = (grant: string) => ({ 'otp-grant': grant });

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, json: { status, code, type: expect.any(String), title: expect.any(String) } });
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

describe.each(Object.keys(ADAPTERS) as (keyof typeof ADAPTERS)[])('a login by phone on %s', (platform) => {
  let fixture: Opened;
  beforeAll(async () => (fixture = await open({}, { adapter: ADAPTERS[platform] })));
  afterAll(() => fixture.close());
  beforeEach(() => fixture.sms.clear());

  it('SEC-36: by grant reports the account, the time of the proof, and no more than a code proves', async () => {
    const { id, phone } = await customer(fixture);
    const before = Date.now();
    const { grant } = await prove(fixture, { phone, purpose });

    const answer = await fixture.login({}, holding(grant));

    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      account: { id },
      phone,
      amr: ['otp', 'sms'],
      authTime: expect.any(String),
      registered: false,
    });
    const authTime = Date.parse(answer.json.authTime as string);
    expect(authTime).toBeGreaterThanOrEqual(before - 1000);
    expect(authTime).toBeLessThanOrEqual(Date.now() + 1000);
  });

  it("SEC-36: by grant has the time of the code, not of the grant's use", async () => {
    const { phone } = await customer(fixture);
    const { grant } = await prove(fixture, { phone, purpose });
    await fixture.elapse(200);

    const { json } = await fixture.login({}, holding(grant));

    expect(Date.now() - Date.parse(json.authTime as string)).toBeGreaterThan(195_000);
  });

  it('by challenge and code takes one call', async () => {
    const { id, phone } = await customer(fixture);

    const typed = await started(fixture, phone);

    expect(await fixture.login(typed)).toMatchObject({ status: 200, json: { account: { id }, phone } });
    expectProblem(await fixture.login(typed), 400, 'otp_unavailable');
  });

  it('SEC-39: succeeds once per grant', async () => {
    const { phone } = await customer(fixture);
    const { grant } = await prove(fixture, { phone, purpose });

    const answers = await Promise.all(Array.from({ length: 8 }, () => fixture.login({}, holding(grant))));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(7);
    const refused = answers.find(({ status }) => status === 401)!;
    expectProblem(refused, 401, 'grant_invalid');
    expect(refused.headers.get('www-authenticate')).toBe('OTP-Grant');
  });

  it('SEC-37: succeeds once among parallel logins with one code', async () => {
    const { phone } = await customer(fixture);
    const typed = await started(fixture, phone);

    const answers = await Promise.all(Array.from({ length: 8 }, () => fixture.login(typed)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(7);
  });

  it('fails with a wrong code, then succeeds with the right one', async () => {
    const { phone } = await customer(fixture);
    const { challenge, code } = await started(fixture, phone);

    expectProblem(await fixture.login({ challenge, code: wrongCode(code) }), 400, 'otp_invalid');
    expectProblem(await fixture.login({ challenge, code: '12' }), 400, 'code_malformed');
    expect(await fixture.login({ challenge, code })).toMatchObject({ status: 200 });
  });

  it('without any proof answers 401 and names the expected fields', async () => {
    const answer = await fixture.login({});

    expectProblem(answer, 401, 'grant_required');
    expect(answer.headers.get('www-authenticate')).toBe('OTP-Grant');
  });

  it.each<[what: string, body: unknown, headers?: Record<string, string>]>([
    ['a challenge alone', { challenge: 'x.y' }],
    ['a code alone', { code: '123456' }],
    ['an unknown challenge', { challenge: 'x.y', code: '123456' }],
    ['numbers', { challenge: 1, code: 123456 }],
    ['arrays', { challenge: ['x.y'], code: ['123456'] }],
    ['objects', { challenge: { $ne: null }, code: { toString: 'x' } }],
    ['nulls', { challenge: null, code: null }],
    ['a list', []],
    ['an empty grant', {}, { 'otp-grant': '' }],
    ['a forged grant', {}, { 'otp-grant': 'x'.repeat(43) }],
    ['two grants', {}, { 'otp-grant': `${'x'.repeat(43)}, ${'y'.repeat(43)}` }],
    ['a huge grant', {}, { 'otp-grant': 'x'.repeat(4000) }],
    ['a form', 'challenge=x.y&code=123456', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a prototype', '{"__proto__":{"user":{"account":{"id":"1"}}}}'],
    ['a user', { user: { account: { id: 'customer-1' } }, account: { id: 'customer-1' } }],
  ])('SEC-55: fails with %s', async (_, body, headers = {}) => {
    const answer = await fixture.login(body, headers);

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('SEC-13: rejects a grant of another purpose or of an account', async () => {
    const { id, phone } = await customer(fixture);
    const registration = await prove(fixture, { phone, purpose: 'registration' });
    await forgetLimits(fixture);
    const second = await prove(fixture, { phone, purpose: 'second_factor', subject: id });
    await forgetLimits(fixture);
    const own = await prove(fixture, { phone, purpose, subject: id });

    for (const { grant } of [registration, second, own]) {
      expectProblem(await fixture.login({}, holding(grant)), 401, 'grant_invalid');
    }
  });

  it('SEC-30: never succeeds for a number without an account', async () => {
    const phone = newPhone();
    const { json } = await post(fixture.app, '/otp/start', { phone, purpose });

    expectProblem(await fixture.login({ challenge: json.challenge, code: '123456' }), 400, 'otp_invalid');
    expect(fixture.sms.messages(phone)).toEqual([]);
  });

  it('SEC-38: is refused by the bare guard with the same status, without any filter', async () => {
    const { id, phone } = await customer(fixture);
    const bare = (body: unknown, headers?: Record<string, string>) => post(fixture.app, '/auth/bare', body, headers);

    const none = await bare({});
    expect(none).toMatchObject({ status: 401, json: { code: 'grant_required', status: 401 } });
    expect(none.headers.get('www-authenticate')).toBe('OTP-Grant');
    expect(await bare({}, holding('x'.repeat(43)))).toMatchObject({ status: 401, json: { code: 'grant_invalid' } });
    const { challenge, code } = await started(fixture, phone);
    const wrong = await bare({ challenge, code: wrongCode(code) });
    expect(wrong).toMatchObject({ status: 400, json: { code: 'otp_invalid' } });
    expect(await bare({ challenge, code })).toMatchObject({ status: 200, json: { account: { id } } });
  });

  it('works under the strategy’s name with the guard of @nestjs/passport', async () => {
    const { id, phone } = await customer(fixture);
    const passport = (body: unknown, headers?: Record<string, string>) =>
      post(fixture.app, '/auth/passport', body, headers);
    const { challenge, code } = await started(fixture, phone);

    expectProblem(await passport({}), 401, 'grant_required');
    expectProblem(await passport({ challenge, code: wrongCode(code) }), 400, 'otp_invalid');
    expect(await passport({ challenge, code })).toMatchObject({ status: 200, json: { account: { id }, phone } });
  });
});

describe('parallel logins', () => {
  it("of 20 accounts on one application never get each other's answers", async () => {
    const fixture = await openForTest();
    const logins = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { id, phone } = await customer(fixture);
        const { json } = await post(fixture.app, '/otp/start', { phone, purpose });
        const code = await fixture.codeFor(phone);
        const { grant } = await fixture.otp.verify({ challenge: json.challenge as string, code, purpose });
        return { id, phone, grant };
      }),
    );
    fixture.customers.meet(20);

    const answers = await Promise.all(
      logins.flatMap(({ grant }) => [fixture.login({}, holding(grant)), fixture.login({}, holding('x'.repeat(43)))]),
    );

    const [right, forged] = [answers.filter((_, n) => n % 2 === 0), answers.filter((_, n) => n % 2 === 1)];
    expect(right.map(({ json }) => [json.account, json.phone])).toEqual(logins.map(({ id, phone }) => [{ id }, phone]));
    expect(new Set(forged.map(({ status }) => status))).toEqual(new Set([401]));
  });

  it('of two applications in one process each stay with their own application', async () => {
    const [one, other] = [await openForTest(), await openForTest()];
    const phone = newPhone();
    const ids = [await one.customers.add(phone), await other.customers.add(phone)];
    const grants = [await prove(one, { phone, purpose }), await prove(other, { phone, purpose })];

    const swapped = [await one.login({}, holding(grants[1]!.grant)), await other.login({}, holding(grants[0]!.grant))];
    const own = await Promise.all([
      one.login({}, holding(grants[0]!.grant)),
      other.login({}, holding(grants[1]!.grant)),
    ]);

    expect(swapped.map(({ status }) => status)).toEqual([401, 401]);
    expect(own.map(({ json }) => json.account)).toEqual(ids.map((id) => ({ id })));
  });
});

describe('the limit on codes per address', () => {
  let fixture: Opened;
  beforeEach(async () => (fixture = await openForTest({ verifiesPerAddress: 3 })));

  it('refuses the fourth code at a login, wherever the codes are entered', async () => {
    const guess = { challenge: 'x.y', code: '123456' };
    const paths = ['/auth/login', '/otp/verify', '/auth/bare'];
    for (const path of paths) {
      const body = path === '/otp/verify' ? { ...guess, purpose } : guess;
      expect(await post(fixture.app, path, body)).toMatchObject({ status: 400, json: { code: 'otp_unavailable' } });
    }

    const answer = await fixture.login(guess);

    expectProblem(answer, 429, 'too_many_requests');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await post(fixture.app, '/auth/bare', guess)).toMatchObject({ status: 429 });
  });

  it('uses no attempt of a challenge for a code that it refuses', async () => {
    const { phone } = await customer(fixture);
    const { challenge, code } = await started(fixture, phone);
    for (let n = 0; n < 3; n++) await fixture.login({ challenge: 'x.y', code });

    expectProblem(await fixture.login({ challenge, code }), 429, 'too_many_requests');

    const [row] = await fixture.rows('otp_challenges');
    expect(row).toMatchObject({ attempts: 0, ended_at: null });
  });

  it('does not count grants, since nobody guesses them', async () => {
    const { id, phone } = await customer(fixture);
    const { grant } = await prove(fixture, { phone, purpose });
    for (let n = 0; n < 10; n++) {
      expect(await fixture.login({}, holding('x'.repeat(43)))).toMatchObject({ status: 401 });
      expect(await fixture.login({})).toMatchObject({ status: 401 });
    }
    for (let n = 0; n < 4; n++) await fixture.login({ challenge: 'x.y', code: '123456' });

    const answer = await fixture.login({ challenge: 'x.y', code: '123456' }, holding(grant));

    expect(answer).toMatchObject({ status: 200, json: { account: { id } } });
  });
});

describe('a login by a number without an account, under "registerOnLogin",', () => {
  let fixture: Opened;
  beforeAll(async () => (fixture = await open({ registerOnLogin: true, takenNumbers: 'transfer' })));
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await forgetLimits(fixture);
    fixture.sms.clear();
    fixture.events.clear();
    fixture.customers.faults = {};
  });

  it('gets a real code and creates the account', async () => {
    const phone = newPhone();

    const first = await fixture.login(await started(fixture, phone));

    const [{ id }] = (await fixture.customers.of(phone)) as [PhoneAccount];
    expect(first).toMatchObject({
      status: 200,
      json: { account: { id }, phone, registered: true, amr: ['otp', 'sms'] },
    });
    expect(await fixture.numbers.ownerOf(phone)).toBe(id);
    expect(fixture.events.of('otp.number_activated')).toMatchObject([{ owner: id, purpose }]);
    await forgetLimits(fixture);
    fixture.sms.clear();
    const second = await fixture.login(await started(fixture, phone));
    expect(second).toMatchObject({ status: 200, json: { account: { id }, registered: false } });
    expect(await fixture.customers.of(phone)).toHaveLength(1);
  });

  it('SEC-48: creates one account for two parallel logins, and logs both in', async () => {
    const phone = newPhone();
    const grants = [await prove(fixture, { phone, purpose })];
    await forgetLimits(fixture);
    grants.push(await prove(fixture, { phone, purpose }));
    fixture.customers.meet(2); // neither finds an account

    const answers = await Promise.all(grants.map(({ grant }) => fixture.login({}, holding(grant))));

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.filter(({ json }) => json.registered)).toHaveLength(1);
    const accounts = await fixture.customers.of(phone);
    expect(accounts).toHaveLength(1);
    expect(answers.map(({ json }) => json.account)).toEqual([accounts[0], accounts[0]]);
    expect(fixture.events.of('otp.number_transferred')).toEqual([]);
  });

  it('SEC-48: creates one account even if the host’s own table refuses the second', async () => {
    const phone = newPhone();
    const grants = [await prove(fixture, { phone, purpose })];
    await forgetLimits(fixture);
    grants.push(await prove(fixture, { phone, purpose }));
    await fixture.dataSource.query(`CREATE UNIQUE INDEX one_per_phone ON ${fixture.schema}.customers (phone)`);
    fixture.customers.meet(2); // neither finds an account

    const answers = await Promise.all(grants.map(({ grant }) => fixture.login({}, holding(grant))));

    await fixture.dataSource.query(`DROP INDEX ${fixture.schema}.one_per_phone`);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.filter(({ json }) => json.registered)).toHaveLength(1);
    const [account, ...more] = await fixture.customers.of(phone);
    expect(more).toEqual([]);
    expect(answers.map(({ json }) => json.account)).toEqual([account, account]);
  });

  it.each<[what: string, fault: () => Promise<never>, status: number]>([
    ['throws', async () => Promise.reject(new Error('of the host')), 500],
    ['refuses', async () => Promise.reject(new ForbiddenException('Closed to new customers.')), 403],
  ])('FLT-22: creates nothing when "register" %s, and the grant stays valid', async (_, fault, status) => {
    const { grant, phone } = await prove(fixture, { purpose });
    fixture.customers.faults.register = fault;

    expect(await fixture.login({}, holding(grant))).toMatchObject({ status });
    expect(await fixture.customers.of(phone)).toEqual([]);
    expect(await fixture.numbers.ownerOf(phone)).toBeNull();

    fixture.customers.faults = {};
    expect(await fixture.login({}, holding(grant))).toMatchObject({ status: 200, json: { registered: true } });
  });

  const refusal = (metadata: object): Promise<unknown> =>
    otpFixture({ options: { registerOnLogin: true }, metadata }).then(
      (opened) => opened.close(),
      (error: unknown) => error,
    );

  it.each([
    ['no "PhoneAccounts" is provided', {}],
    [
      'the provided "PhoneAccounts" cannot register',
      { providers: [{ provide: PhoneAccounts, useValue: { findByPhone: async () => null } }] },
    ],
  ])('fails at start-up if %s', async (_, metadata) => {
    const error = await refusal(metadata);

    expect(error).toBeInstanceOf(OtpConfigError);
    expect((error as Error).message).toMatch(/"registerOnLogin".*"PhoneAccounts".*"register"/);
  });
});

describe('a failure around a login', () => {
  /** Listeners of a host, each failing in its own way. */
  @Injectable()
  class BrokenListeners {
    listening = false;
    heard = 0;

    @OnEvent('otp.verified')
    throws(): void {
      this.#hear();
    }

    @OnEvent('otp.number_activated')
    async rejects(): Promise<void> {
      this.#hear();
    }

    @OnEvent('otp.started')
    @OnEvent('otp.grant_used')
    hangs(): Promise<void> {
      if (this.listening) this.heard++;
      return new Promise(() => undefined);
    }

    #hear(): void {
      if (!this.listening) return;
      this.heard++;
      throw new Error('of a listener');
    }
  }

  let fixture: Opened;
  beforeAll(async () => (fixture = await open({ registerOnLogin: true }, { providers: [BrokenListeners] })));
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await forgetLimits(fixture);
    fixture.customers.faults = {};
  });

  const throwing = async (): Promise<never> => Promise.reject(new Error('of the host'));
  const hanging = (): Promise<never> => new Promise(() => undefined);

  it('FLT-22: changes nothing if a listener throws, rejects or hangs', async () => {
    const listeners = fixture.app.get(BrokenListeners);
    const emitter = fixture.app.get(EventEmitter2);
    const broken = () => {
      throw new Error('of a listener that Nest does not know');
    };
    const names = ['otp.started', 'otp.verified', 'otp.grant_used', 'otp.number_activated'];
    listeners.listening = true;
    for (const name of names) emitter.on(name, broken);
    const phone = newPhone();

    const answer = await fixture.login(await started(fixture, phone));

    expect(answer).toMatchObject({ status: 200, json: { phone, registered: true } });
    expect(await fixture.numbers.ownerOf(phone)).toBe((answer.json.account as PhoneAccount).id);
    expect(listeners.heard).toBe(names.length);
    listeners.listening = false;
    for (const name of names) emitter.off(name, broken);
  });

  it('FLT-22: prevents the login if the account cannot be looked up', async () => {
    const { phone } = await customer(fixture);
    const { grant } = await prove(fixture, { phone, purpose });
    await forgetLimits(fixture);
    const typed = await started(fixture, phone);
    fixture.customers.faults.findByPhone = throwing;

    expectProblem(await fixture.login({}, holding(grant)), 500, 'internal_server_error');
    expectProblem(await fixture.login(typed), 500, 'internal_server_error');

    fixture.customers.faults.findByPhone = () => Promise.reject(new ForbiddenException());
    await forgetLimits(fixture);
    fixture.sms.clear();
    expect(await fixture.login({}, holding(grant))).toMatchObject({ status: 403 });
  });

  it('FLT-22: counts a second factor that cannot be checked as missing', async () => {
    const { id, phone } = await customer(fixture, 91);
    const { grant } = await prove(fixture, { phone, purpose });
    fixture.customers.faults.otherFactor = throwing;

    expectProblem(await fixture.login({}, holding(grant)), 500, 'internal_server_error');

    const [binding] = await fixture.numbers.history({ owner: id });
    expect(Date.now() - binding!.lastProvedAt.getTime()).toBeGreaterThan(90 * 86_400_000);
  });

  it('FLT-22: stops an account if the host cannot say whether it may continue', async () => {
    const { id: subject, phone } = await customer(fixture);
    const proof = { purpose: 'second_factor', subject };
    const { grant } = await prove(fixture, { phone, ...proof });
    fixture.customers.faults.mayUse = throwing;

    await expect(fixture.grants.consume(grant, proof)).rejects.toThrow('of the host');
    await forgetLimits(fixture);
    await expect(prove(fixture, { phone, ...proof })).rejects.toThrow('of the host');
  });

  it('FLT-22: answers 503 after five seconds if any code of the host hangs, and logs nobody in', async () => {
    const dormant = await customer(fixture, 91);
    const { grant } = await prove(fixture, { phone: dormant.phone, purpose });
    const stranger = await prove(fixture, { purpose });
    const { id: subject, phone } = await customer(fixture);
    const second = await prove(fixture, { phone, purpose: 'second_factor', subject });
    fixture.customers.faults = { otherFactor: hanging, register: hanging, mayUse: hanging };
    const began = Date.now();

    const logins = [fixture.login({}, holding(grant)), fixture.login({}, holding(stranger.grant))];
    const consumed = fixture.grants.consume(second.grant, { purpose: 'second_factor', subject });
    await expect(consumed).rejects.toMatchObject({ code: 'service_unavailable' });
    for (const answer of await Promise.all(logins)) expectProblem(answer, 503, 'service_unavailable');

    expect(Date.now() - began).toBeLessThan(9000); // one after the other would take ten seconds
    expect(await fixture.customers.of(stranger.phone)).toEqual([]);
    expect(await fixture.numbers.ownerOf(stranger.phone)).toBeNull();
    fixture.customers.faults = {};
    expect(await fixture.login({}, holding(stranger.grant))).toMatchObject({ status: 200, json: { registered: true } });
  });

  it('FLT-22: answers 503 if a look-up hangs', async () => {
    const { grant } = await prove(fixture, { purpose });
    fixture.customers.faults.findByPhone = hanging;

    expectProblem(await fixture.login({}, holding(grant)), 503, 'service_unavailable');
  });
});
