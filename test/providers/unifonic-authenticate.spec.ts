import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { UnifonicAuthenticate, type UnifonicAuthenticateOptions } from 'nestjs-phone-otp/unifonic';
import { UnifonicSimulator, type UnifonicSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { formOf } from '../support/vendor-wire.js';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
const ID = '953c0c21-ef8f-4efe-8482-090d5b967ea0';
const recipient = { phone: PHONE, region: 'SA', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const common = { ...recipient, purpose: 'login', appName: 'Acme', codeLength: 6, ttlSeconds: 300, maxAttempts: 3 };
const START = '/services/api/v2/verifications/start';
const CHECK = '/services/api/v2/verifications/check';

describe('Unifonic Authenticate', () => {
  let unifonic: UnifonicSimulator;
  let provider: UnifonicAuthenticate;
  let now: number;

  async function open(options: UnifonicSimulatorOptions = {}): Promise<void> {
    await unifonic?.stop();
    now = Date.now();
    unifonic = await new UnifonicSimulator({ now: () => now, ...options }).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => unifonic.stop());

  const adapter = (options: Partial<UnifonicAuthenticateOptions> = {}) =>
    new UnifonicAuthenticate({ ...unifonic.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = ({ of = provider, ms = 5_000, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...common, phone, locale }, within(ms));
  const check = (typed: string, { ms = 5_000, phone = PHONE } = {}) =>
    provider.check({ ...recipient, phone, code: typed }, within(ms));
  const code = () => unifonic.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const answered = (status: number, body: unknown) =>
    unifonic.fault({ kind: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const verified = { outcome: 'verified' };
  const incorrect = { outcome: 'incorrect_code' };
  const unavailable = { outcome: 'provider_unavailable' };
  const unclear = { outcome: 'unknown', ambiguous: true };

  describe('a verification', () => {
    it('sends a code and takes it once', async () => {
      const reference = expect.stringMatching(/^[0-9a-f-]{36}$/);
      await expect(start()).resolves.toEqual({ outcome: 'sent', reference });

      expect(unifonic.messages(PHONE)).toMatchObject([{ text: `Your verification code is ${code()}` }]);
      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
      await expect(check(code())).resolves.toEqual({ outcome: 'already_verified' });
    });

    it('asks as the vendor documents: URL-encoded forms, application and token in headers', async () => {
      await start();

      const { appId, token } = unifonic.access;
      const headers = {
        authorization: `Bearer ${token}`,
        'x-authenticate-app-id': appId,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      };
      expect(unifonic.requests[0]).toMatchObject({ method: 'POST', path: START, headers });
      expect(await formOf(unifonic.requests[0]!)).toEqual({ to: PHONE, channel: 'sms', locale: 'en', length: '6' });

      await check('004200');

      expect(unifonic.requests[0]).toMatchObject({ method: 'POST', path: CHECK, headers });
      expect(await formOf(unifonic.requests[0]!)).toEqual({ to: PHONE, channel: 'sms', code: '004200' });
    });

    it('asks for as many digits as the host says', async () => {
      await start({ of: adapter({ codeLength: 8 }) });

      expect(await formOf(unifonic.requests[0]!)).toMatchObject({ length: '8' });
      expect(code()).toMatch(/^\d{8}$/);
    });

    it.each([
      ['ar-SA', undefined, 'ar'],
      ['EN_us', 'ar', 'en'],
      ['fr', undefined, 'en'],
      ['fr', 'ar', 'ar'],
    ] as const)('writes for the locale "%s", by default %s, in "%s"', async (locale, defaultLanguage, language) => {
      await start({ of: adapter({ defaultLanguage }), locale });

      expect(await formOf(unifonic.requests[0]!)).toMatchObject({ locale: language });
    });
  });

  describe('error codes', () => {
    it.each<[code: number, CheckOutcome]>([
      [101, 'verified'],
      [107, 'incorrect_code'],
      [108, 'attempts_exhausted'],
      [109, 'expired'],
      [110, 'already_verified'],
    ])('%d at a check is %s', async (errorCode, outcome) => {
      await start();
      unifonic.answerAlways(errorCode);

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it.each<[status: number, body: object, CheckOutcome]>([
      [400, { error_code: 107 }, 'incorrect_code'],
      [400, { error_code: 109, response_status: 'incorrect' }, 'expired'],
      [400, { message: 'bad input parameter' }, 'unknown'],
      [404, { error_code: 110 }, 'already_verified'],
      [400, { error_code: 101 }, 'unknown'],
      [401, {}, 'unauthorized'],
      [403, {}, 'unauthorized'],
      [429, {}, 'rate_limited'],
    ])('%d %j at a check is %s', async (status, body, outcome) => {
      answered(status, body);

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it.each<[status: number, body: object, SendReceipt]>([
      [400, { message: 'bad input parameter' }, { outcome: 'invalid_number' }],
      [400, { error_code: 108 }, { outcome: 'rate_limited' }],
      [200, { id: ID, to: PHONE, error_code: 110 }, { outcome: 'already_verified' }],
      [401, {}, { outcome: 'unauthorized' }],
      [402, {}, { outcome: 'insufficient_balance' }],
      [429, {}, { outcome: 'rate_limited' }],
    ])('FLT-10: %d %j at a start is %j', async (status, body, receipt) => {
      answered(status, body);

      await expect(start()).resolves.toEqual(receipt);
    });
  });

  describe('what counts as success', () => {
    const correct = { id: ID, to: PHONE, channel: 'sms', response_status: 'correct', error_code: 101 };

    it.each<[string, object]>([
      ['the documented answer', correct],
      ['the page’s example, without a code', { ...correct, error_code: undefined, code_type: 'numeric', length: 6 }],
      ['null for a code', { ...correct, error_code: null }],
    ])('SEC-60: %s is verified', async (_what, body) => {
      answered(200, body);

      await expect(check('123456')).resolves.toEqual(verified);
    });

    it.each<[string, unknown]>([
      ['101 alone', { ...correct, response_status: undefined }],
      ['101 and "incorrect"', { ...correct, response_status: 'incorrect' }],
      ['"correct" and 107', { ...correct, error_code: 107 }],
      ['"correct" and 110', { ...correct, error_code: 110 }],
      ['"correct" and "101"', { ...correct, error_code: '101' }],
      ['"correct" and [101]', { ...correct, error_code: [101] }],
      ['"correct" and true', { ...correct, error_code: true }],
      ['1.01e2', JSON.stringify(correct).replace('101', '1.01e2')],
      ['another case', { ...correct, response_status: 'Correct' }],
      ['a space', { ...correct, response_status: 'correct ' }],
      ['a list', { ...correct, response_status: ['correct'] }],
      ['true', { ...correct, response_status: true }],
      ['"true"', { ...correct, response_status: 'true' }],
      ['another phone', { ...correct, to: OTHER_PHONE }],
      ['a phone that is a number', { ...correct, to: 966512345678 }],
      ['no phone', { ...correct, to: undefined }],
      ['another channel', { ...correct, channel: 'voice' }],
      ['no channel', { ...correct, channel: undefined }],
      ['an array', [correct]],
      ['data', { data: correct }],
      ['a prototype', `{"__proto__":${JSON.stringify(correct)}}`],
      ['JSON with more after it', `${JSON.stringify(correct)}1`],
      ['HTML', '<h1>correct 101</h1>'],
      ['a code of its own', { ...correct, response_status: 'incorrect', error_code: 199 }],
      ['nothing', ''],
    ])('SEC-60 FLT-12: 200 with %s is not', async (_what, body) => {
      answered(200, body);

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it.each([201, 202, 206, 299, 400, 404, 418])('SEC-60: with status %d is not', async (status) => {
      answered(status, correct);

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it('takes "incorrect" without a code for a wrong code', async () => {
      answered(200, { ...correct, response_status: 'incorrect', error_code: undefined });

      await expect(check('123456')).resolves.toEqual(incorrect);
    });

    const made = { id: ID, to: PHONE, channel: 'sms', locale: 'en', length: 6, code_type: 'numeric' };

    it.each<[string, object]>([
      ['the documented answer', made],
      ['the fields that the schema requires', { ...made, response_status: 'correct', error_code: 101 }],
    ])('SEC-60: a start with %s is sent', async (_what, body) => {
      answered(200, body);

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: ID });
    });

    it.each<[string, number, unknown]>([
      ['another status', 201, made],
      ['another phone', 200, { ...made, to: OTHER_PHONE }],
      ['no phone', 200, { ...made, to: undefined }],
      ['no id', 200, { ...made, id: undefined }],
      ['an id that is none', 200, { ...made, id: 'true' }],
      ['an error', 200, { ...made, error_code: 107 }],
      ['an error of its own', 200, { ...made, error_code: 199 }],
      ['an array', 200, [made]],
      ['a refusal that is no JSON', 400, 'bad input parameter'],
      ['a refusal in a list', 400, ['bad input parameter']],
      ['a page of somebody else’s', 404, '<h1>Not Found</h1>'],
    ])('SEC-60 FLT-12: a start with %s is unknown', async (_what, status, body) => {
      answered(status, body);

      await expect(start()).resolves.toEqual(unclear);
    });

    it('SEC-63: no code is well known', async () => {
      await start();
      const known = code() === '123456' ? '000000' : '123456';

      await expect(check(known)).resolves.toEqual(incorrect);
    });
  });

  describe('options', () => {
    it('call the documented address by default', async () => {
      const urls: unknown[] = [];
      const of = adapter({
        baseUrl: undefined,
        testMode: undefined,
        fetch: async (url) => {
          urls.push(url);
          return new Response('{}');
        },
      });
      await start({ of });

      expect(urls).toEqual([`https://authenticate.cloud.api.unifonic.com${START}`]);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(adapter()).toMatchObject({
        name: 'unifonic-authenticate',
        mode: 'delegated',
        capabilities: {
          correlation: 'phone',
          codeLength: 6,
          ttlSeconds: 300,
          maxAttempts: 3,
          resendCooldown: 60,
          languages: ['ar', 'en'],
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: true,
          developmentOnly: true,
        },
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

    it('SEC-63: reach a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter({ testMode: undefined, baseUrl: undefined }).capabilities.developmentOnly).toBe(false);
    });

    it.each([
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
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => adapter({ [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new UnifonicAuthenticate(undefined as never)).toThrow(/^"appId" must /);
    });
  });

  describe('the simulator', () => {
    it('compares three codes for a message, the right one included', async () => {
      await start();
      for (let tried = 0; tried < 3; tried++) await expect(check(wrong())).resolves.toEqual(incorrect);

      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await start();
      await expect(check(code())).resolves.toEqual(verified);
    });

    it('lets codes expire', async () => {
      await start();
      now += 300_000;

      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('knows its application, and what it takes', async () => {
      await expect(start({ of: adapter({ token: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ of: adapter({ appId: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ phone: '0512345678' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('123456', { phone: OTHER_PHONE })).resolves.toEqual({ outcome: 'unknown' });
      expect(unifonic.messages()).toEqual([]);
    });

    it('writes in Arabic', async () => {
      await start({ locale: 'ar' });

      expect(unifonic.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق: \d{6}$/) }]);
    });
  });
});
