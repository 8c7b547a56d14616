import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { User } from '../../demo/bank/user.entity.js';
import { readSettings } from '../../demo/settings.js';
import { bearer, call, closedBank, expectProblem, openBank, withGrant } from '../support/bank.js';
import { Branch, claimsOf } from '../support/branch.js';
import { newSchema, urlInSchema } from '../support/database.js';
import { newPhone } from '../support/otp-fixture.js';

const TOKEN_SECRET = 'signs-the-tokens-of-this-test-0123456789-abcdefg';
const SARA = { name: 'Sara', password: 'correct horse battery' };

describe('the demo bank', () => {
  let branch: Branch;
  beforeAll(async () => (branch = await Branch.open({ TOKEN_SECRET })));
  afterAll(() => branch?.close());

  const register = (grant: string, body: unknown = SARA) =>
    branch.call('POST /auth/register', { headers: withGrant(grant), body });
  const logIn = (grant: string) => branch.call('POST /auth/login', { headers: withGrant(grant) });

  it('opens an account for a phone typed in Arabic digits, and lets it log in again', async () => {
    const started = await branch.start('0512345678', 'registration');
    expect(started).toMatchObject({ status: 202, body: { phone: '+966*******78', codeLength: 6 } });
    const inbox = await branch.call('GET /demo/inbox?phone=+966512345678');
    expect(inbox.body.messages).toEqual([
      { id: expect.any(Number), to: '+966512345678', text: expect.any(String), sentAt: expect.any(String) },
    ]);
    const code = (await branch.nextCode('+966512345678')).replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!);
    const { challenge } = started.body;
    const verified = await branch.call('POST /otp/verify', { body: { challenge, code, purpose: 'registration' } });
    expect(verified).toMatchObject({ status: 200, body: { grant: expect.any(String), expiresAt: expect.any(String) } });
    const registered = await register(verified.body.grant);
    expect(registered).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } });

    await branch.elapse(31);
    const grant = await branch.grantFor('+966512345678', 'login');
    const loggedIn = await logIn(grant);

    expect(loggedIn).toMatchObject({ status: 200, body: { accessToken: expect.any(String) } });
    const whoIs = await branch.me(loggedIn.body.accessToken);
    expect(whoIs).toMatchObject({ status: 200, body: { name: 'Sara', phone: '+966*******78', amr: ['otp', 'sms'] } });
    expect((await branch.me(registered.body.accessToken)).body.id).toBe(whoIs.body.id);
    const again = await logIn(grant);
    expectProblem(again, 401, 'grant_invalid');
  });

  it('logs in with challenge and code in one call', async () => {
    const phone = newPhone();
    await branch.signUp({ phone });
    const { challenge } = (await branch.start(phone, 'login')).body;

    const { status, body } = await branch.call('POST /auth/login', {
      body: { challenge, code: await branch.nextCode(phone) },
    });

    expect(status).toBe(200);
    expect(await branch.me(body.accessToken)).toMatchObject({ status: 200, body: { name: 'Sara' } });
  });

  it('refuses a second account for a number, stores nothing, and does not spend the grant', async () => {
    const phone = newPhone();
    await branch.signUp({ phone });
    const grant = await branch.grantFor(phone, 'registration');
    const before = await branch.dataSource.manager.count(User);

    expectProblem(await register(grant, { ...SARA, name: 'Mallory' }), 409, 'phone_already_activated');

    // Still 409 and not 401: the rollback of the transaction returned the grant.
    expectProblem(await register(grant), 409, 'phone_already_activated');
    expect(await branch.dataSource.manager.count(User)).toBe(before);
  });

  it('answers an unknown number like a known one and lets nobody in', async () => {
    const phone = newPhone();
    const started = await branch.start(phone, 'login');

    expect(started.status).toBe(202);
    const inbox = await branch.call(`GET /demo/inbox?phone=${phone}`);
    expect(inbox.body.messages).toEqual([]);
    const { challenge } = started.body;
    const login = await branch.call('POST /auth/login', { body: { challenge, code: '123456' } });
    expectProblem(login, 400, 'otp_invalid');
  });

  it('accepts a grant for its own purpose only', async () => {
    const grant = await branch.grantFor(newPhone(), 'registration');

    const login = await logIn(grant);

    expectProblem(login, 401, 'grant_invalid');
    expect((await register(grant)).status).toBe(201);
  });

  it('sends a code to verify a number only for a signed-in customer', async () => {
    const { token } = await branch.signUp();
    const body = { phone: newPhone(), purpose: 'verify_number' };

    const anonymous = await branch.call('POST /otp/start', { body });
    const signedIn = await branch.call('POST /otp/start', { body, headers: bearer(token) });

    expectProblem(anonymous, 401, 'sign_in_required');
    expect(signedIn.status).toBe(202);
    const { challenge } = signedIn.body;
    const verify = { challenge, code: await branch.nextCode(body.phone), purpose: 'verify_number' };
    expectProblem(await branch.call('POST /otp/verify', { body: verify }), 401, 'sign_in_required');
    expect((await branch.call('POST /otp/verify', { body: verify, headers: bearer(token) })).status).toBe(200);
  });

  it('stores passwords as Argon2id hashes', async () => {
    await branch.signUp();

    const users = await branch.dataSource.manager.find(User);

    for (const { passwordHash } of users) expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('rejects a session that has ended', async () => {
    const { token } = await branch.signUp();
    expect((await branch.me(token)).status).toBe(200);

    await branch.dataSource.query('UPDATE bank_sessions SET ended_at = now()');

    const answer = await branch.me(token);
    expectProblem(answer, 401, 'sign_in_required');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  describe('an access token of the demo bank', () => {
    let claims: Record<string, unknown>;
    let grant: string;
    const header = { alg: 'HS256', typ: 'at+jwt' };
    beforeAll(async () => {
      claims = claimsOf((await branch.signUp()).token);
      grant = await branch.grantFor(newPhone(), 'registration');
    });

    const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
    const forgeries: Record<string, () => string> = {
      'no token at all': () => '',
      'not a token': () => 'abc',
      'a grant': () => grant,
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

    it.each(Object.keys(forgeries))('SEC-40: is rejected when forged: %s', async (name) => {
      expectProblem(await branch.me(forgeries[name]!()), 401, 'sign_in_required');
    });

    it('SEC-40: is rejected as a grant', async () => {
      const token = sign(header, claims);

      expectProblem(await logIn(token), 401, 'grant_invalid');
      expectProblem(await register(token), 401, 'grant_invalid');
    });

    it('is accepted when genuine', async () => {
      expect((await branch.me(sign(header, claims))).status).toBe(200);
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
    ['a code that is null', 'POST /auth/login', { challenge: 'x', code: null }],
    ['an invalid code', 'POST /auth/login', { challenge: 'x', code: 'abc' }],
    ['an invalid phone', 'POST /otp/start', { phone: '123', purpose: 'login' }],
    ['a phone of an unserved region', 'POST /otp/start', { phone: '+4915112345678', purpose: 'login' }],
    ['a purpose of the bank itself', 'POST /otp/start', { phone: '0512345678', purpose: 'transaction' }],
    ['an unknown purpose', 'POST /otp/start', { phone: '0512345678', purpose: 'constructor' }],
    ['an invalid phone', 'GET /demo/inbox?phone=abc', undefined],
    ['two phones', 'GET /demo/inbox?phone=1&phone=2', undefined],
  ])('rejects %s: %s', async (_, route, body) => {
    const answer = await branch.call(route, { body });

    expectProblem(answer, 400);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a challenge without code', { challenge: 'x' }],
    ['an array', []],
  ])('rejects a login with %s', async (_, body) => {
    expectProblem(await branch.call('POST /auth/login', { body }), 401, 'grant_required');
  });

  it('rejects a body of more than 10 KiB', async () => {
    expectProblem(await branch.call('POST /auth/login', { body: { challenge: 'x'.repeat(10_240) } }), 413);
  });

  it('answers an unknown path with a problem and discloses nothing about the server', async () => {
    const answer = await branch.call('GET /nothing');

    expectProblem(answer, 404, 'not_found');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('reports its health and describes its API', async () => {
    expect(await branch.call('GET /health')).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { database: { status: 'up' } } },
    });
    expect((await branch.call('GET /docs')).body).toContain('swagger-ui');
    const { paths, components } = (await branch.call('GET /docs-json')).body;
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.toSorted()).toEqual([
      'DELETE /auth/devices/{id}',
      'DELETE /auth/sessions/{id}',
      'GET /auth/devices',
      'GET /auth/recovery-codes',
      'GET /auth/sessions',
      'GET /demo/events',
      'GET /demo/inbox',
      'GET /demo/vendors',
      'GET /demo/wire',
      'GET /health',
      'GET /me',
      'GET /transfers',
      'GET /transfers/{id}',
      'POST /auth/login',
      'POST /auth/logout',
      'POST /auth/password/login',
      'POST /auth/password/login/recovery',
      'POST /auth/password/reset',
      'POST /auth/recovery-codes',
      'POST /auth/recovery-codes/replace',
      'POST /auth/recovery-codes/use',
      'POST /auth/register',
      'POST /demo/faults',
      'POST /demo/vendors',
      'POST /numbers/change',
      'POST /otp/resend',
      'POST /otp/start',
      'POST /otp/verify',
      'POST /transfers',
      'POST /transfers/{id}/confirm',
    ]);
    const answer = paths['/otp/start'].post.responses['202'].content['application/json'].schema;
    expect(answer).toEqual({ $ref: '#/components/schemas/StartedDto' });
    expect(components.schemas.StartDto.required).toEqual(['phone', 'purpose']);
    expect(paths['/auth/register'].post.parameters).toMatchObject([{ name: 'OTP-Grant', in: 'header' }]);
    expect(paths['/transfers/{id}/confirm'].post).toMatchObject({
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: 'id', in: 'path' }),
        expect.objectContaining({ name: 'OTP-Grant', in: 'header', required: false }),
      ]),
      security: [{ bearer: [] }],
    });
    expect(paths['/me'].get.security).toEqual([{ bearer: [] }]);
    expect(paths['/auth/login'].post.security).toEqual([{}, { bearer: [] }]);
  });

  it('has migrations that match its entities', async () => {
    const { upQueries } = await branch.dataSource.driver.createSchemaBuilder().log();

    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });
});

