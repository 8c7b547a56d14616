import { createHash } from 'node:crypto';

import { HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OTP_ERROR_CODES, OtpProblemFilter } from 'nestjs-phone-otp';

import { evidence } from '../support/evidence.js';
import { type Answer, headerCallers, post, send } from '../support/http.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';

const HANDLE = '0190b2c1-6f3a-7d86-9b2c-1e3f8f9c2ab1.4pX1vQm0S8mYw3d6m9y2Gg';
const ROUTES = {
  '/otp/start': { phone: '+966512345678', purpose: 'registration' },
  '/otp/resend': { challenge: HANDLE },
  '/otp/verify': { challenge: HANDLE, code: '123456', purpose: 'registration' },
};
type Route = keyof typeof ROUTES;

const LEAVES: [string, unknown][] = [
  ['null', null],
  ['a number', 123456],
  ['true', true],
  ['a list', ['123456']],
  ['an empty list', []],
  ['an object', {}],
  ['a query operator', { $ne: null }],
  ['an object with methods for fields', { toString: 'x', valueOf: 'x', length: 6 }],
  ['an empty string', ''],
  ['a NUL', '\u0000'],
  ['a long string', 'x'.repeat(5000)],
];

const UNKNOWN_FIELDS = [
  'verified',
  'attempts',
  'userId',
  'expiresAt',
  'subject',
  'client',
  'constructor',
  'x'.repeat(99),
];

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the ready-made routes on %s, with the problem filter also made global', (_, adapter) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: adapter(),
      routes: { prefix: 'otp' },
      metadata: { providers: [headerCallers] },
      configure: (app) => app.useGlobalFilters(new OtpProblemFilter(app.get(HttpAdapterHost))),
    });
  });
  afterAll(() => fixture.close());

  const routes = Object.entries(ROUTES) as [Route, Record<string, string>][];

  let stored = 0;
  beforeEach(async () => (stored = (await fixture.rows('otp_challenges')).length));

  async function refused(answer: Promise<Answer>, status: number | number[], secrets: string[] = []) {
    const { status: got, headers, json, text } = await answer;
    expect([status].flat()).toContain(got);
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toMatchObject({ status: got, code: expect.any(String), title: expect.any(String) });
    expect([...OTP_ERROR_CODES, 'not_found', 'content_too_large', 'unsupported_media_type']).toContain(json.code);
    expect(json.type).toBe(`urn:nestjs-phone-otp:problem:${json.code as string}`);
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text.length).toBeLessThan(500);
    expect(await fixture.rows('otp_challenges')).toHaveLength(stored);
  }

  describe.each(routes)('%s', (path, body) => {
    it.each(LEAVES)('SEC-55 refuses %s in every field', async (_name, leaf) => {
      for (const field of Object.keys(body)) {
        // A text of the right type may be refused for its content, but it is refused.
        await refused(post(fixture.app, path, { ...body, [field]: leaf }), 400);
      }
    });

    it('SEC-53 refuses an unknown field without repeating it', async () => {
      for (const field of UNKNOWN_FIELDS) {
        const value = 'a-value-of-the-caller';
        await refused(post(fixture.app, path, { ...body, [field]: value }), 400, [value, 'x'.repeat(99)]);
      }
    });

    it('SEC-53 refuses a body that lacks a field', async () => {
      for (const field of Object.keys(body)) {
        const { [field]: _left, ...rest } = body;
        await refused(post(fixture.app, path, rest), 400);
      }
    });

    it.each([
      ['null', 'null'],
      ['a string', '"123456"'],
      ['a number', '5'],
      ['true', 'true'],
      ['an empty list', '[]'],
      ['a list of bodies', JSON.stringify([body])],
      ['an empty object', '{}'],
      ['nothing', ''],
    ])('SEC-55 refuses %s as a body', async (_name, raw) => {
      await refused(post(fixture.app, path, raw), 400);
    });

    it.each([
      ['an own __proto__', `{"__proto__":{"verified":true},${JSON.stringify(body).slice(1)}`],
      [
        'a constructor with a prototype',
        `{"constructor":{"prototype":{"verified":true}},${JSON.stringify(body).slice(1)}`,
      ],
    ])('SEC-56 refuses %s', async (_name, raw) => {
      await refused(post(fixture.app, path, raw), 400);

      expect(({} as { verified?: boolean }).verified).toBeUndefined();
    });

    it.each(['{"phone":', '{phone:1}', '{"code":"123456"', '\u0000', '{"a":1}{"a":1}', '{"code":"123456",}'])(
      'SEC-55 refuses the malformed %j without repeating it',
      async (raw) => {
        await refused(post(fixture.app, path, raw), 400, ['123456', '{phone', 'JSON at position']);
      },
    );

    it.each([
      ['a form', 'application/x-www-form-urlencoded', 'code=1&code=2'],
      ['text', 'text/plain', JSON.stringify(body)],
      ['almost JSON', 'application/jsonp', JSON.stringify(body)],
      ['XML', 'application/xml', '<code>1</code>'],
      ['a multipart form', 'multipart/form-data; boundary=x', '--x--'],
      ['no known type', 'junk', JSON.stringify(body)],
    ])('SEC-55 refuses %s', async (_name, type, raw) => {
      await refused(post(fixture.app, path, raw, { 'content-type': type }), 415);
    });

    it('refuses a body over the limit, whether or not it declares its size', async () => {
      const large = JSON.stringify({ ...body, more: 'x'.repeat(11_000) });
      const huge = JSON.stringify({ ...body, more: 'x'.repeat(2 << 20) });

      await refused(post(fixture.app, path, large), 413);
      await refused(post(fixture.app, path, huge), 413);
      await refused(chunked(path, large), [400, 413]);
      await refused(chunked(path, huge), 413);
    });

    it('SEC-34 cannot be reached by GET, so that no code appears in a URL', async () => {
      const query = new URLSearchParams(body).toString();

      await refused(send(fixture.app, `${path}?${query}`), 404, ['123456', '+966512345678']);
      await refused(send(fixture.app, `${path}?${query}`, { method: 'POST' }), [400, 415]);
    });
  });

  function chunked(path: string, body: string): Promise<Answer> {
    const stream = new Blob([body]).stream();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: stream, duplex: 'half' };
    return send(fixture.app, path, init as RequestInit);
  }

  it('SEC-53 refuses a purpose outside its own list, naming the field', async () => {
    for (const purpose of ['constructor', '__proto__', 'Registration', 'other']) {
      const answer = await post(fixture.app, '/otp/start', { ...ROUTES['/otp/start'], purpose });

      expect(answer.json).toMatchObject({ code: 'request_invalid', detail: expect.stringContaining('"purpose"') });
    }
  });

  it('starts no purpose of the host, and none of an account without one', async () => {
    const start = (purpose: string) => post(fixture.app, '/otp/start', { ...ROUTES['/otp/start'], purpose });

    for (const purpose of ['transaction', 'second_factor']) await refused(start(purpose), 400);
    for (const purpose of ['verify_number', 'change_number']) {
      const answer = await start(purpose);
      expect(answer.json.code).toBe('sign_in_required');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });
});

