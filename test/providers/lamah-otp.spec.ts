import { LamahOtp } from 'nestjs-phone-otp/lamah';
import { LamahSimulator } from 'nestjs-phone-otp/simulators';

import { ATTEMPT_ID, receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+218911234567';
const OTHER_PHONE = '+218921234567';
/** An attempt id in this module's format: id of a challenge and number of a send. */
const attempt = (sendNumber = 1) => ATTEMPT_ID.replace(/1$/, String(sendNumber));
const ID = '8c8a6f2f-9a3b-4d86-9b2c-1e3f8f9c2ab1';
const { incorrect, notSent, unavailable, unclear, verified } = receipts;

describe('Lamah OTP', () => {
  const bench = vendorBench(LamahSimulator, LamahOtp, { phone: PHONE, region: 'LY' });
  const { adapter, answer, code, open, received, wrong } = bench;
  const start = (attemptId = attempt(), { of = bench.provider, phone = PHONE, locale = 'en', ttlSeconds = 300 } = {}) =>
    of.start({ ...bench.start(phone), attemptId, locale, ttlSeconds }, within());
  const started = async (attemptId = attempt(), options = {}) => (await start(attemptId, options)).reference!;
  const check = (reference: string | undefined, code: string, { of = bench.provider, phone = PHONE } = {}) =>
    of.check(
      { ...bench.recipient, phone, attemptId: attempt(), code, ...(reference !== undefined && { reference }) },
      within(),
    );

  describe('a verification', () => {
    it.each([
      ['gateway', 'expired'],
      ['docs', 'already_verified'],
    ] as const)('sends a code and accepts it once, in the "%s" dialect', async (dialect, afterwards) => {
      await open({ dialect });
      const sent = await start();

      const reference = expect.stringMatching(/^[0-9a-f-]{36}$/);
      expect(sent).toEqual({ outcome: 'sent', reference, cost: { amount: '1', unit: 'LYD' } });
      expect(bench.vendor.messages(PHONE)).toMatchObject([{ text: `Your verification code is: ${code()}` }]);
      await expect(check(sent.reference, wrong())).resolves.toEqual(incorrect);
      await expect(check(sent.reference, code())).resolves.toEqual(verified);
      await expect(check(sent.reference, code())).resolves.toEqual({ outcome: afterwards });
    });

    it('sends the documented request', async () => {
      const reference = await started();

      const headers = {
        authorization: `Bearer ${bench.vendor.access.token}`,
        'content-type': 'application/json',
        accept: 'application/json',
      };
      expect(received()).toEqual({
        lang: 'en',
        length: 6,
        expiration: 5,
        sender: 'Acme',
        payment_type: 'wallet',
        receiver: '00218911234567',
      });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/api/otp/initiate',
        headers: { ...headers, 'idempotency-key': '0193f1d26a0b7c3d8e4f5a6b7c8d9e0f-1' },
      });

      await check(reference, '004200');

      expect(received()).toEqual({ request_id: reference, code: '004200' });
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/api/otp/verify', headers });
      expect(bench.vendor.requests[0]!.headers).not.toHaveProperty('idempotency-key');
    });

    it('sends the configured options', async () => {
      const of = adapter({ codeLength: 4, paymentType: 'subscription', defaultLanguage: 'en' });
      const sent = await start(attempt(), { of, locale: 'fr' });

      expect(received()).toMatchObject({ length: 4, payment_type: 'subscription', lang: 'en' });
      expect(code()).toMatch(/^\d{4}$/);
      expect(sent.cost).toEqual({ amount: '1', unit: 'parts' });
    });

    it.each([
      [1, 1],
      [60, 1],
      [61, 2],
      [90, 2],
      [600, 10],
      [601, 10],
      [3600, 10],
    ])('requests a lifetime of %d s as %d minutes', async (ttlSeconds, expiration) => {
      await start(attempt(), { ttlSeconds });

      expect(received()).toMatchObject({ expiration });
    });

    it.each([
      ['ar-LY', 'ar'],
      ['EN_us', 'en'],
      ['fr', 'ar'],
    ])('writes for the locale "%s" in "%s"', async (locale, lang) => {
      await start(attempt(), { locale });

      expect(received()).toMatchObject({ lang });
    });

    it('refuses numbers other than Libyan mobiles without a call', async () => {
      for (const phone of ['+966512345678', '+218211234567', '+21891123456', '+2189112345678']) {
        await expect(start(attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check(ID, '123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      }
      expect(bench.vendor.requests).toEqual([]);
    });

    it.each([undefined, '', 'short', ID.slice(1), `${ID}0`, `${ID}\n`, `../${ID}`])(
      'requires a new code if the vendor’s id is missing or invalid: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        expect(bench.vendor.requests).toEqual([]);
      },
    );
  });

  describe('the idempotency key', () => {
    it('differs per attempt', async () => {
      await open({ oneAtATime: false });
      const [first, second] = [await started(attempt(1)), await started(attempt(2))];

      expect(first).not.toBe(second);
      expect(bench.vendor.messages(PHONE)).toHaveLength(2);
    });

    it.each(['short', 'ليس معرفا', 'x'.repeat(60), `${attempt()}\r\nx: y`])(
      'is plain for any attempt id: %j',
      async (attemptId) => {
        await start(attemptId);

        expect(bench.vendor.requests[0]!.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
      },
    );
  });

  describe('refusals of a send', () => {
    const tooSoon = { outcome: 'resend_too_soon', retryAfterSeconds: 300 };

    bench.itMaps(
      'maps %d "%s" to %j',
      (status: number, message: string) => bench.vendor.answerAlways(status, message),
      () => start(),
      [
        [400, 'You have already sent an OTP to this number', tooSoon],
        [400, 'OTP already sent', tooSoon],
        [400, 'Insufficient balance', 'insufficient_balance'],
        [400, 'INSUFFICIENT BALANCE.', 'insufficient_balance'],
        [402, 'Payment Required', 'insufficient_balance'],
        [402, '', 'insufficient_balance'],
        [400, 'Sender is not supported for this provider', 'rejected_sender'],
        [404, 'Sender not found', 'rejected_sender'],
        [422, 'The sender field is required.', 'rejected_sender'],
        [400, 'Sender cannot reach this receiver', 'rejected_sender'],
        [400, 'Invalid phone number', 'invalid_number'],
        [422, 'The receiver field is required.', 'invalid_number'],
        [400, 'Invalid expiration', notSent],
        [400, 'Invalid JSON', notSent],
        [404, 'Not Found', notSent],
        [422, 'The lang field is required.', notSent],
        [401, 'Unauthenticated.', 'unauthorized'],
        [401, 'IP address is not allowed', 'unauthorized'],
        [403, 'Forbidden', 'unauthorized'],
        [429, 'Too Many Requests', 'rate_limited'],
        [409, 'Conflict: already sent', unclear],
        [500, 'Could not queue', unclear],
      ],
    );

    it('are also read from the named fields', async () => {
      const named = (name: string) => ({ message: 'The given data was invalid.', errors: { [name]: ['no'] } });
      answer(named('receiver'), 422);
      await expect(start()).resolves.toEqual({ outcome: 'invalid_number' });
      answer(named('sender'), 422);
      await expect(start()).resolves.toEqual({ outcome: 'rejected_sender' });
      answer(named('length'), 422);
      await expect(start()).resolves.toEqual(notSent);
    });

    it('FLT-11: report the vendor’s wait, or else the lifetime of the code', async () => {
      bench.vendor.fault({ kind: 'status', status: 429, retryAfter: 17 });
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });

      const body = '{"message":"You have already sent an OTP to this number"}';
      answer(body, 400, { 'retry-after': '42' });
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 42 });
      answer(body, 400);
      await expect(start(attempt(), { ttlSeconds: 90 })).resolves.toMatchObject({ retryAfterSeconds: 120 });
    });
  });

  describe('refusals of a check', () => {
    bench.itMaps(
      'maps %d "%s" to "%s"',
      (status: number, message: string) => bench.vendor.answerAlways(status, message),
      () => check(ID, '123456'),
      [
        [400, 'Invalid OTP', 'incorrect_code'],
        [400, 'Invalid OTP code', 'incorrect_code'],
        [400, 'wrong!', 'incorrect_code'],
        [400, 'OTP has expired', 'expired'],
        [400, 'OTP already verified', 'already_verified'],
        [400, 'Too many attempts', 'attempts_exhausted'],
        [400, 'Insufficient balance', 'insufficient_balance'],
        [404, 'OTP not found', 'expired'],
        [404, 'OTP not found or expired', 'expired'],
        [404, 'gone', 'expired'],
        [422, 'The code field is required.', 'unknown'],
        [401, 'Unauthenticated.', 'unauthorized'],
        [402, 'Payment Required', 'insufficient_balance'],
        [403, 'Forbidden', 'unauthorized'],
        [429, 'Too Many Requests', 'rate_limited'],
        [409, 'Conflict', 'provider_unavailable'],
        [500, 'Stored OTP is corrupt', 'provider_unavailable'],
      ],
    );

    it('are read only from the vendor’s own responses', async () => {
      for (const status of [400, 404, 422]) {
        answer('<h1>expired: already sent, sender, balance</h1>', status);
        await expect(check(ID, '123456')).resolves.toEqual(unavailable);
        await expect(start()).resolves.toEqual(unclear);
      }
    });
  });

  describe('success', () => {
    const SUCCESS = 'OTP verified successfully';

    bench.itReads('SEC-60: accepts %s as verified', () => check(ID, '123456'), verified, [
      ['the documented response', { message: SUCCESS }],
      ['a different case and a period', { message: 'otp verified Successfully.' }],
      ['the fields of the older page', { message: SUCCESS, phone_number: PHONE, attempts_used: 1, max_attempts: 3 }],
      ['the phone in another format', { message: SUCCESS, phone_number: '00218911234567' }],
      ['success flags', { message: SUCCESS, success: true, verified: true }],
    ]);

    bench.itReads('SEC-60 FLT-12: does not accept a 200 with %s', () => check(ID, '123456'), unavailable, [
      ['"already"', { message: 'OTP already verified' }],
      ['"already" with success', { message: 'OTP already verified successfully' }],
      ['"not"', { message: 'OTP not verified successfully' }],
      ['more words', { message: `${SUCCESS}, but not by you` }],
      ['fewer words', { message: 'verified' }],
      ['a different spelling', { Message: SUCCESS }],
      ['a nested message', { data: { message: SUCCESS } }],
      ['a list of messages', { message: [SUCCESS] }],
      ['the message true', { message: true }],
      ['no message', {}],
      ['flags alone', { success: true, verified: true }],
      ['the flag "False"', { message: SUCCESS, verified: 'False' }],
      ['the flag false', { message: SUCCESS, verified: false }],
      ['the flag 1', { message: SUCCESS, success: 1 }],
      ['the flag "true"', { message: SUCCESS, success: 'true' }],
      ['an error code', { message: SUCCESS, code: 'INVALID_OTP' }],
      ['errors', { message: SUCCESS, errors: { code: ['wrong'] } }],
      ['a different phone', { message: SUCCESS, phone_number: OTHER_PHONE }],
      ['an invalid phone', { message: SUCCESS, phone_number: 218911234567 }],
      ['an array', [{ message: SUCCESS }]],
      ['a JSON string', JSON.stringify(SUCCESS)],
      ['text that is not JSON', SUCCESS],
      ['JSON with trailing characters', `${JSON.stringify({ message: SUCCESS })}1`],
      ['a "__proto__" key', `{"__proto__":{"message":"${SUCCESS}"}}`],
      ['HTML', `<h1>${SUCCESS}</h1>`],
      ['an empty body', ''],
      ['the response to a send', { request_id: ID, cost: 1 }],
    ]);

    it.each([201, 202, 206, 299, 400, 404, 418, 422])(
      'SEC-60: does not accept a success with status %d',
      async (status) => {
        answer({ message: SUCCESS }, status);
        expect((await check(ID, '123456')).outcome).not.toBe('verified');

        answer({ request_id: ID, cost: 1 }, status);
        await expect(start()).resolves.toEqual(unclear);
      },
    );

    it('SEC-60: accepts only the configured "successMessage"', async () => {
      const of = adapter({ successMessage: 'Code accepted' });
      answer({ message: 'code accepted' });
      await expect(check(ID, '123456', { of })).resolves.toEqual(verified);

      answer({ message: SUCCESS });
      await expect(check(ID, '123456', { of })).resolves.toEqual(unavailable);
    });

    bench.itReads('SEC-60 FLT-12: reports a send with %s as unknown', () => start(), unclear, [
      ['no id', { cost: 1 }],
      ['an empty id', { request_id: '', cost: 1 }],
      ['an id that is a number', { request_id: 1, cost: 1 }],
      ['an id that is not a UUID', { request_id: 'true', cost: 1 }],
      ['a nested id', { data: { request_id: ID } }],
      ['an array', [{ request_id: ID, cost: 1 }]],
      ['an error code', { request_id: ID, code: 'ACCESS_DENIED' }],
      ['errors', { request_id: ID, errors: { receiver: ['no'] } }],
      ['a message', { message: 'OTP already sent' }],
      ['HTML', `<h1>${ID}</h1>`],
    ]);
  });

  describe('costs', () => {
    it.each([
      ['1', '1'],
      ['0', '0'],
      ['0.045', '0.045'],
      ['12.50', '12.50'],
      ['"0.2"', '0.2'],
    ])('keep the digits of %s', async (cost, amount) => {
      answer(`{"request_id":"${ID}","cost":${cost}}`);

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: ID, cost: { amount, unit: 'LYD' } });
    });

    it.each(['-1', '1e3', '"free"', 'null', '[1]', '"1 LYD"', '99999999999'])(
      'are omitted if invalid, as %s',
      async (cost) => {
        answer(`{"request_id":"${ID}","cost":${cost}}`);

        await expect(start()).resolves.toEqual({ outcome: 'sent', reference: ID });
      },
    );

    it('use the configured unit', async () => {
      const { cost } = await start(attempt(), { of: adapter({ costUnit: 'dinar' }) });

      expect(cost).toEqual({ amount: '1', unit: 'dinar' });
    });
  });

  describe('secrets', () => {
    it('passes masked exchanges with their outcomes to "onExchange"', async () => {
      const exchanges = await bench.exchangesOf(async () => {
        await check(await started(), code());
      });

      const headers = expect.objectContaining({ authorization: 'Bearer [secret]' });
      expect(exchanges).toMatchObject([
        { provider: 'lamah-otp', outcome: 'sent', request: { headers }, response: { status: 200 } },
        { outcome: 'verified', request: { headers, body: expect.stringContaining('"code":"[secret]"') } },
      ]);
    });
  });

  describe('options', () => {
    it('calls the documented URL by default', async () => {
      await expect(bench.defaultUrls((of) => start(attempt(), { of }))).resolves.toEqual([
        'https://sms.lamah.com/api/otp/initiate',
      ]);
    });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('lamah-otp', 'delegated', {
        correlation: 'provider_id',
        codeLength: 6,
        ttlSeconds: [60, 600],
        maxAttempts: 3,
        resendCooldown: 'ttl',
        languages: ['ar', 'en'],
        idempotent: true,
        reportsCost: true,
      });
      expect(adapter({ codeLength: 4, maxAttempts: 5, cooldownSeconds: 60 }).capabilities).toMatchObject({
        codeLength: 4,
        maxAttempts: 5,
        resendCooldown: 60,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    bench.itRefusesOptions('token', [
      ['token', undefined],
      ['token', ''],
      ['token', 'key\r\nx: y'],
      ['baseUrl', 'http://sms.lamah.com'],
      ['sender', undefined],
      ['sender', ''],
      ['sender', 'Acme Ltd'],
      ['sender', 'Acme\n'],
      ['sender', 'twelve12long'],
      ['sender', 'أكمي'],
      ['paymentType', undefined],
      ['paymentType', 'cash'],
      ['codeLength', 5],
      ['codeLength', '6'],
      ['defaultLanguage', 'fr'],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['cooldownSeconds', 0],
      ['cooldownSeconds', 'long'],
      ['successMessage', ''],
      ['successMessage', 'OTP already verified'],
      ['costUnit', ''],
      ['costUnit', 'much too long'],
      ['fetch', 'fetch'],
    ]);
  });

  describe('the simulator', () => {
    const post = async (path: string, fields: unknown, token = bench.vendor.access.token) => {
      const body = typeof fields === 'string' ? fields : JSON.stringify(fields);
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${bench.vendor.url}/api/otp/${path}`, { method: 'POST', headers, body });
      const { message, errors, code: errorCode } = (await answer.json()) as Record<string, unknown>;
      return [answer.status, message, errors && Object.keys(errors), errorCode].filter((part) => part !== undefined);
    };
    const fields = {
      lang: 'ar',
      length: 6,
      expiration: 1,
      sender: 'Acme',
      payment_type: 'subscription',
      receiver: '00218911234567',
    };

    it.each<[object, string]>([
      [{ lang: 'fr' }, 'lang'],
      [{ length: 5 }, 'length'],
      [{ length: '6' }, 'length'],
      [{ expiration: 0 }, 'expiration'],
      [{ expiration: 11 }, 'expiration'],
      [{ expiration: 1.5 }, 'expiration'],
      [{ sender: 'much too long a sender' }, 'sender'],
      [{ payment_type: 'cash' }, 'payment_type'],
      [{ receiver: '+218911234567' }, 'receiver'],
      [{ receiver: '0911234567' }, 'receiver'],
      [{ receiver: undefined }, 'receiver'],
    ])('names the invalid field of %j', async (wrongField, name) => {
      await expect(post('initiate', { ...fields, ...wrongField })).resolves.toEqual([
        422,
        'The given data was invalid.',
        [name],
      ]);
    });

    it('refuses in the "gateway" dialect', async () => {
      await expect(post('initiate', fields, 'other')).resolves.toEqual([401, 'Unauthenticated.']);
      await expect(post('initiate', '{')).resolves.toEqual([400, 'Invalid JSON']);
      await expect(post('initiate', { ...fields, sender: 'Other' })).resolves.toEqual([
        404,
        'Sender not found or inactive',
      ]);
      await expect(post('verify', { request_id: ID })).resolves.toEqual([422, expect.anything(), ['code']]);
      await expect(post('verify', { code: '1' })).resolves.toEqual([422, expect.anything(), ['request_id']]);
      await expect(post('verify', { request_id: ID, code: '1' })).resolves.toEqual([404, 'OTP not found or expired']);
      await expect(post('other', {})).resolves.toEqual([404, 'Not Found']);
    });

    it('refuses in the "docs" dialect', async () => {
      await open({ dialect: 'docs' });
      await expect(post('initiate', fields, 'other')).resolves.toEqual([401, 'Unauthenticated.', 'UNAUTHORIZED']);
      await expect(post('initiate', { ...fields, receiver: '1' })).resolves.toEqual([
        400,
        'Invalid phone number',
        'ERROR',
      ]);
      await expect(post('initiate', { ...fields, receiver: PHONE })).resolves.toEqual([200]);
      await expect(post('verify', { request_id: ID, code: '1' })).resolves.toEqual([404, 'OTP not found', 'ERROR']);
    });

    it('sends no second code until the first is used or expired', async () => {
      const first = await started();
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 300 });
      await check(first, code());
      await expect(start(attempt(2))).resolves.toMatchObject({ outcome: 'sent' });
      bench.now += 300_000;
      await expect(start(attempt(3))).resolves.toMatchObject({ outcome: 'sent' });
    });

    it.each(['gateway', 'docs'] as const)('expires codes, in the "%s" dialect', async (dialect) => {
      await open({ dialect });
      const reference = await started();
      bench.now += 300_000;

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('compares 3 codes per message in the "docs" dialect, and any number in "gateway"', async () => {
      for (const [dialect, outcome] of [
        ['docs', 'attempts_exhausted'],
        ['gateway', 'verified'],
      ] as const) {
        await open({ dialect });
        const reference = await started();
        for (let attempts = 0; attempts < 3; attempts++) {
          await expect(check(reference, wrong())).resolves.toEqual(incorrect);
        }
        await expect(check(reference, code())).resolves.toEqual({ outcome });
      }
    });

    it('sends 10 messages per minute in the "docs" dialect', async () => {
      await open({ dialect: 'docs', oneAtATime: false });
      for (let sends = 1; sends <= 10; sends++) {
        await expect(start(attempt(sends))).resolves.toMatchObject({ outcome: 'sent' });
      }
      await expect(start(attempt(11))).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 60 });
      bench.now += 60_000;
      await expect(start(attempt(11))).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('forgets an idempotency key after a day', async () => {
      const first = await started();
      bench.now += 24 * 3_600_000;

      expect(await started()).not.toBe(first);
    });

    it('sends every code to the phone of an unverified company', async () => {
      await open({ companyPhone: OTHER_PHONE });
      await start();

      expect(bench.vendor.messages(PHONE)).toEqual([]);
      expect(bench.vendor.messages(OTHER_PHONE)).toHaveLength(1);
    });

    it('writes Arabic messages', async () => {
      await post('initiate', fields);

      expect(bench.vendor.messages(PHONE)).toMatchObject([
        { text: expect.stringMatching(/^رمز التحقق الخاص بك هو: \d{6}$/) },
      ]);
    });
  });
});
