import type { CheckOutcome } from 'nestjs-phone-otp/provider-kit';
import { UnifonicAuthenticate } from 'nestjs-phone-otp/unifonic';
import { UnifonicSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
const ID = '953c0c21-ef8f-4efe-8482-090d5b967ea0';
const START = '/services/api/v2/verifications/start';
const CHECK = '/services/api/v2/verifications/check';
const { incorrect, unavailable, unclear, verified } = receipts;

describe('Unifonic Authenticate', () => {
  const bench = vendorBench(UnifonicSimulator, UnifonicAuthenticate, { phone: PHONE, region: 'SA' });
  const { adapter, answer, code, wrong } = bench;
  const start = ({ of = bench.provider, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...bench.start(phone), locale }, within());
  const check = (typed: string, { phone = PHONE } = {}) =>
    bench.provider.check({ ...bench.recipient, phone, code: typed }, within());

  describe('a verification', () => {
    it('sends a code and accepts it once', async () => {
      const reference = expect.stringMatching(/^[0-9a-f-]{36}$/);
      await expect(start()).resolves.toEqual({ outcome: 'sent', reference });

      expect(bench.vendor.messages(PHONE)).toMatchObject([{ text: `Your verification code is ${code()}` }]);
      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
      await expect(check(code())).resolves.toEqual({ outcome: 'already_verified' });
    });

    it('sends the documented requests: URL-encoded forms, with application and token in headers', async () => {
      await start();

      const { appId, token } = bench.vendor.access;
      const headers = {
        authorization: `Bearer ${token}`,
        'x-authenticate-app-id': appId,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      };
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: START, headers });
      expect(await bench.receivedForm()).toEqual({ to: PHONE, channel: 'sms', locale: 'en', length: '6' });

      await check('004200');

      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: CHECK, headers });
      expect(await bench.receivedForm()).toEqual({ to: PHONE, channel: 'sms', code: '004200' });
    });

    it('requests the configured number of digits', async () => {
      await start({ of: adapter({ codeLength: 8 }) });

      expect(await bench.receivedForm()).toMatchObject({ length: '8' });
      expect(code()).toMatch(/^\d{8}$/);
    });

    it.each([
      ['ar-SA', undefined, 'ar'],
      ['EN_us', 'ar', 'en'],
      ['fr', undefined, 'en'],
      ['fr', 'ar', 'ar'],
    ] as const)('writes for the locale "%s", by default %s, in "%s"', async (locale, defaultLanguage, language) => {
      await start({ of: adapter({ defaultLanguage }), locale });

      expect(await bench.receivedForm()).toMatchObject({ locale: language });
    });
  });

  describe('error codes', () => {
    it.each<[code: number, CheckOutcome]>([
      [101, 'verified'],
      [107, 'incorrect_code'],
      [108, 'attempts_exhausted'],
      [109, 'expired'],
      [110, 'already_verified'],
    ])('maps %d at a check to "%s"', async (errorCode, outcome) => {
      await start();
      bench.vendor.answerAlways(errorCode);

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    bench.itMaps(
      'maps %d %j at a check to "%s"',
      (status: number, body: unknown) => answer(body, status),
      () => check('123456'),
      [
        [400, { error_code: 107 }, 'incorrect_code'],
        [400, { error_code: 109, response_status: 'incorrect' }, 'expired'],
        [400, { message: 'bad input parameter' }, 'unknown'],
        [404, { error_code: 110 }, 'already_verified'],
        [400, { error_code: 101 }, 'unknown'],
        [401, {}, 'unauthorized'],
        [403, {}, 'unauthorized'],
        [429, {}, 'rate_limited'],
      ],
    );

    bench.itMaps(
      'FLT-10: maps %d %j at a start to %j',
      (status: number, body: unknown) => answer(body, status),
      () => start(),
      [
        [400, { message: 'bad input parameter' }, { outcome: 'invalid_number' }],
        [400, { error_code: 108 }, { outcome: 'rate_limited' }],
        [200, { id: ID, to: PHONE, error_code: 110 }, { outcome: 'already_verified' }],
        [401, {}, { outcome: 'unauthorized' }],
        [402, {}, { outcome: 'insufficient_balance' }],
        [429, {}, { outcome: 'rate_limited' }],
      ],
    );
  });

  describe('success', () => {
    const correct = { id: ID, to: PHONE, channel: 'sms', response_status: 'correct', error_code: 101 };

    bench.itReads('SEC-60: accepts %s as verified', () => check('123456'), verified, [
      ['the documented response', correct],
      ['the documented example without a code', { ...correct, error_code: undefined, code_type: 'numeric', length: 6 }],
      ['a code that is null', { ...correct, error_code: null }],
    ]);

    bench.itReads('SEC-60 FLT-12: does not accept a 200 with %s', () => check('123456'), unavailable, [
      ['101 alone', { ...correct, response_status: undefined }],
      ['101 and "incorrect"', { ...correct, response_status: 'incorrect' }],
      ['"correct" and 107', { ...correct, error_code: 107 }],
      ['"correct" and 110', { ...correct, error_code: 110 }],
      ['"correct" and "101"', { ...correct, error_code: '101' }],
      ['"correct" and [101]', { ...correct, error_code: [101] }],
      ['"correct" and true', { ...correct, error_code: true }],
      ['1.01e2', JSON.stringify(correct).replace('101', '1.01e2')],
      ['a different case', { ...correct, response_status: 'Correct' }],
      ['a trailing space', { ...correct, response_status: 'correct ' }],
      ['a list of statuses', { ...correct, response_status: ['correct'] }],
      ['the status true', { ...correct, response_status: true }],
      ['the status "true"', { ...correct, response_status: 'true' }],
      ['a different phone', { ...correct, to: OTHER_PHONE }],
      ['a phone that is a number', { ...correct, to: 966512345678 }],
      ['no phone', { ...correct, to: undefined }],
      ['a different channel', { ...correct, channel: 'voice' }],
      ['no channel', { ...correct, channel: undefined }],
      ['an array', [correct]],
      ['a nested object', { data: correct }],
      ['a "__proto__" key', `{"__proto__":${JSON.stringify(correct)}}`],
      ['JSON with trailing characters', `${JSON.stringify(correct)}1`],
      ['HTML', '<h1>correct 101</h1>'],
      ['an undocumented code', { ...correct, response_status: 'incorrect', error_code: 199 }],
      ['an empty body', ''],
    ]);

    bench.itReads(
      'SEC-60: does not accept a success with status %s',
      () => check('123456'),
      unavailable,
      withStatuses(correct, 201, 202, 206, 299, 400, 404, 418),
    );

    it('reads "incorrect" without a code as a wrong code', async () => {
      answer({ ...correct, response_status: 'incorrect', error_code: undefined });

      await expect(check('123456')).resolves.toEqual(incorrect);
    });

    const created = { id: ID, to: PHONE, channel: 'sms', locale: 'en', length: 6, code_type: 'numeric' };

    bench.itReads('SEC-60: accepts a start with %s as sent', () => start(), { outcome: 'sent', reference: ID }, [
      ['the documented response', created],
      ['the fields required by the schema', { ...created, response_status: 'correct', error_code: 101 }],
    ]);

    bench.itReads('SEC-60 FLT-12: reports a start with %s as unknown', () => start(), unclear, [
      ['a different status', created, 201],
      ['a different phone', { ...created, to: OTHER_PHONE }],
      ['no phone', { ...created, to: undefined }],
      ['no id', { ...created, id: undefined }],
      ['an invalid id', { ...created, id: 'true' }],
      ['an error code', { ...created, error_code: 107 }],
      ['an undocumented error code', { ...created, error_code: 199 }],
      ['an array', [created]],
      ['a refusal that is not JSON', 'bad input parameter', 400],
      ['a refusal in a list', ['bad input parameter'], 400],
      ['a foreign page', '<h1>Not Found</h1>', 404],
    ]);

    it('SEC-63: accepts no well-known code', async () => {
      await start();

      await expect(check(bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('options', () => {
    it('calls the documented URL by default', async () => {
      await expect(bench.defaultUrls((of) => start({ of }))).resolves.toEqual([
        `https://authenticate.cloud.api.unifonic.com${START}`,
      ]);
    });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('unifonic-authenticate', 'delegated', {
        correlation: 'phone',
        codeLength: 6,
        ttlSeconds: 300,
        maxAttempts: 3,
        resendCooldown: 60,
        languages: ['ar', 'en'],
      });
      expect(
        adapter({ codeLength: 8, ttlSeconds: 120, maxAttempts: 5, cooldownSeconds: 90 }).capabilities,
      ).toMatchObject({
        codeLength: 8,
        ttlSeconds: 120,
        maxAttempts: 5,
        resendCooldown: 90,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    bench.itRefusesOptions('appId', [
      ['appId', undefined],
      ['appId', 'two words'],
      ['token', ''],
      ['token', 'key\r\nx: y'],
      ['baseUrl', 'http://authenticate.cloud.api.unifonic.com'],
      ['defaultLanguage', 'fr'],
      ['codeLength', 3],
      ['codeLength', 9],
      ['codeLength', '6'],
      ['ttlSeconds', 29],
      ['maxAttempts', 0],
      ['cooldownSeconds', 2.5],
      ['fetch', 'fetch'],
    ]);
  });

  describe('the simulator', () => {
    it('compares 3 codes per message, including the correct one', async () => {
      await start();
      for (let attempts = 0; attempts < 3; attempts++) await expect(check(wrong())).resolves.toEqual(incorrect);

      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await start();
      await expect(check(code())).resolves.toEqual(verified);
    });

    it('expires codes', async () => {
      await start();
      bench.now += 300_000;

      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('checks application, token and number', async () => {
      await expect(start({ of: adapter({ token: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ of: adapter({ appId: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ phone: '0512345678' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('123456', { phone: OTHER_PHONE })).resolves.toEqual({ outcome: 'unknown' });
      expect(bench.vendor.messages()).toEqual([]);
    });

    it('writes Arabic messages', async () => {
      await start({ locale: 'ar' });

      expect(bench.vendor.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق: \d{6}$/) }]);
    });
  });
});
