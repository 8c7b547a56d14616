import { jest } from '@jest/globals';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Logger,
  Post,
  UseFilters,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OtpProblemFilter, OtpService, PhoneAccounts } from 'nestjs-phone-otp';

import { headerCallers, post, send } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

const HANDLE = '0190b2c1-6f3a-7d86-9b2c-1e3f8f9c2ab1.4pX1vQm0S8mYw3d6m9y2Gg';
const purpose = 'registration';
const verify = { challenge: HANDLE, code: '123456', purpose };

/** The filters of a host that puts every error in its own envelope. */
@Catch()
class CatchAll implements ExceptionFilter {
  catch(_error: unknown, context: ArgumentsHost): void {
    const response = context.switchToHttp().getResponse<{ status(code: number): { send(body: string): void } }>();
    response.status(418).send('the envelope of the host');
  }
}

@Controller('host')
class HostController {
  constructor(private readonly otp: OtpService) {}

  @Post('login')
  @UseFilters(OtpProblemFilter)
  login(@Body() body: never) {
    return this.otp.verify(body);
  }

  @Get('broken')
  broken(): never {
    throw new Error('of the host alone');
  }
}

const ADAPTERS = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;
const HOSTS = [
  ['no filter of the host', {}],
  ['a catch-all by useGlobalFilters', { global: true }],
  ['a catch-all as APP_FILTER', { token: true }],
] as const;

describe.each(ADAPTERS.flatMap(([name, adapter]) => HOSTS.map(([host, how]) => ({ name, host, adapter, how }))))(
  'on $name with $host',
  ({ adapter, how }) => {
    const own = 'global' in how || 'token' in how;
    let fixture: Fixture;
    beforeAll(async () => {
      fixture = await otpFixture({
        adapter: adapter(),
        routes: { prefix: 'otp' },
        metadata: {
          controllers: [HostController],
          providers: [headerCallers, ...('token' in how ? [{ provide: APP_FILTER, useClass: CatchAll }] : [])],
        },
        configure: (app) => 'global' in how && app.useGlobalFilters(new CatchAll()),
      });
    });
    afterAll(() => fixture.close());

    it.each([
      ['of the service', '/otp/verify', verify, 400, 'otp_unavailable'],
      ['of the pipe', '/otp/verify', { ...verify, more: '' }, 400, 'request_invalid'],
      ['for a caller who must sign in', '/otp/verify', { ...verify, purpose: 'transaction' }, 401, 'sign_in_required'],
      ["of the service in the host's own handler", '/host/login', verify, 400, 'otp_unavailable'],
      ["of junk in the host's own handler", '/host/login', { ...verify, code: ['1'] }, 400, 'code_malformed'],
    ])('SEC-33 answers an error %s with a problem', async (_, path, body, status, code) => {
      const answer = await post(fixture.app, path, body);

      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.status).toBe(status);
      expect(answer.json).toMatchObject({ type: `urn:nestjs-phone-otp:problem:${code}`, status, code });
    });

    it('SEC-33 answers an error of the guard with a problem', async () => {
      const answer = await post(fixture.app, '/otp/verify', 'text', { 'content-type': 'text/plain' });

      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(answer.json).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    });

    it('leaves the errors of other routes to the host', async () => {
      const answer = await send(fixture.app, '/host/broken');

      expect(answer.status).toBe(own ? 418 : 500);
      expect(answer.headers.get('content-type')).not.toContain('problem');
    });
  },
);

