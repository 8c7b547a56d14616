import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';

import { Session } from '../../demo/bank/session.entity.js';
import { User } from '../../demo/bank/user.entity.js';
import { readSettings } from '../../demo/settings.js';
import { type Answer, type Bank, bearer, call, closedBank, openBank } from '../support/bank.js';
import { elapse, newSchema } from '../support/database.js';
import { newPhone } from '../support/otp-fixture.js';

const TOKEN_SECRET = 'signs-the-tokens-of-this-test-0123456789-abcdefg';
const SARA = { name: 'Sara', password: 'correct horse battery' };

/** The database of the run, in a schema of its own. */
function inSchema(schema: string): string {
  const url = new URL(process.env.DATABASE_URL!);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

describe('the demo bank', () => {
  let bank: Bank;
  let dataSource: DataSource;

  beforeAll(async () => {
    const schema = await newSchema();
    bank = await openBank({ DATABASE_URL: inSchema(schema), TOKEN_SECRET });
    dataSource = new DataSource({
      type: 'postgres',
      url: inSchema(schema),
      schema,
      entities: [User, Session],
    });
    await dataSource.initialize();
  });
  afterAll(async () => {
    await dataSource?.destroy();
    bank?.process.kill();
    await bank?.ended;
  });

  const start = (phone: string, purpose: string) => call(bank, 'POST /otp/start', { body: { phone, purpose } });

  async function codeIn(phone: string): Promise<string> {
    const { body } = await call(bank, `GET /demo/inbox?phone=${encodeURIComponent(phone)}`);
    return /\d{6}/.exec(body.messages[0].text)![0];
  }

  async function grantFor(phone: string, purpose: string): Promise<string> {
    const started = await start(phone, purpose);
    expect(started).toMatchObject({ status: 202 });
    const code = await codeIn(phone);
    const verified = await call(bank, 'POST /otp/verify', {
      body: { challenge: started.body.challenge, code, purpose },
    });
    return verified.body.grant;
  }

  const register = (grant: string, body: unknown = SARA) =>
    call(bank, 'POST /auth/register', { headers: { 'OTP-Grant': grant }, body });

  async function signedUp(phone: string): Promise<string> {
    const { body } = await register(await grantFor(phone, 'registration'));
    return body.accessToken;
  }

  const me = (token: string) => call(bank, 'GET /me', { headers: bearer(token) });

  it('opens an account for a phone, with digits of an Arabic keyboard, and lets it in again', async () => {
    const started = await start('0512345678', 'registration');
    expect(started).toMatchObject({ status: 202, body: { phone: '+966*******78', codeLength: 6 } });
    const inbox = await call(bank, 'GET /demo/inbox?phone=+966512345678');
    expect(inbox.body.messages).toEqual([
      { id: expect.any(Number), to: '+966512345678', text: expect.any(String), sentAt: expect.any(String) },
    ]);
    const code = (await codeIn('+966512345678')).replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!);
    const { challenge } = started.body;
    const verified = await call(bank, 'POST /otp/verify', { body: { challenge, code, purpose: 'registration' } });
    expect(verified).toMatchObject({ status: 200, body: { grant: expect.any(String), expiresAt: expect.any(String) } });
    const registered = await register(verified.body.grant);
    expect(registered).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } });

    await elapse(dataSource, 31);
    const grant = await grantFor('+966512345678', 'login');
    const loggedIn = await call(bank, 'POST /auth/login', { headers: { 'OTP-Grant': grant } });

    expect(loggedIn).toMatchObject({ status: 200, body: { accessToken: expect.any(String) } });
    const whoIs = await me(loggedIn.body.accessToken);
    expect(whoIs).toMatchObject({ status: 200, body: { name: 'Sara', phone: '+966*******78', amr: ['otp', 'sms'] } });
    expect((await me(registered.body.accessToken)).body.id).toBe(whoIs.body.id);
    const again = await call(bank, 'POST /auth/login', { headers: { 'OTP-Grant': grant } });
    expectProblem(again, 401, 'grant_invalid');
  });

  it('lets in with challenge and code at once', async () => {
    const phone = newPhone();
    await signedUp(phone);
    await elapse(dataSource, 31);
    const { challenge } = (await start(phone, 'login')).body;

    const { status, body } = await call(bank, 'POST /auth/login', { body: { challenge, code: await codeIn(phone) } });

    expect(status).toBe(200);
    expect(await me(body.accessToken)).toMatchObject({ status: 200, body: { name: 'Sara' } });
  });

  it('refuses a second account for a number, and neither keeps it nor spends the grant', async () => {
    const phone = newPhone();
    await signedUp(phone);
    await elapse(dataSource, 31);
    const grant = await grantFor(phone, 'registration');
    const before = await dataSource.manager.count(User);

    expectProblem(await register(grant, { ...SARA, name: 'Mallory' }), 409, 'phone_already_activated');

    // Still 409 and not 401: the grant was given back with the rest of the transaction.
    expectProblem(await register(grant), 409, 'phone_already_activated');
    expect(await dataSource.manager.count(User)).toBe(before);
  });

  it('answers for an unknown number as for a known one, and lets nobody in', async () => {
    const phone = newPhone();
    const started = await start(phone, 'login');

    expect(started.status).toBe(202);
    const inbox = await call(bank, `GET /demo/inbox?phone=${phone}`);
    expect(inbox.body.messages).toEqual([]);
    const { challenge } = started.body;
    const login = await call(bank, 'POST /auth/login', { body: { challenge, code: '123456' } });
    expectProblem(login, 400, 'otp_invalid');
  });

  it('takes a grant for its purpose only', async () => {
    const grant = await grantFor(newPhone(), 'registration');

    const login = await call(bank, 'POST /auth/login', { headers: { 'OTP-Grant': grant } });

    expectProblem(login, 401, 'grant_invalid');
    expect((await register(grant)).status).toBe(201);
  });

  it('asks a signed-in customer for the number to verify, and nobody else', async () => {
    const token = await signedUp(newPhone());
    const body = { phone: newPhone(), purpose: 'verify_number' };

    const anonymous = await call(bank, 'POST /otp/start', { body });
    const signedIn = await call(bank, 'POST /otp/start', { body, headers: bearer(token) });

    expectProblem(anonymous, 401, 'sign_in_required');
    expect(signedIn.status).toBe(202);
    const { challenge } = signedIn.body;
    const verify = { challenge, code: await codeIn(body.phone), purpose: 'verify_number' };
    expectProblem(await call(bank, 'POST /otp/verify', { body: verify }), 401, 'sign_in_required');
    expect((await call(bank, 'POST /otp/verify', { body: verify, headers: bearer(token) })).status).toBe(200);
  });

  it('keeps passwords under Argon2id', async () => {
    await signedUp(newPhone());

    const users = await dataSource.manager.find(User);

    for (const { passwordHash } of users) expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('lets nobody in whose session has ended', async () => {
    const token = await signedUp(newPhone());
    expect((await me(token)).status).toBe(200);

    await dataSource.query('UPDATE bank_sessions SET ended_at = now()');

    const answer = await me(token);
    expectProblem(answer, 401, 'sign_in_required');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  describe('takes no token but its own access tokens', () => {
    let claims: Record<string, unknown>;
    const header = { alg: 'HS256', typ: 'at+jwt' };
    beforeAll(async () => {
      claims = JSON.parse(Buffer.from((await signedUp(newPhone())).split('.')[1]!, 'base64url').toString());
    });

    const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
    const forgeries: Record<string, () => string> = {
      'no token at all': () => '',
      'not a token': () => 'abc',
      'another key': () => sign(header, claims, 'another-secret-0123456789-0123456789-0123456789'),
      'no signature': () =>
        `${sign({ ...header, alg: 'none' }, claims)
          .split('.')
          .slice(0, 2)
          .join('.')}.`,
      'another algorithm': () => sign({ ...header, alg: 'HS512' }, claims, TOKEN_SECRET, 'sha512'),
      'another type': () => sign({ ...header, typ: 'JWT' }, claims),
      'another issuer': () => sign(header, { ...claims, iss: 'somebody' }),
      'another audience': () => sign(header, { ...claims, aud: 'somebody' }),
      expired: () => sign(header, { ...claims, exp: Math.floor(Date.now() / 1000) - 1 }),
      ...Object.fromEntries(
        ['exp', 'iss', 'aud', 'jti', 'sub', 'sid'].map((name) => [`no ${name}`, () => sign(header, without(name))]),
      ),
    };

    it.each(Object.keys(forgeries))('%s', async (name) => {
      expectProblem(await me(forgeries[name]!()), 401, 'sign_in_required');
    });

    it('but does take one that is right', async () => {
      expect((await me(sign(header, claims))).status).toBe(200);
    });
  });

  it.each<[string, Parameters<typeof call>[1], unknown]>([
    ['an unknown field', 'POST /auth/register', { ...SARA, admin: true }],
    ['a missing field', 'POST /auth/register', { name: 'Sara' }],
    ['a short password', 'POST /auth/register', { ...SARA, password: 'short' }],
    ['a long password', 'POST /auth/register', { ...SARA, password: 'x'.repeat(129) }],
    ['a name of spaces', 'POST /auth/register', { ...SARA, name: '  ' }],
    ['an object for a text', 'POST /auth/register', { ...SARA, name: { $ne: null } }],
    ['a number for a text', 'POST /auth/register', { ...SARA, password: 123_456_789_012 }],
    ['an array', 'POST /auth/register', [SARA]],
    ['nothing', 'POST /auth/register', undefined],
    ['broken JSON', 'POST /auth/register', '{"name":'],
    ['null', 'POST /auth/register', 'null'],
    ['a challenge without code', 'POST /auth/login', { challenge: 'x' }],
    ['a code that is null', 'POST /auth/login', { challenge: 'x', code: null }],
    ['an array', 'POST /auth/login', []],
    ['a code that is none', 'POST /auth/login', { challenge: 'x', code: 'abc' }],
    ['a phone that is none', 'POST /otp/start', { phone: '123', purpose: 'login' }],
    ['a phone of a region that is not served', 'POST /otp/start', { phone: '+4915112345678', purpose: 'login' }],
    ['a purpose of the bank itself', 'POST /otp/start', { phone: '0512345678', purpose: 'transaction' }],
    ['a purpose that is none', 'POST /otp/start', { phone: '0512345678', purpose: 'constructor' }],
    ['a phone that is none', 'GET /demo/inbox?phone=abc', undefined],
    ['two phones', 'GET /demo/inbox?phone=1&phone=2', undefined],
  ])('refuses %s: %s', async (_, route, body) => {
    const answer = await call(bank, route, { body });

    expectProblem(answer, 400);
  });

  it('refuses a body of more than 10 KiB', async () => {
    expectProblem(await call(bank, 'POST /auth/login', { body: { challenge: 'x'.repeat(10_240) } }), 413);
  });

  it('answers an unknown path with a problem, and says nothing about itself', async () => {
    const answer = await call(bank, 'GET /nothing');

    expectProblem(answer, 404, 'not_found');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('says how it is, and describes itself', async () => {
    expect(await call(bank, 'GET /health')).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { database: { status: 'up' } } },
    });
    expect((await call(bank, 'GET /docs')).body).toContain('swagger-ui');
    const { paths, components } = (await call(bank, 'GET /docs-json')).body;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/otp/start', '/otp/resend', '/otp/verify', '/auth/register', '/auth/login', '/me']),
    );
    const answer = paths['/otp/start'].post.responses['202'].content['application/json'].schema;
    expect(answer).toEqual({ $ref: '#/components/schemas/StartedDto' });
    expect(components.schemas.StartDto.required).toEqual(['phone', 'purpose']);
    expect(paths['/auth/register'].post.parameters).toMatchObject([{ name: 'OTP-Grant', in: 'header' }]);
    expect(paths['/me'].get.security).toEqual([{ bearer: [] }]);
  });

  it('has migrations that make what its entities say', async () => {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();

    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });
});