describe('the program of the demo bank', () => {
  it('needs no settings and ends on SIGTERM with its PostgreSQL', async () => {
    const bank = await openBank({ DATABASE_URL: '' });
    expect((await call(bank, 'GET /health')).status).toBe(200);

    bank.process.kill('SIGTERM');

    const slow = sleep(20_000, 'it hangs', { ref: false });
    expect(await Promise.race([bank.ended, slow])).toBe(0);
    await expect(fetch(`${bank.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('ends when the shell in which npm runs it is gone', async () => {
    const DATABASE_URL = urlInSchema(await newSchema());
    const bank = await openBank({ DATABASE_URL, npm_lifecycle_event: 'start' }, { shell: true });
    expect((await call(bank, 'GET /health')).status).toBe(200);

    bank.process.kill('SIGKILL');

    // "ended" also waits for the end of its output, which the program itself holds open.
    const slow = sleep(20_000, 'it hangs', { ref: false });
    expect(await Promise.race([bank.ended, slow])).not.toBe('it hangs');
    await expect(fetch(`${bank.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('reports a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;

    const { code, output } = await closedBank({ DATABASE_URL: urlInSchema(await newSchema()), PORT: String(port) });

    other.close();
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is taken.`);
  });

  it.each([
    ['production', { NODE_ENV: 'production' }, 'The provider "capturing" is for development only'],
    ['one secret for two things', { TOKEN_SECRET, OTP_PEPPER: TOKEN_SECRET }, 'equals another secret'],
  ])('refuses %s', async (_, env, sentence) => {
    const { code, output } = await closedBank({ DATABASE_URL: urlInSchema(await newSchema()), ...env });

    expect(code).toBe(1);
    expect(output).toContain('Demo Bank did not open. ');
    expect(output).toContain(sentence);
  });

  it.each([
    ['a weak token secret', { TOKEN_SECRET: 'secret' }, 'TOKEN_SECRET must have at least 32 bytes'],
    ['an invalid port', { PORT: 'http' }, 'PORT must be a number'],
    ['a port beyond the last', { PORT: '65536' }, 'PORT must be a number'],
  ])('refuses %s', (_, env, sentence) => {
    expect(() => readSettings(env)).toThrow(sentence);
  });
});

function sign(header: object, claims: object, secret = TOKEN_SECRET, hash = 'sha256'): string {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}
