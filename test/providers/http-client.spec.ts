import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';

import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  HttpClient,
  type HttpClientOptions,
  type HttpExchange,
  type HttpRequest,
  Secret,
} from 'nestjs-phone-otp/provider-kit';
import { type VendorReaction, VendorSimulator } from 'nestjs-phone-otp/simulators';

import { evidence } from '../support/evidence.js';
import { selfSigned } from '../support/self-signed.js';

/** A vendor that accepts every request. */
class AcceptingVendor extends VendorSimulator {
  protected react(): VendorReaction {
    return { body: '{"ok":1}' };
  }
}

const KEY = 'canary-key/with+signs==';
const MiB = 1024 * 1024;

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('HttpClient', () => {
  const closing: (() => unknown)[] = [];
  let vendor: AcceptingVendor;

  beforeEach(async () => {
    vendor = await new AcceptingVendor().start();
    closing.push(() => vendor.stop());
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });

  const clientOf = (options: HttpClientOptions = {}) =>
    new HttpClient('acme', { baseUrl: vendor.url, testMode: true, ...options });

  /** The reply to one call. */
  async function call(client = clientOf(), request: Partial<HttpRequest> = {}, signal = AbortSignal.timeout(5_000)) {
    const { reply } = await client.exchange({ path: '/send', json: {}, ...request }, { signal }, (reply) => ({
      outcome: reply.kind,
      reply,
    }));
    return reply;
  }

  /** A server for responses that no simulator can produce. */
  async function serve(listener: RequestListener, server: Server = createServer(listener)): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('posts JSON and returns status, headers and text of the response', async () => {
    vendor.fault({ kind: 'answer', status: 201, headers: { 'v-signature': 'abc' }, body: 'نعم' });

    const reply = await call(clientOf(), { bearer: new Secret(KEY), headers: { 'x-app': '1' }, json: { a: ['ب'] } });

    expect(reply).toMatchObject({ kind: 'answer', status: 201, text: 'نعم', retryAfterSeconds: undefined });
    expect(reply.kind === 'answer' && reply.headers.get('v-signature')).toBe('abc');
    expect(vendor.requests).toMatchObject([
      {
        method: 'POST',
        path: '/send',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'x-app': '1' },
        body: '{"a":["ب"]}',
      },
    ]);
  });

  it('posts a form', async () => {
    await call(clientOf(), { json: undefined, form: { apiKey: new Secret(KEY), text: 'سطر\r\nline' } });

    const [{ bytes, headers }] = vendor.requests as [(typeof vendor.requests)[0]];
    const form = await new Response(bytes, { headers: { 'content-type': headers['content-type']! } }).formData();
    expect([...form]).toEqual([
      ['apiKey', KEY],
      ['text', 'سطر\r\nline'],
    ]);
  });

  it('posts URL-encoded fields', async () => {
    await call(clientOf(), { json: undefined, urlencoded: { To: '+966512345678', Code: new Secret('12 34') } });

    expect(vendor.requests).toMatchObject([
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'To=%2B966512345678&Code=12+34' },
    ]);
  });

  it.each(['GET', 'DELETE'] as const)('sends a %s without a body', async (method) => {
    await call(clientOf(), { method, json: undefined, path: '/status' });

    expect(vendor.requests).toMatchObject([{ method, path: '/status', body: '' }]);
  });

  it('passes an adapter the JSON exactly as sent, to sign it', async () => {
    await call(clientOf(), { json: { code: new Secret('1234') }, sign: (json) => ({ 'v-signature': `over ${json}` }) });

    expect(vendor.requests).toMatchObject([
      { body: '{"code":"1234"}', headers: { 'v-signature': 'over {"code":"1234"}' } },
    ]);
  });

  it('SEC-59: makes 1,000 calls over few connections', async () => {
    const client = clientOf();
    for (let made = 0; made < 1_000; made++) await call(client);

    expect(vendor.requests).toHaveLength(1_000);
    expect(vendor.connections).toBeLessThanOrEqual(4);
  });

  describe('base URL', () => {
    const accepted = (options: HttpClientOptions) => () =>
      new HttpClient('acme', options as HttpClientOptions & { baseUrl: string });

    it.each(['https://api.example.com', 'https://api.example.com:8443/gateway/', 'https://8.8.8.8'])(
      'SEC-59 takes %s',
      (baseUrl) => {
        expect(accepted({ baseUrl })).not.toThrow();
      },
    );

    it.each(['http://127.0.0.1:3000', 'http://localhost', 'http://[::1]:3000', 'https://2130706433', 'https://0x7f.1'])(
      'SEC-59 takes %s in test mode only',
      (baseUrl) => {
        expect(accepted({ baseUrl, testMode: true })).not.toThrow();
        expect(accepted({ baseUrl })).toThrow(/^"baseUrl" must .*"testMode"/);
        expect(accepted({ baseUrl, testMode: 'false' as never })).toThrow(/testMode/);
      },
    );

    it.each([
      ['http://api.example.com', /must begin with "https:\/\/"/],
      ['ftp://api.example.com', /absolute URL/],
      ['api.example.com', /absolute URL/],
      ['', /absolute URL/],
      [undefined, /absolute URL/],
      ['https://api.example.com\r\nx', /absolute URL/],
      ['https:\\\\api.example.com', /absolute URL/],
      ['https://user:canary@api.example.com', /user name or password/],
      ['https://canary@api.example.com', /user name or password/],
      ['https://api.example.com/?key=canary', /query or fragment/],
      ['https://api.example.com/?', /query or fragment/],
      ['https://api.example.com/#canary', /query or fragment/],
      ['https://10.0.0.1', /public host/],
      ['https://172.16.0.1', /public host/],
      ['https://192.168.1.1', /public host/],
      ['https://169.254.169.254', /public host/],
      ['https://100.64.0.1', /public host/],
      ['https://0.0.0.0', /public host/],
      ['https://[::]', /public host/],
      ['https://[fe80::1]', /public host/],
      ['https://[fd00::1]', /public host/],
      ['https://[::ffff:10.0.0.1]', /public host/],
      ['https://[64:ff9b::a00:1]', /public host/],
      ['https://127.0.0.2', /public host/],
      ['https://localhost.', /public host/],
      ['https://vendor.localhost', /public host/],
    ])('SEC-59: refuses %j, even in test mode', (baseUrl, message) => {
      for (const testMode of [false, true]) {
        const error = thrownBy(accepted({ baseUrl, testMode }));
        expect(error).toMatchObject({ name: 'OtpConfigError', message: expect.stringMatching(/^"baseUrl" must /) });
        expect(error.message).toMatch(message);
        expect(inspect(error)).not.toContain('canary');
      }
    });

    it.each(['fetch', 'onExchange'])('refuses a "%s" that is not a function', (option) => {
      expect(accepted({ baseUrl: 'https://api.example.com', [option]: 'yes' })).toThrow(`"${option}" must be`);
    });

    it('SEC-59: keeps the path prefix of a gateway', async () => {
      await call(clientOf({ baseUrl: `${vendor.url}/gateway/` }));

      expect(vendor.requests).toMatchObject([{ path: '/gateway/send' }]);
    });

    it.each([301, 302, 303, 307, 308] as const)('SEC-59 FLT-14: does not follow a %d redirect', async (status) => {
      const elsewhere = await new AcceptingVendor().start();
      closing.push(() => elsewhere.stop());
      vendor.fault({ kind: 'redirect', status, to: `${elsewhere.url}/send` });

      const reply = await call(clientOf(), { bearer: new Secret(KEY) });

      expect(reply).toEqual({ kind: 'ambiguous', cause: 'REDIRECT' });
      expect(elsewhere.connections).toBe(0);
    });

    it.each([
      ['followed a redirect', { redirected: true, status: 200 }],
      ['returns a redirect', { redirected: false, status: 307 }],
    ])('SEC-59 FLT-14: refuses the response of a custom fetch that %s', async (_, response) => {
      const custom = async () => ({ headers: new Headers(), body: null, ...response }) as Response;

      expect(await call(clientOf({ fetch: custom }))).toEqual({ kind: 'ambiguous', cause: 'REDIRECT' });
    });

    it('SEC-59: rejects a self-signed certificate', async () => {
      const received: IncomingMessage[] = [];
      const server = createSecureServer(selfSigned(), (request, response) => {
        received.push(request);
        response.end('{}');
      });
      const url = await serve(() => undefined, server);

      const reply = await call(clientOf({ baseUrl: url.replace('http://127.0.0.1', 'https://localhost') }));

      expect(reply).toEqual({ kind: 'not_sent', cause: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expect(received).toEqual([]);
    });
  });

  describe('responses', () => {
    /** The peak memory increase while something runs. */
    async function riseOf(run: () => Promise<unknown>): Promise<number> {
      setFlagsFromString('--expose-gc');
      runInNewContext('gc')();
      const used = () => process.memoryUsage().heapUsed + process.memoryUsage().external;
      const before = used();
      let peak = before;
      const timer = setInterval(() => (peak = Math.max(peak, used())), 2);
      await run();
      clearInterval(timer);
      return Math.max(peak, used()) - before;
    }

    it('SEC-59 FLT-13: stops reading a body of 200 MB', async () => {
      let sent = 0;
      let ended: Promise<unknown> | undefined;
      const url = await serve((_, response) => {
        const chunk = Buffer.alloc(64 * 1024, 'x');
        const more = () => {
          while (sent < 200 * MiB && response.write(chunk)) sent += chunk.length;
        };
        ended = once(response.on('drain', more), 'close');
        more();
      });

      const began = performance.now();
      const rise = await riseOf(async () => {
        expect(await call(clientOf({ baseUrl: url }))).toEqual({ kind: 'ambiguous', cause: 'TOO_LARGE' });
        await ended;
      });

      expect(performance.now() - began).toBeLessThan(4_000); // not only at the time limit
      expect(sent).toBeLessThan(32 * MiB); // what sockets buffer
      expect(rise).toBeLessThan(10 * MiB);
      for (const id of ['SEC-59', 'FLT-13']) evidence(id, { bodyMiB: 200, memory: 'rises by less than 10 MiB' });
    });

    it('SEC-59 FLT-13: stops reading an endless body and can call again', async () => {
      vendor.fault({ kind: 'endless' });
      const rise = await riseOf(async () => {
        const reply = await call(clientOf(), {}, AbortSignal.timeout(1_000));
        expect(reply).toEqual({ kind: 'ambiguous', cause: 'TOO_LARGE' });
      });
      vendor.heal();

      expect(rise).toBeLessThan(10 * MiB);
      expect(await call()).toMatchObject({ kind: 'answer' });
    });

    it('SEC-59 FLT-13: limits the decompressed size of a compressed body', async () => {
      const member = gzipSync(Buffer.alloc(MiB));
      const bomb = Buffer.concat(Array.from({ length: 200 }, () => member));
      const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));

      const rise = await riseOf(async () => {
        expect(await call(clientOf({ baseUrl: url }))).toEqual({ kind: 'ambiguous', cause: 'TOO_LARGE' });
      });

      expect(rise).toBeLessThan(10 * MiB);
    });

    it.each([
      [65_536, 'answer'],
      [65_537, 'ambiguous'],
    ])('reads a body of %d bytes as "%s"', async (bytes, kind) => {
      vendor.fault({ kind: 'answer', body: 'x'.repeat(bytes) });

      expect(await call()).toMatchObject({ kind });
    });

    it.each([{ kind: 'hang' }, { kind: 'drip', everyMs: 20 }, { kind: 'delay', ms: 5_000 }] as const)(
      'SEC-59: stops at the time limit during "$kind"',
      async (fault) => {
        vendor.fault(fault);
        const began = performance.now();

        const reply = await call(clientOf(), {}, AbortSignal.timeout(300));

        expect(reply).toEqual({ kind: 'ambiguous', cause: 'TIMED_OUT' });
        expect(performance.now() - began).toBeLessThan(4_000); // not only when the vendor is done
      },
    );

    it('returns an empty text for a response without a body', async () => {
      vendor.fault({ kind: 'answer', status: 204, body: '' });

      expect(await call()).toMatchObject({ kind: 'answer', status: 204, text: '' });
    });

    const inTwoMinutes = () => new Date(Date.now() + 120_000).toUTCString();
    it.each([
      ['30', 30],
      ['0', 0],
      ['99999999', 86_400],
      ['Wed, 21 Oct 2015 07:28:30 GMT', 30, 'Wed, 21 Oct 2015 07:28:00 GMT'],
      ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
      ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400],
      ['-1', undefined],
      ['1.5', undefined],
      ['soon', undefined],
      ['soon GMT', undefined],
    ])(
      'FLT-11: parses "Retry-After: %s" as %p seconds',
      async (retryAfter, seconds, date = new Date().toUTCString()) => {
        vendor.fault({ kind: 'answer', status: 429, headers: { 'retry-after': retryAfter, date }, body: '' });

        expect(await call()).toMatchObject({ status: 429, retryAfterSeconds: seconds });
      },
    );

    it('FLT-11: parses a "Retry-After" date without a "Date" header', async () => {
      const headers = new Headers({ 'retry-after': inTwoMinutes() });
      const custom = async () => new Response('', { status: 429, headers });

      const reply = await call(clientOf({ fetch: custom }));

      expect(reply.kind === 'answer' && reply.retryAfterSeconds).toBeGreaterThan(115);
      expect(reply.kind === 'answer' && reply.retryAfterSeconds).toBeLessThanOrEqual(120);
    });
  });

  describe('faults', () => {
    it('FLT-08: classifies a refused connection as "not_sent"', async () => {
      await vendor.stop();

      expect(await call()).toEqual({ kind: 'not_sent', cause: 'ECONNREFUSED' });
      expect(await call(clientOf({ baseUrl: vendor.url.replace('127.0.0.1', 'localhost') }))).toEqual({
        kind: 'not_sent',
        cause: 'ECONNREFUSED',
      });
    });

    it('FLT-08: classifies an unknown host as "not_sent"', async () => {
      const reply = await call(clientOf({ baseUrl: 'https://redirect.invalid' }));

      expect(reply).toEqual({ kind: 'not_sent', cause: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    });

    it('makes no call after the deadline', async () => {
      expect(await call(clientOf(), {}, AbortSignal.abort())).toEqual({ kind: 'not_sent', cause: 'TIMED_OUT' });
      expect(vendor.connections).toBe(0);
    });

    it('FLT-07: classifies a lost connection as "ambiguous" and never repeats the request', async () => {
      await call(); // a retry would be likely on a kept-alive connection
      vendor.fault({ kind: 'reset' });

      expect(await call()).toEqual({ kind: 'ambiguous', cause: 'UND_ERR_SOCKET' });
      expect(vendor.requests).toHaveLength(2);
    });

    const failed = (cause: unknown) => Object.assign(new TypeError('fetch failed'), { cause });
    const refused = { code: 'ECONNREFUSED', syscall: 'connect' };
    it.each([
      ['not_sent', 'ECONNREFUSED', failed({ code: 'ECONNREFUSED', errors: [refused, refused] })],
      ['ambiguous', 'ECONNREFUSED', failed({ code: 'ECONNREFUSED', errors: [refused, { code: 'ECONNRESET' }] })],
      ['not_sent', 'EHOSTUNREACH', failed({ code: 'EHOSTUNREACH', syscall: 'connect' })],
      ['ambiguous', 'EHOSTUNREACH', failed({ code: 'EHOSTUNREACH', syscall: 'read' })],
      ['not_sent', 'UND_ERR_CONNECT_TIMEOUT', failed({ code: 'UND_ERR_CONNECT_TIMEOUT' })],
      ['not_sent', 'ECONNREFUSED', { name: 'FetchError', code: 'ECONNREFUSED' }],
      ['ambiguous', 'ECONNRESET', failed({ code: 'ECONNRESET', syscall: 'read' })],
      ['ambiguous', 'UND_ERR_HEADERS_TIMEOUT', failed({ code: 'UND_ERR_HEADERS_TIMEOUT' })],
      ['ambiguous', 'TypeError', new TypeError('no cause')],
      ['ambiguous', 'FAILED', { name: `quotes ${KEY}` }],
      ['ambiguous', 'FAILED', null],
    ])('FLT-08: classifies a fault as "%s" with cause %s', async (kind, cause, error) => {
      const custom = () => Promise.reject(error);

      expect(await call(clientOf({ fetch: custom }))).toEqual({ kind, cause });
    });
  });

  describe('exchanges and secrets', () => {
    async function shown(request: Partial<HttpRequest>): Promise<HttpExchange> {
      const exchange = new Promise<HttpExchange>((onExchange) => {
        void call(clientOf({ onExchange }), request);
      });
      return exchange;
    }

    it('sends user and password by RFC 7617 and masks them in the response, escaped or not', async () => {
      const base64 = Buffer.from(`user:${KEY}`).toString('base64');
      vendor.fault({ kind: 'answer', body: JSON.stringify({ basic: base64, key: KEY, user: 'user' }) });

      const { request, response } = await shown({ basic: { user: 'user', password: new Secret(KEY) } });

      expect(vendor.requests[0]!.headers.authorization).toBe(`Basic ${base64}`);
      expect(request.headers).toMatchObject({ authorization: 'Basic [secret]' });
      expect(response).toMatchObject({ body: '{"basic":"[secret]","key":"[secret]","user":"user"}' });
    });

    it('passes each exchange to "onExchange" with its secrets masked', async () => {
      const began = Date.now();
      const exchange = await shown({
        bearer: new Secret(KEY),
        headers: { 'x-key': new Secret(KEY), 'x-app': '1' },
        json: [{ apiKey: new Secret(KEY), numbers: ['966512345678'], activeKey: new Secret('1234') }],
      });

      expect(exchange).toEqual({
        provider: 'acme',
        request: {
          method: 'POST',
          url: `${vendor.url}/send`,
          headers: {
            'content-type': 'application/json',
            'x-key': '[secret]',
            'x-app': '1',
            authorization: 'Bearer [secret]',
          },
          body: '[{"apiKey":"[secret]","numbers":["966512345678"],"activeKey":"[secret]"}]',
        },
        response: { status: 200, body: '{"ok":1}' },
        outcome: 'answer',
        ms: expect.any(Number),
        at: expect.any(Date),
      });
      expect(exchange.at.getTime()).toBeGreaterThanOrEqual(began);
      expect(vendor.requests).toMatchObject([{ body: expect.stringContaining(KEY), headers: { 'x-key': KEY } }]);
    });

    it('SEC-61: masks secret form fields', async () => {
      const { request } = await shown({ json: undefined, form: { apiKey: new Secret(KEY), to: '0501234567' } });

      expect(request.body).toBe('{"apiKey":"[secret]","to":"0501234567"}');
    });

    it.each([
      ['{"to":"1","otp":"123456"}', '{"to":"1","otp":"[secret]"}'],
      ['{"otp" : 123456, "to":"1"}', '{"otp" : "[secret]", "to":"1"}'],
      ['{"data":{"otp":"12\\"3456"}}', '{"data":{"otp":"[secret]"}}'],
      ['{"otp":"1234', '{"otp":"[secret]"'],
    ])('SEC-61: masks a concealed field of the response %s', async (body, masked) => {
      vendor.fault({ kind: 'answer', body });

      const { response } = await shown({ json: {}, conceal: ['otp'] });

      expect(response).toEqual({ status: 200, body: masked });
    });

    it('SEC-61: masks secrets that the response repeats, and nothing else', async () => {
      vendor.fault({
        kind: 'answer',
        body: `{"key":${JSON.stringify(KEY)},"php":"${KEY.replace('/', '\\/')}","code":1234,"to":"966512341234","id":12345}`,
      });

      const { response } = await shown({ bearer: new Secret(KEY), json: { code: new Secret('1234') } });

      expect(response).toEqual({
        status: 200,
        body: '{"key":"[secret]","php":"[secret]","code":[secret],"to":"966512341234","id":12345}',
      });
    });

    it('passes "onExchange" the reason if there is no response', async () => {
      await vendor.stop();

      expect(await shown({})).toMatchObject({
        response: { kind: 'not_sent', cause: 'ECONNREFUSED' },
        outcome: 'not_sent',
      });
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error(KEY);
        },
        [['"onExchange" of acme threw Error']],
      ],
      ['rejects', () => Promise.reject(new Error(KEY)), [['"onExchange" of acme threw Error']]],
      ['never ends', () => new Promise(() => undefined), []],
    ])('FLT-22: is unaffected by an "onExchange" that %s', async (_, onExchange, words) => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
      closing.push(() => logged.mockRestore());

      expect(await call(clientOf({ onExchange }))).toMatchObject({ kind: 'answer' });
      await new Promise(setImmediate);

      expect(logged.mock.calls).toEqual(words);
    });
  });

  describe('Secret', () => {
    const secret = Secret.key(KEY, 'apiKey');

    it('SEC-61: is masked in every representation', () => {
      const shown = [
        String(secret),
        [secret].join(),
        JSON.stringify({ secret }),
        inspect(secret, { showHidden: true, depth: 9 }),
        inspect({ nested: { secret } }),
        inspect(secret, { customInspect: false, showHidden: true }),
        JSON.stringify(Object.entries(secret)),
        JSON.stringify(Object.getOwnPropertyNames(secret)),
        inspect(new HttpClient('acme', { baseUrl: 'https://api.example.com' }), { showHidden: true, depth: 9 }),
      ];

      expect(shown.join('\n')).not.toContain(KEY);
      expect(secret.expose()).toBe(KEY);
    });

    it.each([undefined, null, '', ' ', 'key\r\nX-Admin: 1', 'key\n', ' key', 'ke y', 'kéy', 'key\u0000', 42, {}])(
      'SEC-61 refuses the key %j and does not repeat it',
      (value) => {
        const error = thrownBy(() => Secret.key(value, 'apiKey'));

        expect(error).toMatchObject({ name: 'OtpConfigError' });
        expect(error.message).toMatch(
          /^"apiKey" must be a key of visible ASCII characters: .*Copy it again from the vendor/,
        );
        expect(error.message).not.toMatch(/X-Admin|kéy|ke y|42/);
      },
    );
  });
});