describe('Retry-After', () => {
  it.each([
    ['the cooldown of a phone', {}, 60],
    ['the hour of a phone', { sendsPerPhonePerHour: 1 }, 3600],
    ['the day of a phone', { sendsPerPhonePerDay: 1 }, 86_400],
    ['the hour of an address', { sendsPerAddressPerHour: 1 }, 3600],
    ['the hour of a prefix', { sendsPerPrefixPerHour: 1 }, 3600],
  ])('SEC-33 reports the wait for %s, after which the next start succeeds', async (what, options, atMost) => {
    const fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { ...options },
    });
    const start = (phone: string) => post(fixture.app, '/otp/start', { phone, purpose });
    const phone = newPhone();
    const next = what.endsWith('phone') ? phone : `${phone.slice(0, -1)}${(Number(phone.slice(-1)) + 1) % 10}`;
    await start(phone);

    const refused = await start(next);
    const retryAfter = Number(refused.headers.get('retry-after'));
    await fixture.elapse(retryAfter - 10);
    const early = await start(next);
    await fixture.elapse(10);
    const started = await start(next);

    expect(refused).toMatchObject({ status: 429, json: { code: 'otp_too_soon', retryAfter } });
    expect(retryAfter).toBeLessThanOrEqual(atMost);
    expect(retryAfter).toBeGreaterThan(atMost - 30);
    expect(early.status).toBe(429);
    expect(started.status).toBe(202);
    expect(refused.headers.get('ratelimit')).toBeNull(); // it is not the caller's own budget
    await fixture.close();
  });

  it('SEC-10 SEC-33 reports the wait of a lockout, after which a new code works', async () => {
    const fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { failuresPerHour: 2 },
    });
    const phone = newPhone();
    const { json } = await post(fixture.app, '/otp/start', { phone, purpose });
    const body = { challenge: json.challenge, code: await fixture.codeFor(phone), purpose };
    const wrong = { ...body, code: wrongCode(body.code) };
    for (let n = 0; n < 2; n++) await post(fixture.app, '/otp/verify', wrong);

    const lockedOut = await post(fixture.app, '/otp/verify', body);
    const retryAfter = Number(lockedOut.headers.get('retry-after'));
    const start = await post(fixture.app, '/otp/start', { phone, purpose });
    await fixture.elapse(retryAfter);
    fixture.sms.clear();
    const again = await post(fixture.app, '/otp/start', { phone, purpose });
    const code = await fixture.codeFor(phone);
    const verified = await post(fixture.app, '/otp/verify', { challenge: again.json.challenge, code, purpose });

    expect(lockedOut).toMatchObject({ status: 429, json: { code: 'locked_out' } });
    expect(start).toMatchObject({ status: 429, json: { code: 'locked_out' } });
    expect(retryAfter).toBeGreaterThan(870);
    expect(retryAfter).toBeLessThanOrEqual(900);
    expect(verified.status).toBe(200);
    await fixture.close();
  });

  it.each(ADAPTERS)(
    'SEC-33 comes with RateLimit headers for an address that verifies too often, on %s',
    async (_, adapter) => {
      const fixture = await otpFixture({
        adapter: adapter(),
        routes: { prefix: 'otp' },
        options: { verifiesPerAddress: 2 },
      });
      for (let n = 0; n < 2; n++) expect((await post(fixture.app, '/otp/verify', verify)).status).toBe(400);

      const { status, json, headers } = await post(fixture.app, '/otp/verify', verify);

      expect([status, json.code]).toEqual([429, 'too_many_requests']);
      const seconds = Number(headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(headers.get('ratelimit-policy')).toBe('"verify";q=2;w=600');
      expect(headers.get('ratelimit')).toBe(`"verify";r=0;t=${seconds}`);
      expect((await post(fixture.app, '/otp/start', { phone: newPhone(), purpose })).status).toBe(202);
      await fixture.close();
    },
  );

  it("stays with the closed route when the throttler's store is gone", async () => {
    const throttlerStorage = { increment: () => Promise.reject(new Error('the store is gone')) };
    const fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { throttlerStorage },
    });

    const answer = await post(fixture.app, '/otp/verify', verify);

    expect(answer).toMatchObject({ status: 503, json: { code: 'service_unavailable', retryAfter: 5 } });
    expect(answer.text).not.toContain('store is gone');
    await fixture.close();
  });
});

describe('an unexpected exception', () => {
  it.each(ADAPTERS)(
    'FLT-23 becomes a bare 500 on %s with an id that the log repeats, and the next call works',
    async (_, adapter) => {
      const accounts = {
        findByPhone: jest.fn<() => Promise<{ id: string }>>().mockRejectedValueOnce(new Error('password=hunter2')),
      };
      accounts.findByPhone.mockResolvedValue({ id: 'account-1' });
      const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const fixture = await otpFixture({
        adapter: adapter(),
        routes: { prefix: 'otp' },
        metadata: { providers: [{ provide: PhoneAccounts, useValue: accounts }] },
      });
      const start = () => post(fixture.app, '/otp/start', { phone: newPhone(), purpose: 'login' });

      const broken = await start();
      const works = await start();

      const { correlationId, ...rest } = broken.json;
      expect(broken.status).toBe(500);
      expect(rest).toEqual({
        type: 'urn:nestjs-phone-otp:problem:internal_server_error',
        title: 'Internal Server Error',
        status: 500,
        code: 'internal_server_error',
      });
      expect(log).toHaveBeenCalledWith(
        `unexpected error, correlation id ${correlationId as string}`,
        expect.stringContaining('problems.spec'),
      );
      expect(works.status).toBe(202);
      expect(await fixture.rows('otp_challenges')).toHaveLength(1);
      await fixture.close();
      log.mockRestore();
    },
  );
});

describe('an error before any route is reached', () => {
  it.each(ADAPTERS)(
    'becomes a problem on %s if the filter is global, otherwise the platform’s own answer',
    async (_, adapter) => {
      for (const global of [true, false]) {
        const fixture = await otpFixture({
          adapter: adapter(),
          routes: { prefix: 'otp' },
          configure: (app) => global && app.useGlobalFilters(new OtpProblemFilter(app.get(HttpAdapterHost))),
        });

        const malformed = await post(fixture.app, '/otp/verify', '{"code":');
        const lost = await send(fixture.app, '/otp/verify?code=123456');

        expect([malformed.status, lost.status]).toEqual([400, 404]);
        expect(malformed.json.code).toBe(global ? 'request_invalid' : undefined);
        expect(lost.json.code).toBe(global ? 'not_found' : undefined);
        await fixture.close();
      }
    },
  );
});