describe('the ready-made routes', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { sendsPerAddressPerHour: 20 },
      metadata: { providers: [headerCallers] },
    });
  });
  afterAll(() => fixture.close());
  afterEach(() => fixture.elapse(3601));

  const start = (body: object, headers = {}) =>
    post(fixture.app, '/otp/start', { purpose: 'registration', ...body }, headers);

  it('SEC-15 take the phone from the challenge and refuse one at verify', async () => {
    const phone = newPhone();
    const { json } = await start({ phone });
    const code = await fixture.codeFor(phone);
    const request = { challenge: json.challenge, code, purpose: 'registration' };

    const refused = await post(fixture.app, '/otp/verify', { ...request, phone: newPhone() });
    const verified = await post(fixture.app, '/otp/verify', request);

    expect(refused).toMatchObject({ status: 400, json: { code: 'request_invalid' } });
    expect(verified.status).toBe(200);
    await expect(
      fixture.grants.consume(verified.json.grant as string, { purpose: 'registration' }),
    ).resolves.toMatchObject({ phone });
  });

  it('SEC-16 do not verify a phone and its right code without the challenge', async () => {
    const phone = newPhone();
    await start({ phone });
    const code = await fixture.codeFor(phone);

    const answers = [
      await post(fixture.app, '/otp/verify', { code, purpose: 'registration' }),
      await post(fixture.app, '/otp/verify', { phone, code, purpose: 'registration' }),
      await post(fixture.app, '/otp/verify', { challenge: phone, code, purpose: 'registration' }),
    ];

    expect(answers.map(({ status, json }) => [status, json.code])).toEqual([
      [400, 'request_invalid'],
      [400, 'request_invalid'],
      [400, 'otp_unavailable'],
    ]);
  });

  it('SEC-16 bind a challenge to the account and session that started it', async () => {
    const phone = newPhone();
    const mine = { 'x-account': 'a', 'x-session': '1' };
    const { json } = await start({ phone, purpose: 'verify_number' }, mine);
    const code = await fixture.codeFor(phone);
    const verify = (headers: Record<string, string>) =>
      post(fixture.app, '/otp/verify', { challenge: json.challenge, code, purpose: 'verify_number' }, headers);

    expect((await verify({})).json.code).toBe('sign_in_required');
    expect((await verify({ 'x-account': 'b', 'x-session': '1' })).json.code).toBe('otp_unavailable');
    expect((await verify({ 'x-account': 'a', 'x-session': '2' })).json.code).toBe('otp_unavailable');
    expect((await verify(mine)).status).toBe(200);
  });

  it('SEC-20 count a client under one address, whatever address it claims', async () => {
    const codes = [];
    for (let n = 0; n < 100; n++) {
      const address = Array.from({ length: 4 }, () => Math.floor(Math.random() * 256)).join('.');
      const forged = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` };
      codes.push((await start({ phone: newPhone() }, forged)).json.code ?? 'started');
    }

    expect(codes.filter((code) => code === 'started')).toHaveLength(20);
    expect(codes.slice(20)).toEqual(Array(80).fill('otp_too_soon'));
    evidence('SEC-20', { startsWithForgedAddresses: 100, cap: 20, started: 20 });
  });

  it('SEC-34 SEC-35 keep every answer out of caches and whole numbers out of every answer', async () => {
    const phone = newPhone();
    const started = await start({ phone });
    const code = await fixture.codeFor(phone);
    const verified = await post(fixture.app, '/otp/verify', {
      challenge: started.json.challenge,
      code,
      purpose: 'registration',
    });
    const answers = [started, verified, await post(fixture.app, '/otp/resend', { challenge: started.json.challenge })];

    for (const { headers, text } of answers) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(text).not.toContain(phone.slice(1));
      expect(text).not.toContain(code);
    }
    expect(Object.keys(started.json)).toEqual(['challenge', 'phone', 'expiresAt', 'resendAt', 'codeLength']);
    expect(started.json.phone).toMatch(/^\+966\*+\d\d$/);
    expect(Object.keys(verified.json)).toEqual(['grant', 'expiresAt']);
    const secret = Buffer.from(verified.json.grant as string, 'base64url').subarray(16); // after the id of the row
    expect(createHash('sha256').update(secret).digest()).toEqual((await fixture.rows('otp_grants')).at(-1)!.hash);
  });
});

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the ready-made routes on %s, where the application keeps raw bodies,', (_, adapter) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await otpFixture({ adapter: adapter(), routes: { prefix: 'otp' }, rawBody: true });
  });
  afterAll(() => fixture.close());

  const start = (raw: string) => post(fixture.app, '/otp/start', raw);

  it.each([
    ['twice', '{"phone":"+966512345678","phone":"+966512345679","purpose":"registration"}'],
    ['twice, once in another spelling', '{"phone":"+966512345678","purpose":"login","purpos\\u0065":"registration"}'],
    ['twice, with spaces', '{"phone" : "+966512345678", "phone"\n:\t"+966512345678", "purpose":"registration"}'],
  ])('SEC-55 refuse a body that contains a field %s', async (_name, raw) => {
    expect(await start(raw)).toMatchObject({ status: 400, json: { code: 'request_invalid' } });
    expect(fixture.sms.messages()).toEqual([]);
  });

  it('SEC-55 accept a body whose values only look like fields', async () => {
    const { status, json } = await start(
      JSON.stringify({ phone: newPhone(), purpose: 'registration', locale: 'a":"b' }),
    );

    expect([status, json.code]).toEqual([202, undefined]);
  });
});