describe('the program of the demo bank', () => {
  it('needs no settings, and ends at SIGTERM with its PostgreSQL', async () => {
    const bank = await openBank({ DATABASE_URL: '' });
    expect((await call(bank, 'GET /health')).status).toBe(200);

    bank.process.kill('SIGTERM');

    const slow = sleep(20_000, 'it hangs', { ref: false });
    expect(await Promise.race([bank.ended, slow])).toBe(0);
    await expect(fetch(`${bank.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('ends when the shell that npm runs it in is gone', async () => {
    const DATABASE_URL = inSchema(await newSchema());
    const bank = await openBank({ DATABASE_URL, npm_lifecycle_event: 'start' }, { shell: true });
    expect((await call(bank, 'GET /health')).status).toBe(200);

    bank.process.kill('SIGKILL');

    // "ended" waits for the end of its output too, which the program itself holds.
    const slow = sleep(20_000, 'it hangs', { ref: false });
    expect(await Promise.race([bank.ended, slow])).not.toBe('it hangs');
    await expect(fetch(`${bank.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;

    const { code, output } = await closedBank({ DATABASE_URL: inSchema(await newSchema()), PORT: String(port) });

    other.close();
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is taken.`);
  });

  it.each([
    ['production', { NODE_ENV: 'production' }, 'The provider "capturing" is for development'],
    ['one secret for two things', { TOKEN_SECRET, OTP_PEPPER: TOKEN_SECRET }, 'equals another secret'],
  ])('refuses %s', async (_, env, sentence) => {
    const { code, output } = await closedBank({ DATABASE_URL: inSchema(await newSchema()), ...env });

    expect(code).toBe(1);
    expect(output).toContain('Demo Bank did not open. ');
    expect(output).toContain(sentence);
  });

  it.each([
    ['a weak token secret', { TOKEN_SECRET: 'secret' }, 'TOKEN_SECRET must hold at least 32 bytes'],
    ['a port that is none', { PORT: 'http' }, 'PORT must be a number'],
    ['a port beyond the last', { PORT: '65536' }, 'PORT must be a number'],
  ])('refuses %s', (_, env, sentence) => {
    expect(() => readSettings(env)).toThrow(sentence);
  });
});

function expectProblem({ status, headers, body }: Answer, expected: number, code?: string): void {
  expect({ status, type: headers.get('content-type'), cache: headers.get('cache-control') }).toEqual({
    status: expected,
    type: 'application/problem+json; charset=utf-8',
    cache: 'no-store',
  });
  expect(body).toMatchObject({ status: expected, code: code ?? expect.any(String) });
}

function sign(header: object, claims: object, secret = TOKEN_SECRET, hash = 'sha256'): string {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}
