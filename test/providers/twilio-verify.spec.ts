import { TwilioVerify } from 'nestjs-phone-otp/twilio';
import { TwilioSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
/** All simulators have the same service. */
const path = (rest: string) => `/v2/Services/${new TwilioSimulator().access.serviceSid}/${rest}`;
const SID = `VE${'0f'.repeat(16)}`;
const { incorrect, notSent, unavailable, unclear, verified } = receipts;

describe('Twilio Verify', () => {
  const bench = vendorBench(TwilioSimulator, TwilioVerify, { phone: PHONE, region: 'SA' });
  const { adapter, answer, code, open, wrong } = bench;
  const start = ({ of = bench.provider, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...bench.start(phone), locale }, within());
  const check = (typed: string, { reference }: { reference?: string | undefined; ms?: number } = {}) =>
    bench.provider.check({ ...bench.recipient, code: typed, ...(reference !== undefined && { reference }) }, within());

  describe('a verification', () => {
    it('sends a code and accepts it once', async () => {
      const { outcome, reference } = await start();

      expect([outcome, reference]).toEqual(['sent', expect.stringMatching(/^VE[0-9a-f]{32}$/)]);
      expect(bench.vendor.messages(PHONE)).toMatchObject([{ text: `Your Acme verification code is: ${code()}` }]);
      await expect(check(wrong(), { reference })).resolves.toEqual(incorrect);
      await expect(check(code(), { reference })).resolves.toEqual(verified);
      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
    });

    it('sends the documented requests: URL-encoded forms, with the key by HTTP Basic', async () => {
      const { reference } = await start();

      const { apiKeySid, secret } = bench.vendor.access;
      const headers = {
        authorization: `Basic ${Buffer.from(`${apiKeySid}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      };
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: path('Verifications'), headers });
      expect(await bench.receivedForm()).toEqual({ To: PHONE, Channel: 'sms', Locale: 'en' });

      await check('004200', { reference });

      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: path('VerificationCheck'), headers });
      expect(await bench.receivedForm()).toEqual({ VerificationSid: reference, Code: '004200' });
    });

    it('can authenticate as the account itself', async () => {
      await expect(start({ of: adapter({ apiKeySid: undefined }) })).resolves.toMatchObject({ outcome: 'sent' });

      const { accountSid, secret } = bench.vendor.access;
      const basic = `Basic ${Buffer.from(`${accountSid}:${secret}`).toString('base64')}`;
      expect(bench.vendor.requests[0]!.headers.authorization).toBe(basic);
    });

    it.each([undefined, '', 'VE0', `${SID}0`, `SM${SID.slice(2)}`, `${SID}\n`])(
      'checks by the number if the SID is missing or invalid: %j',
      async (reference) => {
        await start();

        await expect(check(code(), { reference })).resolves.toEqual(verified);
        expect(await bench.receivedForm()).toEqual({ To: PHONE, Code: code() });
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

      expect((await bench.receivedForm()).Locale).toBe(language);
    });

    it('cancels a verification by its SID, and only with a valid SID', async () => {
      const { reference } = await start();
      await bench.provider.cancel(bench.recipient, within());
      await bench.provider.cancel({ ...bench.recipient, reference: `../${SID}` }, within());
      expect(bench.vendor.requests).toHaveLength(1);

      await bench.provider.cancel({ ...bench.recipient, reference: reference! }, within());

      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: path(`Verifications/${reference}`) });
      expect(await bench.receivedForm()).toEqual({ Status: 'canceled' });
      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
    });

    it('ignores failures of a cancellation', async () => {
      for (const fault of [{ kind: 'html' }, { kind: 'reset' }, { kind: 'status', status: 500 }] as const) {
        bench.vendor.fault(fault);
        await expect(bench.provider.cancel({ ...bench.recipient, reference: SID }, within())).resolves.toBeUndefined();
      }
    });
  });

  describe('error codes', () => {
    const HALF_A_DAY = 43_200;

    bench.itMaps(
      'FLT-10: maps %d at a start to %j',
      (error: number) => bench.vendor.answerAlways(error),
      () => start(),
      [
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
      ],
    );

    bench.itMaps(
      'maps %d at a check to "%s"',
      (error: number) => bench.vendor.answerAlways(error),
      () => check('123456'),
      [
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
      ],
    );

    it('are read with every 4xx status, and with no other', async () => {
      for (const status of [400, 401, 403, 404, 429]) {
        bench.vendor.answerAlways(60410, status);
        await expect(start()).resolves.toMatchObject({ detail: 'blocked' });
        bench.vendor.answerAlways(60202, status);
        await expect(check('123456')).resolves.toEqual({ outcome: 'attempts_exhausted' });
      }
      bench.vendor.answerAlways(60410, 201);
      await expect(start()).resolves.toEqual(unclear);
      bench.vendor.answerAlways(60202, 200);
      await expect(check('123456')).resolves.toEqual(unavailable);
      bench.vendor.answerAlways(60410, 500);
      await expect(start()).resolves.toEqual(unclear);
    });

    it('must be JSON numbers in their plain spelling', async () => {
      for (const body of ['{"code":"60202"}', '{"code":[60202]}', '{"code":6.0202e4}', '60202', '{"error":60202}']) {
        answer(body, 429);
        await expect(check('123456')).resolves.toEqual({ outcome: 'rate_limited' });
        answer(body.replace('60202', '60410'), 400);
        await expect(start()).resolves.toEqual(unclear);
      }
    });

    it('FLT-11: report the vendor’s wait instead of the documented one', async () => {
      const headers = { 'retry-after': '17' };
      answer({ code: 60203 }, 429, headers);
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });

      answer({ code: 20429 }, 429, headers);
      await expect(check('123456')).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
    });
  });

  describe('success', () => {
    const approved = { sid: SID, to: PHONE, channel: 'sms', status: 'approved', valid: true };
    const pending = { sid: SID, to: PHONE, channel: 'sms', status: 'pending', valid: false };

    it.each([200, 201])('SEC-60: accepts "approved" and valid with status %d as verified', async (status) => {
      answer(approved, status);

      await expect(check('123456', { reference: SID })).resolves.toEqual(verified);
      await expect(check('123456')).resolves.toEqual(verified);
    });

    bench.itReads('SEC-60 FLT-12: does not accept %s', () => check('123456', { reference: SID }), unavailable, [
      ['"approved" alone', { ...approved, valid: undefined }],
      ['valid alone', { ...approved, status: undefined }],
      ['"approved" and not valid', { ...approved, valid: false }],
      ['"pending" and valid', { ...pending, valid: true }],
      ['valid "false"', { ...approved, valid: 'false' }],
      ['valid "true"', { ...approved, valid: 'true' }],
      ['valid 1', { ...approved, valid: 1 }],
      ['a different case', { ...approved, status: 'Approved' }],
      ['a trailing space', { ...approved, status: 'approved ' }],
      ['a list of statuses', { ...approved, status: ['approved'] }],
      ['a different phone', { ...approved, to: OTHER_PHONE }],
      ['a phone that is a number', { ...approved, to: 966512345678 }],
      ['no phone', { ...approved, to: undefined }],
      ['a different verification', { ...approved, sid: SID.replace('0', '1') }],
      ['no verification', { ...approved, sid: undefined }],
      ['an undocumented status', { ...pending, status: 'done' }],
      ['an array', [approved]],
      ['a nested object', { data: approved }],
      ['a "__proto__" key', `{"__proto__":${JSON.stringify(approved)}}`],
      ['a JSON string', JSON.stringify(JSON.stringify(approved))],
      ['JSON with trailing characters', `${JSON.stringify(approved)}1`],
      ['HTML', '<h1>approved</h1>'],
      ['an empty body', ''],
    ]);

    bench.itReads(
      'SEC-60: does not accept a success with status %s',
      () => check('123456'),
      unavailable,
      withStatuses(approved, 202, 206, 299, 400, 404, 418),
    );

    it.each([
      ['pending', 'incorrect_code'],
      ['max_attempts_reached', 'attempts_exhausted'],
      ['canceled', 'expired'],
      ['deleted', 'expired'],
      ['expired', 'expired'],
      ['failed', 'expired'],
    ])('maps the status "%s" to "%s"', async (status, outcome) => {
      answer({ ...pending, status });

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    bench.itReads(
      'SEC-60 FLT-12: reports a start with %s as unknown',
      () => start(),
      unclear,
      [
        ['a different status', pending, 200],
        ['a canceled verification', { ...pending, status: 'canceled' }],
        ['an approved verification', approved],
        ['a different phone', { ...pending, to: OTHER_PHONE }],
        ['no phone', { ...pending, to: undefined }],
        ['no id', { ...pending, sid: undefined }],
        ['an id of another kind', { ...pending, sid: `SM${SID.slice(2)}` }],
        ['an id that is a path', { ...pending, sid: `VE../${SID}` }],
        ['an array', [pending]],
        ['true', true],
      ],
      201,
    );

    it('SEC-63: accepts no well-known code', async () => {
      await start();

      await expect(check(bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('faults', () => {
    it('FLT-16: refuses the code of an expired verification and accepts the new one', async () => {
      await open({ codeLength: 10 }); // no two alike
      bench.vendor.fault({ kind: 'duplicate' });
      await start();
      bench.vendor.heal();
      const old = code();
      bench.now += 600_000;
      await start();
      expect(bench.vendor.messages(PHONE)).toMatchObject([{}, { code: old }, { code: old }]);

      await expect(check(old)).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
    });
  });

  describe('options', () => {
    it('calls the documented URL by default', async () => {
      await expect(bench.defaultUrls((of) => start({ of }))).resolves.toEqual([
        `https://verify.twilio.com${path('Verifications')}`,
      ]);
    });

    it('declares the vendor’s capabilities', () => {
      bench.expectCapabilities('twilio-verify', 'delegated', {
        correlation: 'phone',
        codeLength: 6,
        ttlSeconds: 600,
        maxAttempts: 5,
        resendCooldown: 'unknown',
        languages: expect.arrayContaining(['ar', 'en', 'he', 'pt-BR']),
      });
      expect(adapter({ codeLength: 8, ttlSeconds: 120 }).capabilities).toMatchObject({
        codeLength: 8,
        ttlSeconds: 120,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    bench.itRefusesOptions('accountSid', [
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
    ]);
  });

  describe('the simulator', () => {
    it('repeats a verification’s code up to 5 times, until it expires', async () => {
      const first = await start();
      for (let sends = 2; sends <= 5; sends++) await expect(start()).resolves.toEqual(first);
      expect(new Set(bench.vendor.messages(PHONE).map((message) => message.code)).size).toBe(1);
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 600 });

      bench.now += 600_000;
      const next = await start();

      expect(next).toMatchObject({ outcome: 'sent' });
      expect(next.reference).not.toBe(first.reference);
    });

    it('compares 5 codes per verification, including the correct one, across resends', async () => {
      const { reference } = await start();
      for (let attempts = 0; attempts < 4; attempts++) await check(wrong(), { reference });
      await start();
      await expect(check(wrong(), { reference })).resolves.toEqual(incorrect);

      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('expires verifications', async () => {
      const { reference } = await start();
      bench.now += 600_000;

      await expect(check(code(), { reference })).resolves.toEqual({ outcome: 'expired' });
      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('checks account, service and parameters, in this order', async () => {
      const other = { accountSid: `AC${'0'.repeat(32)}`, apiKeySid: undefined };
      await expect(start({ of: adapter(other), phone: 'none' })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ of: adapter({ secret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      const elsewhere = adapter({ serviceSid: `VA${'0'.repeat(32)}` });
      await expect(start({ of: elsewhere, phone: 'none' })).resolves.toEqual(notSent);
      await expect(start({ phone: '+0' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('12')).resolves.toEqual({ outcome: 'unknown' });
      expect(bench.vendor.messages()).toEqual([]);
    });

    it('writes Arabic messages', async () => {
      await start({ locale: 'ar' });

      expect(bench.vendor.messages()).toMatchObject([
        { text: expect.stringMatching(/^رمز التحقق الخاص بك هو: \d{6}$/) },
      ]);
    });
  });
});
