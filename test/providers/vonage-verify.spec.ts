import { VonageVerify } from 'nestjs-phone-otp/vonage';
import { type SimulatedFault, VonageSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
const ID = 'c11236f4-00bf-4b89-84ba-88b25df97315';
const { incorrect, unavailable, unclear, verified } = receipts;

describe('Vonage Verify', () => {
  const bench = vendorBench(VonageSimulator, VonageVerify, { phone: PHONE, region: 'SA' });
  const { adapter, answer, code, received, wrong } = bench;
  const start = ({ of = bench.provider, phone = PHONE, locale = 'en', ttlSeconds = 300, codeLength = 6 } = {}) =>
    of.start({ ...bench.start(phone), locale, ttlSeconds, codeLength }, within());
  const started = async (options = {}) => (await start(options)).reference!;
  const check = (reference: string | undefined, typed: string) =>
    bench.provider.check({ ...bench.recipient, code: typed, ...(reference !== undefined && { reference }) }, within());

  describe('a verification', () => {
    it('sends a code and accepts it once', async () => {
      const { outcome, reference } = await start();

      expect([outcome, reference]).toEqual(['sent', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      expect(bench.vendor.messages(PHONE)).toMatchObject([{ text: `Acme code: ${code()}. Valid for a short time.` }]);
      await expect(check(reference, wrong())).resolves.toEqual(incorrect);
      await expect(check(reference, code())).resolves.toEqual(verified);
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('sends the documented requests: JSON, with the account by HTTP Basic', async () => {
      const reference = await started();

      const { apiKey, apiSecret } = bench.vendor.access;
      const headers = {
        authorization: `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`,
        'content-type': 'application/json',
      };
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/v2/verify', headers });
      expect(received()).toEqual({
        brand: 'Acme',
        workflow: [{ channel: 'sms', to: '966512345678' }],
        locale: 'en-us',
        channel_timeout: 300,
        code_length: 6,
      });

      await check(reference, '004200');

      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: `/v2/verify/${reference}`, headers });
      expect(received()).toEqual({ code: '004200' });
    });

    it('sends the requested figures and the configured sender', async () => {
      await start({ of: adapter({ from: 'AcmeBank' }), codeLength: 8, ttlSeconds: 90 });

      expect(received()).toMatchObject({
        workflow: [{ channel: 'sms', to: '966512345678', from: 'AcmeBank' }],
        channel_timeout: 90,
        code_length: 8,
      });
      expect(code()).toMatch(/^\d{8}$/);
    });

    it.each([
      [10, 60],
      [3600, 900],
    ])('limits a lifetime of %d s to the vendor’s %d s', async (ttlSeconds, timeout) => {
      await start({ ttlSeconds });

      expect(received()).toMatchObject({ channel_timeout: timeout });
    });

    it.each([
      ['ar-SA', 'ar-xa'],
      ['EN_gb', 'en-gb'],
      ['en', 'en-us'],
      ['es-AR', 'es-es'],
      ['pt-BR', 'pt-br'],
      ['fr', 'fr-fr'],
      ['he', undefined],
      ['', undefined],
    ])('writes for the locale "%s" in %s', async (locale, language) => {
      await start({ locale });

      expect(received().locale).toBe(language);
    });

    it.each([undefined, '', 'short', ID.slice(1), `${ID}0`, `${ID}\n`, `../${ID}`])(
      'requires a new code if the vendor’s id is missing or invalid: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        await bench.provider.cancel({ ...bench.recipient, ...(reference !== undefined && { reference }) }, within());
        expect(bench.vendor.requests).toEqual([]);
      },
    );

    it('cancels a verification, so the number can receive another', async () => {
      const reference = await started();
      await expect(start()).resolves.toMatchObject({ outcome: 'resend_too_soon' });

      await bench.provider.cancel({ ...bench.recipient, reference }, within());

      expect(bench.vendor.requests[0]).toMatchObject({ method: 'DELETE', path: `/v2/verify/${reference}`, body: '' });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('ignores failures of a cancellation', async () => {
      const faults = [{ kind: 'html' }, { kind: 'reset' }, { kind: 'status', status: 404 }] satisfies SimulatedFault[];
      for (const fault of faults) {
        bench.vendor.fault(fault);
        await expect(bench.provider.cancel({ ...bench.recipient, reference: ID }, within())).resolves.toBeUndefined();
      }
    });
  });

  describe('problems', () => {
    bench.itMaps(
      'FLT-10: maps %d "%s" at a start to %j',
      (status: number, title: string) => bench.vendor.answerAlways(status, title),
      () => start(),
      [
        [400, 'Bad Request', { outcome: 'unknown', ambiguous: false }],
        [401, 'Unauthorized', { outcome: 'unauthorized' }],
        [402, 'Low balance', { outcome: 'insufficient_balance' }],
        [403, 'Forbidden', { outcome: 'unauthorized' }],
        [404, 'Not Found', { outcome: 'unknown', ambiguous: false }],
        [409, 'Conflict', { outcome: 'resend_too_soon', retryAfterSeconds: 300 }],
        [422, 'Conflict', { outcome: 'resend_too_soon', retryAfterSeconds: 300 }],
        [422, 'Invalid params', { outcome: 'invalid_number' }],
        [429, 'Rate Limit Hit', { outcome: 'rate_limited' }],
        [500, 'Internal Error', { outcome: 'unknown', ambiguous: true }],
      ],
    );

    bench.itMaps(
      'maps %d "%s" at a check to "%s"',
      (status: number, title: string) => bench.vendor.answerAlways(status, title),
      () => check(ID, '123456'),
      [
        [400, 'Invalid Code', 'incorrect_code'],
        [400, 'Bad Request', 'unknown'],
        [401, 'Unauthorized', 'unauthorized'],
        [402, 'Low balance', 'insufficient_balance'],
        [403, 'Forbidden', 'unauthorized'],
        [404, 'Not Found', 'expired'],
        [409, 'Conflict', 'unknown'],
        [410, 'Invalid Code', 'attempts_exhausted'],
        [422, 'Invalid params', 'unknown'],
        [429, 'Rate Limit Hit', 'rate_limited'],
        [500, 'Internal Error', 'provider_unavailable'],
      ],
    );

    it('are read only from the vendor’s own responses', async () => {
      for (const status of [400, 404, 409, 410, 422]) {
        for (const body of ['<h1>Invalid Code</h1>', '{"message":"Invalid Code"}', '{"title":["Invalid Code"]}', '']) {
          answer(body, status);
          await expect(check(ID, '123456')).resolves.toEqual(unavailable);
          await expect(start()).resolves.toEqual(unclear);
        }
      }
    });

    it('FLT-11: report the vendor’s wait, or else the lifetime of the code', async () => {
      answer({ title: 'Conflict' }, 409, { 'retry-after': '17' });
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 17 });
      answer({ title: 'Conflict' }, 409);
      await expect(start({ ttlSeconds: 90 })).resolves.toMatchObject({ retryAfterSeconds: 90 });
    });
  });

  describe('success', () => {
    const completed = { request_id: ID, status: 'completed' };

    it('SEC-60: accepts the documented response as verified', async () => {
      answer(completed);

      await expect(check(ID, '123456')).resolves.toEqual(verified);
    });

    bench.itReads('SEC-60 FLT-12: does not accept a 200 with %s', () => check(ID, '123456'), unavailable, [
      ['a different request', { ...completed, request_id: ID.replace('c', 'd') }],
      ['no request', { ...completed, request_id: undefined }],
      ['no status', { ...completed, status: undefined }],
      ['a different case', { ...completed, status: 'COMPLETED' }],
      ['a trailing space', { ...completed, status: 'completed ' }],
      ['a list of statuses', { ...completed, status: ['completed'] }],
      ['the status true', { ...completed, status: true }],
      ['a different status', { ...completed, status: 'in_progress' }],
      ['the status of the previous API version', { ...completed, status: '0' }],
      ['an array', [completed]],
      ['a nested object', { data: completed }],
      ['a "__proto__" key', `{"__proto__":${JSON.stringify(completed)}}`],
      ['JSON with trailing characters', `${JSON.stringify(completed)}1`],
      ['HTML', '<h1>completed</h1>'],
      ['an empty body', ''],
    ]);

    bench.itReads(
      'SEC-60: does not accept a success with status %s',
      () => check(ID, '123456'),
      unavailable,
      withStatuses(completed, 201, 202, 206, 299, 400, 404, 418),
    );

    bench.itReads(
      'SEC-60 FLT-12: reports a start with %s as unknown',
      () => start(),
      unclear,
      [
        ['a different status', { request_id: ID }, 200],
        ['no id', {}],
        ['an invalid id', { request_id: 'true' }],
        ['an id that is a path', { request_id: `../${ID}` }],
        ['an id that is a number', { request_id: 1 }],
        ['an array', [{ request_id: ID }]],
        ['HTML', `<h1>${ID}</h1>`],
      ],
      202,
    );

    it('SEC-63: accepts no well-known code', async () => {
      const reference = await started();

      await expect(check(reference, bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('options', () => {
    it('calls the documented URL by default', async () => {
      await expect(bench.defaultUrls((of) => start({ of }))).resolves.toEqual(['https://api.nexmo.com/v2/verify']);
    });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('vonage-verify', 'delegated', {
        correlation: 'provider_id',
        codeLength: [4, 10],
        ttlSeconds: [60, 900],
        maxAttempts: 3,
        resendCooldown: 'ttl',
        languages: expect.arrayContaining(['ar-xa', 'en-us']),
      });
      expect(adapter({ maxAttempts: 5, cooldownSeconds: 60 }).capabilities).toMatchObject({
        maxAttempts: 5,
        resendCooldown: 60,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    bench.itRefusesOptions('apiKey', [
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key:more'],
      ['apiKey', 'key\r\n'],
      ['apiSecret', undefined],
      ['apiSecret', 'two words'],
      ['baseUrl', 'http://api.nexmo.com'],
      ['brand', undefined],
      ['brand', ''],
      ['brand', 'seventeen letters'],
      ['brand', 'Acme\n'],
      ['from', 'Ac'],
      ['from', 'Acme Bank'],
      ['from', '+447700900123'],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['cooldownSeconds', 0],
      ['cooldownSeconds', 'long'],
      ['fetch', 'fetch'],
    ]);
  });

  describe('the simulator', () => {
    it('runs one verification per number until it ends', async () => {
      const first = await started();
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 300 });
      await expect(start({ phone: OTHER_PHONE })).resolves.toMatchObject({ outcome: 'sent' });

      await check(first, code());
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
      bench.now += 300_000;
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('ends after comparing 3 codes, including the correct one', async () => {
      const reference = await started();
      for (let attempts = 0; attempts < 3; attempts++)
        await expect(check(reference, wrong())).resolves.toEqual(incorrect);

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('expires codes', async () => {
      const reference = await started();
      bench.now += 300_000;

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('checks account, number and length', async () => {
      await expect(start({ of: adapter({ apiSecret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ phone: '+0' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(start({ codeLength: 11 })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'expired' });
      expect(bench.vendor.messages()).toEqual([]);
    });

    it('writes Arabic messages', async () => {
      await start({ locale: 'ar' });

      expect(bench.vendor.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز Acme هو: \d{6}$/) }]);
    });
  });
});
