import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckReceipt, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TwilioVerify, type TwilioVerifyOptions } from 'nestjs-phone-otp/twilio';
import { TwilioSimulator, type TwilioSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { formOf } from '../support/vendor-wire.js';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
/** All simulators have the same service. */
const path = (rest: string) => `/v2/Services/${new TwilioSimulator().access.serviceSid}/${rest}`;
const SID = `VE${'0f'.repeat(16)}`;
const recipient = { phone: PHONE, region: 'SA', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const common = { ...recipient, purpose: 'login', appName: 'Acme', codeLength: 6, ttlSeconds: 300, maxAttempts: 5 };

describe('Twilio Verify', () => {
  let twilio: TwilioSimulator;
  let provider: TwilioVerify;
  let now: number;

  async function open(options: TwilioSimulatorOptions = {}): Promise<void> {
    await twilio?.stop();
    now = Date.now();
    twilio = await new TwilioSimulator({ now: () => now, ...options }).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => twilio.stop());

  const adapter = (options: Partial<TwilioVerifyOptions> = {}) => new TwilioVerify({ ...twilio.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = ({ of = provider, ms = 5_000, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...common, phone, locale }, within(ms));
  const check = (typed: string, { reference, ms = 5_000 }: { reference?: string | undefined; ms?: number } = {}) =>
    provider.check({ ...recipient, code: typed, ...(reference !== undefined && { reference }) }, within(ms));
  const code = () => twilio.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const answered = (status: number, body: unknown) =>
    twilio.fault({ kind: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const verified = { outcome: 'verified' };
  const incorrect = { outcome: 'incorrect_code' };
  const unavailable = { outcome: 'provider_unavailable' };
  const unclear = { outcome: 'unknown', ambiguous: true };

  describe('a verification', () => {
    it('sends a code and takes it once', async () => {
      const { outcome, reference } = await start();

      expect([outcome, reference]).toEqual(['sent', expect.stringMatching(/^VE[0-9a-f]{32}$/)]);
      expect(twilio.messages(PHONE)).toMatchObject([{ text: `Your Acme verification code is: ${code()}` }]);
      await expect(check(wrong(), { reference })).resolves.toEqual(incorrect);
      await expect(check(code(), { reference })).resolves.toEqual(verified);
      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
    });

    it('asks as the vendor documents: URL-encoded forms, and a key by HTTP Basic', async () => {
      const { reference } = await start();

      const { apiKeySid, secret } = twilio.access;
      const headers = {
        authorization: `Basic ${Buffer.from(`${apiKeySid}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      };
      expect(twilio.requests[0]).toMatchObject({ method: 'POST', path: path('Verifications'), headers });
      expect(await formOf(twilio.requests[0]!)).toEqual({ To: PHONE, Channel: 'sms', Locale: 'en' });

      await check('004200', { reference });

      expect(twilio.requests[0]).toMatchObject({ method: 'POST', path: path('VerificationCheck'), headers });
      expect(await formOf(twilio.requests[0]!)).toEqual({ VerificationSid: reference, Code: '004200' });
    });

    it('can sign in as the account itself', async () => {
      await expect(start({ of: adapter({ apiKeySid: undefined }) })).resolves.toMatchObject({ outcome: 'sent' });

      const { accountSid, secret } = twilio.access;
      const basic = `Basic ${Buffer.from(`${accountSid}:${secret}`).toString('base64')}`;
      expect(twilio.requests[0]!.headers.authorization).toBe(basic);
    });

    it.each([undefined, '', 'VE0', `${SID}0`, `SM${SID.slice(2)}`, `${SID}\n`])(
      'finds the verification by the number where its name is lost or senseless: %j',
      async (reference) => {
        await start();

        await expect(check(code(), { reference })).resolves.toEqual(verified);
        expect(await formOf(twilio.requests[0]!)).toEqual({ To: PHONE, Code: code() });
      },
    );

    it.each([
      ['ar-SA', 'ar'],
      ['EN_us', 'en'],
      ['en-GB', 'en-GB'],
      ['pt-BR', 'pt-BR'],
      ['pt-PT', 'pt'],
      ['zh_hk', 'zh-HK'],
      ['zh-TW', 'zh'],
      ['he', 'he'],
      ['sw', undefined],
      ['', undefined],
    ])('writes for the locale "%s" in %s', async (locale, language) => {
      await start({ locale });

      expect((await formOf(twilio.requests[0]!)).Locale).toBe(language);
    });

    it('cancels a verification by its name, and nothing without one', async () => {
      const { reference } = await start();
      await provider.cancel(recipient, within());
      await provider.cancel({ ...recipient, reference: `../${SID}` }, within());
      expect(twilio.requests).toHaveLength(1);

      await provider.cancel({ ...recipient, reference: reference! }, within());

      expect(twilio.requests[0]).toMatchObject({ method: 'POST', path: path(`Verifications/${reference}`) });
      expect(await formOf(twilio.requests[0]!)).toEqual({ Status: 'canceled' });
      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
    });

    it('cancels in silence, whatever comes of it', async () => {
      for (const fault of [{ kind: 'html' }, { kind: 'reset' }, { kind: 'status', status: 500 }] as const) {
        twilio.fault(fault);
        await expect(provider.cancel({ ...recipient, reference: SID }, within())).resolves.toBeUndefined();
      }
    });
  });

  describe('error codes', () => {
    const HALF_A_DAY = 43_200;

    it.each<[code: number, SendReceipt]>([
      [20003, { outcome: 'unauthorized' }],
      [20404, { outcome: 'unknown', ambiguous: false }],
      [20429, { outcome: 'rate_limited' }],
      [60200, { outcome: 'invalid_number' }],
      [60202, { outcome: 'rate_limited' }],
      [60203, { outcome: 'rate_limited', retryAfterSeconds: 600 }],
      [60205, { outcome: 'invalid_number' }],
      [60206, { outcome: 'unknown', ambiguous: false }],
      [60207, { outcome: 'rate_limited' }],
      [60212, { outcome: 'rate_limited' }],
      [60238, { outcome: 'unauthorized', detail: 'blocked' }],
      [60410, { outcome: 'rate_limited', retryAfterSeconds: HALF_A_DAY, detail: 'blocked' }],
      [60605, { outcome: 'invalid_number', detail: 'blocked' }],
      [99999, { outcome: 'unknown', ambiguous: false }],
    ])('FLT-10: %d at a start is %j', async (error, receipt) => {
      twilio.answerAlways(error);

      await expect(start()).resolves.toEqual(receipt);
    });

    it.each<[code: number, CheckReceipt['outcome']]>([
      [20003, 'unauthorized'],
      [20404, 'expired'],
      [20429, 'rate_limited'],
      [60200, 'unknown'],
      [60202, 'attempts_exhausted'],
      [60203, 'rate_limited'],
      [60206, 'unknown'],
      [60207, 'rate_limited'],
      [60212, 'rate_limited'],
      [99999, 'unknown'],
    ])('%d at a check is %s', async (error, outcome) => {
      twilio.answerAlways(error);

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it('count whatever their status is, as long as it is one of an error', async () => {
      for (const status of [400, 401, 403, 404, 429]) {
        twilio.answerAlways(60410, status);
        await expect(start()).resolves.toMatchObject({ detail: 'blocked' });
        twilio.answerAlways(60202, status);
        await expect(check('123456')).resolves.toEqual({ outcome: 'attempts_exhausted' });
      }
      twilio.answerAlways(60410, 201);
      await expect(start()).resolves.toEqual(unclear);
      twilio.answerAlways(60202, 200);
      await expect(check('123456')).resolves.toEqual(unavailable);
      twilio.answerAlways(60410, 500);
      await expect(start()).resolves.toEqual(unclear);
    });

    it('are numbers of JSON: another spelling is none', async () => {
      for (const body of ['{"code":"60202"}', '{"code":[60202]}', '{"code":6.0202e4}', '60202', '{"error":60202}']) {
        answered(429, body);
        await expect(check('123456')).resolves.toEqual({ outcome: 'rate_limited' });
        answered(400, body.replace('60202', '60410'));
        await expect(start()).resolves.toEqual(unclear);
      }
    });

    it('FLT-11: wait as long as the answer says, and else as documented', async () => {
      const headers = { 'retry-after': '17' };
      twilio.fault({ kind: 'answer', status: 429, headers, body: '{"code":60203}' });
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });

      twilio.fault({ kind: 'answer', status: 429, headers, body: '{"code":20429}' });
      await expect(check('123456')).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
    });
  });

  describe('what counts as success', () => {
    const approved = { sid: SID, to: PHONE, channel: 'sms', status: 'approved', valid: true };
    const pending = { sid: SID, to: PHONE, channel: 'sms', status: 'pending', valid: false };

    it.each([200, 201])('SEC-60: "approved" and valid with status %d is verified', async (status) => {
      answered(status, approved);

      await expect(check('123456', { reference: SID })).resolves.toEqual(verified);
      await expect(check('123456')).resolves.toEqual(verified);
    });

    it.each<[string, unknown]>([
      ['"approved" alone', { ...approved, valid: undefined }],
      ['valid alone', { ...approved, status: undefined }],
      ['"approved" and not valid', { ...approved, valid: false }],
      ['"pending" and valid', { ...pending, valid: true }],
      ['"false"', { ...approved, valid: 'false' }],
      ['"true"', { ...approved, valid: 'true' }],
      ['1', { ...approved, valid: 1 }],
      ['another case', { ...approved, status: 'Approved' }],
      ['a space', { ...approved, status: 'approved ' }],
      ['a list of statuses', { ...approved, status: ['approved'] }],
      ['another phone', { ...approved, to: OTHER_PHONE }],
      ['a phone that is a number', { ...approved, to: 966512345678 }],
      ['no phone', { ...approved, to: undefined }],
      ['another verification', { ...approved, sid: SID.replace('0', '1') }],
      ['no verification', { ...approved, sid: undefined }],
      ['a status of its own', { ...pending, status: 'done' }],
      ['an array', [approved]],
      ['data', { data: approved }],
      ['a prototype', `{"__proto__":${JSON.stringify(approved)}}`],
      ['text', JSON.stringify(JSON.stringify(approved))],
      ['JSON with more after it', `${JSON.stringify(approved)}1`],
      ['HTML', '<h1>approved</h1>'],
      ['nothing', ''],
    ])('SEC-60 FLT-12: %s is not', async (_what, body) => {
      answered(200, body);

      await expect(check('123456', { reference: SID })).resolves.toEqual(unavailable);
    });

    it.each([202, 206, 299, 400, 404, 418])('SEC-60: with status %d is not', async (status) => {
      answered(status, approved);

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it.each([
      ['pending', 'incorrect_code'],
      ['max_attempts_reached', 'attempts_exhausted'],
      ['canceled', 'expired'],
      ['deleted', 'expired'],
      ['expired', 'expired'],
      ['failed', 'expired'],
    ])('a verification that is "%s" is %s', async (status, outcome) => {
      answered(200, { ...pending, status });

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it.each<[string, number, unknown]>([
      ['another status', 200, pending],
      ['a verification that is not pending', 201, { ...pending, status: 'canceled' }],
      ['an approved one', 201, approved],
      ['another phone', 201, { ...pending, to: OTHER_PHONE }],
      ['no phone', 201, { ...pending, to: undefined }],
      ['no name', 201, { ...pending, sid: undefined }],
      ['the name of something else', 201, { ...pending, sid: `SM${SID.slice(2)}` }],
      ['a name that is a path', 201, { ...pending, sid: `VE../${SID}` }],
      ['an array', 201, [pending]],
      ['true', 201, true],
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

  describe('faults', () => {
    it('FLT-16: refuses the code of a verification that is over, and then takes the new one', async () => {
      await open({ codeLength: 10 }); // no two alike
      twilio.fault({ kind: 'duplicate' });
      await start();
      twilio.heal();
      const old = code();
      now += 600_000;
      await start();
      expect(twilio.messages(PHONE)).toMatchObject([{}, { code: old }, { code: old }]);

      await expect(check(old)).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
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

      expect(urls).toEqual([`https://verify.twilio.com${path('Verifications')}`]);
    });

    it('declare what the vendor does', () => {
      expect(adapter()).toMatchObject({
        name: 'twilio-verify',
        mode: 'delegated',
        capabilities: {
          correlation: 'phone',
          codeLength: 6,
          ttlSeconds: 600,
          maxAttempts: 5,
          resendCooldown: 'unknown',
          languages: expect.arrayContaining(['ar', 'en', 'he', 'pt-BR']),
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: true,
          developmentOnly: true,
        },
      });
      expect(adapter({ codeLength: 8, ttlSeconds: 120 }).capabilities).toMatchObject({
        codeLength: 8,
        ttlSeconds: 120,
      });
    });

    it('SEC-63: reach a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter({ testMode: undefined, baseUrl: undefined }).capabilities.developmentOnly).toBe(false);
    });

    it.each([
      ['accountSid', undefined],
      ['accountSid', 'AC0'],
      ['accountSid', `AC${'g'.repeat(32)}`],
      ['accountSid', `SK${'0'.repeat(32)}`],
      ['accountSid', `AC${'0'.repeat(32)}\r\n`],
      ['apiKeySid', ''],
      ['apiKeySid', `AC${'0'.repeat(32)}`],
      ['secret', undefined],
      ['secret', ''],
      ['secret', 'key\r\nx: y'],
      ['serviceSid', undefined],
      ['serviceSid', `VE${'0'.repeat(32)}`],
      ['serviceSid', `VA${'0'.repeat(31)}/`],
      ['baseUrl', 'http://verify.twilio.com'],
      ['codeLength', 3],
      ['codeLength', 11],
      ['codeLength', '6'],
      ['ttlSeconds', 119],
      ['ttlSeconds', 86_401],
      ['fetch', 'fetch'],
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => adapter({ [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new TwilioVerify(undefined as never)).toThrow(/^"accountSid" must /);
    });
  });

  describe('the simulator', () => {
    it('repeats the code of a verification, five times in all, until it expires', async () => {
      const first = await start();
      for (let sends = 2; sends <= 5; sends++) await expect(start()).resolves.toEqual(first);
      expect(new Set(twilio.messages(PHONE).map((message) => message.code)).size).toBe(1);
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 600 });

      now += 600_000;
      const next = await start();

      expect(next).toMatchObject({ outcome: 'sent' });
      expect(next.reference).not.toBe(first.reference);
    });

    it('compares five codes of a verification, the right one included, whatever was sent in between', async () => {
      const { reference } = await start();
      for (let tried = 0; tried < 4; tried++) await check(wrong(), { reference });
      await start();
      await expect(check(wrong(), { reference })).resolves.toEqual(incorrect);

      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('lets verifications expire', async () => {
      const { reference } = await start();
      now += 600_000;

      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('refuses in the order of account, service, and parameters', async () => {
      const other = { accountSid: `AC${'0'.repeat(32)}`, apiKeySid: undefined };
      await expect(start({ of: adapter(other), phone: 'none' })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ of: adapter({ secret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      const elsewhere = adapter({ serviceSid: `VA${'0'.repeat(32)}` });
      await expect(start({ of: elsewhere, phone: 'none' })).resolves.toEqual({ outcome: 'unknown', ambiguous: false });
      await expect(start({ phone: '+0' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('12')).resolves.toEqual({ outcome: 'unknown' });
      expect(twilio.messages()).toEqual([]);
    });

    it('writes in Arabic', async () => {
      await start({ locale: 'ar' });

      expect(twilio.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق الخاص بك هو: \d{6}$/) }]);
    });
  });
});
