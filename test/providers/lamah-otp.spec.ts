import { OtpConfigError } from 'nestjs-phone-otp';
import { LamahOtp, type LamahOtpOptions } from 'nestjs-phone-otp/lamah';
import type { CheckOutcome, HttpExchange, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { LamahSimulator, type LamahSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+218911234567';
const OTHER_PHONE = '+218921234567';
const recipient = { phone: PHONE, region: 'LY' } as const;
/** As the life cycle makes them: challenge and number of the send. */
const attempt = (sendNumber = 1) => `0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-${sendNumber}`;
const ID = '8c8a6f2f-9a3b-4d86-9b2c-1e3f8f9c2ab1';

describe('Lamah OTP', () => {
  let lamah: LamahSimulator;
  let provider: LamahOtp;
  let now: number;

  async function open(options: LamahSimulatorOptions = {}): Promise<void> {
    await lamah?.stop();
    now = Date.now();
    lamah = await new LamahSimulator({ now: () => now, ...options }).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => lamah.stop());

  const adapter = (options: Partial<LamahOtpOptions> = {}) => new LamahOtp({ ...lamah.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = (
    attemptId = attempt(),
    { of = provider, ms = 5_000, phone = PHONE, locale = 'en', ttlSeconds = 300 } = {},
  ) =>
    of.start(
      {
        ...recipient,
        phone,
        attemptId,
        locale,
        ttlSeconds,
        purpose: 'login',
        appName: 'x',
        codeLength: 6,
        maxAttempts: 5,
      },
      within(ms),
    );
  const started = async (attemptId = attempt(), options = {}) => (await start(attemptId, options)).reference!;
  const check = (reference: string | undefined, code: string, { of = provider, ms = 5_000, phone = PHONE } = {}) =>
    of.check(
      { ...recipient, phone, attemptId: attempt(), code, ...(reference !== undefined && { reference }) },
      within(ms),
    );
  const code = () => lamah.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const received = () => JSON.parse(lamah.requests[0]!.body) as Record<string, unknown>;
  const answered = (status: number, body: unknown) =>
    lamah.fault({ kind: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) });

  describe('a verification', () => {
    it.each([
      ['gateway', 'expired'],
      ['docs', 'already_verified'],
    ] as const)('sends a code and takes it once, in the words of the %s', async (dialect, afterwards) => {
      await open({ dialect });
      const sent = await start();

      const reference = expect.stringMatching(/^[0-9a-f-]{36}$/);
      expect(sent).toEqual({ outcome: 'sent', reference, cost: { amount: '1', unit: 'LYD' } });
      expect(lamah.messages(PHONE)).toMatchObject([{ text: `Your verification code is: ${code()}` }]);
      await expect(check(sent.reference, wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(sent.reference, code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(sent.reference, code())).resolves.toEqual({ outcome: afterwards });
    });

    it('asks as the vendor documents', async () => {
      const reference = await started();

      const headers = {
        authorization: `Bearer ${lamah.access.token}`,
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
      expect(lamah.requests[0]).toMatchObject({
        method: 'POST',
        path: '/api/otp/initiate',
        headers: { ...headers, 'idempotency-key': '0193f1d26a0b7c3d8e4f5a6b7c8d9e0f-1' },
      });

      await check(reference, '004200');

      expect(received()).toEqual({ request_id: reference, code: '004200' });
      expect(lamah.requests[0]).toMatchObject({ method: 'POST', path: '/api/otp/verify', headers });
      expect(lamah.requests[0]!.headers).not.toHaveProperty('idempotency-key');
    });

    it('asks for what the host chose', async () => {
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
    ])('lets a code of %d s live %d minutes at the vendor', async (ttlSeconds, expiration) => {
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

    it('refuses numbers that are no Libyan mobiles without a call', async () => {
      for (const phone of ['+966512345678', '+218211234567', '+21891123456', '+2189112345678']) {
        await expect(start(attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check(ID, '123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      }
      expect(lamah.requests).toEqual([]);
    });

    it.each([undefined, '', 'short', ID.slice(1), `${ID}0`, `${ID}\n`, `../${ID}`])(
      'asks for a new code where the request is lost or senseless: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        expect(lamah.requests).toEqual([]);
      },
    );
  });

  describe('a repeat', () => {
    it('of another attempt is another message', async () => {
      await open({ oneAtATime: false });
      const [first, second] = [await started(attempt(1)), await started(attempt(2))];

      expect(first).not.toBe(second);
      expect(lamah.messages(PHONE)).toHaveLength(2);
    });

    it.each(['short', 'ليس معرفا', 'x'.repeat(60), `${attempt()}\r\nx: y`])(
      'has a plain key whatever the attempt is called: %j',
      async (attemptId) => {
        await start(attemptId);

        expect(lamah.requests[0]!.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
      },
    );
  });

  describe('refusals of a send', () => {
    const definite = (outcome: SendReceipt['outcome'], more = {}) => ({ outcome, ...more });
    const wait = { retryAfterSeconds: 300 };

    it.each<[status: number, message: string, SendReceipt]>([
      [400, 'You have already sent an OTP to this number', definite('resend_too_soon', wait)],
      [400, 'OTP already sent', definite('resend_too_soon', wait)],
      [400, 'Insufficient balance', definite('insufficient_balance')],
      [400, 'INSUFFICIENT BALANCE.', definite('insufficient_balance')],
      [402, 'Payment Required', definite('insufficient_balance')],
      [402, '', definite('insufficient_balance')],
      [400, 'Sender is not supported for this provider', definite('rejected_sender')],
      [404, 'Sender not found', definite('rejected_sender')],
      [422, 'The sender field is required.', definite('rejected_sender')],
      [400, 'Sender cannot reach this receiver', definite('rejected_sender')],
      [400, 'Invalid phone number', definite('invalid_number')],
      [422, 'The receiver field is required.', definite('invalid_number')],
      [400, 'Invalid expiration', definite('unknown', { ambiguous: false })],
      [400, 'Invalid JSON', definite('unknown', { ambiguous: false })],
      [404, 'Not Found', definite('unknown', { ambiguous: false })],
      [422, 'The lang field is required.', definite('unknown', { ambiguous: false })],
      [401, 'Unauthenticated.', definite('unauthorized')],
      [401, 'IP address is not allowed', definite('unauthorized')],
      [403, 'Forbidden', definite('unauthorized')],
      [429, 'Too Many Requests', definite('rate_limited')],
      [409, 'Conflict: already sent', definite('unknown', { ambiguous: true })],
      [500, 'Could not queue', definite('unknown', { ambiguous: true })],
    ])('%d "%s" is %j', async (status, message, receipt) => {
      lamah.answerAlways(status, message);

      await expect(start()).resolves.toEqual(receipt);
    });

    it('are read from the fields they name, too', async () => {
      const named = (name: string) => ({ message: 'The given data was invalid.', errors: { [name]: ['no'] } });
      answered(422, named('receiver'));
      await expect(start()).resolves.toEqual({ outcome: 'invalid_number' });
      answered(422, named('sender'));
      await expect(start()).resolves.toEqual({ outcome: 'rejected_sender' });
      answered(422, named('length'));
      await expect(start()).resolves.toEqual({ outcome: 'unknown', ambiguous: false });
    });

    it('FLT-11: wait as long as the vendor says, and else as long as the code lives', async () => {
      lamah.fault({ kind: 'status', status: 429, retryAfter: 17 });
      await expect(start()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });

      const body = '{"message":"You have already sent an OTP to this number"}';
      lamah.fault({ kind: 'answer', status: 400, headers: { 'retry-after': '42' }, body });
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 42 });
      lamah.fault({ kind: 'answer', status: 400, body });
      await expect(start(attempt(), { ttlSeconds: 90 })).resolves.toMatchObject({ retryAfterSeconds: 120 });
    });
  });

  describe('refusals of a check', () => {
    it.each<[status: number, message: string, CheckOutcome]>([
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
    ])('%d "%s" is %s', async (status, message, outcome) => {
      lamah.answerAlways(status, message);

      await expect(check(ID, '123456')).resolves.toEqual({ outcome });
    });

    it('are the vendor’s own: a page of somebody else’s is none', async () => {
      for (const status of [400, 404, 422]) {
        answered(status, '<h1>expired: already sent, sender, balance</h1>');
        await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'provider_unavailable' });
        await expect(start()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
      }
    });
  });

  describe('what counts as success', () => {
    const SUCCESS = 'OTP verified successfully';

    it.each<[string, object]>([
      ['the documented answer', { message: SUCCESS }],
      ['another case and a full stop', { message: 'otp verified Successfully.' }],
      ['the older page’s fields', { message: SUCCESS, phone_number: PHONE, attempts_used: 1, max_attempts: 3 }],
      ['the phone in another writing', { message: SUCCESS, phone_number: '00218911234567' }],
      ['flags that agree', { message: SUCCESS, success: true, verified: true }],
    ])('SEC-60: %s is verified', async (_what, body) => {
      answered(200, body);

      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'verified' });
    });

    it.each<[string, unknown]>([
      ['"already"', { message: 'OTP already verified' }],
      ['"already" with success', { message: 'OTP already verified successfully' }],
      ['"not"', { message: 'OTP not verified successfully' }],
      ['more words', { message: `${SUCCESS}, but not by you` }],
      ['fewer', { message: 'verified' }],
      ['another spelling', { Message: SUCCESS }],
      ['a message elsewhere', { data: { message: SUCCESS } }],
      ['a list of messages', { message: [SUCCESS] }],
      ['true', { message: true }],
      ['no message', {}],
      ['a flag alone', { success: true, verified: true }],
      ['"False"', { message: SUCCESS, verified: 'False' }],
      ['false', { message: SUCCESS, verified: false }],
      ['1', { message: SUCCESS, success: 1 }],
      ['"true"', { message: SUCCESS, success: 'true' }],
      ['an error code', { message: SUCCESS, code: 'INVALID_OTP' }],
      ['errors', { message: SUCCESS, errors: { code: ['wrong'] } }],
      ['another phone', { message: SUCCESS, phone_number: OTHER_PHONE }],
      ['a phone that is none', { message: SUCCESS, phone_number: 218911234567 }],
      ['an array', [{ message: SUCCESS }]],
      ['text alone', JSON.stringify(SUCCESS)],
      ['text that is no JSON', SUCCESS],
      ['JSON with more after it', `${JSON.stringify({ message: SUCCESS })}1`],
      ['a prototype', `{"__proto__":{"message":"${SUCCESS}"}}`],
      ['HTML', `<h1>${SUCCESS}</h1>`],
      ['nothing', ''],
      ['the answer to a send', { request_id: ID, cost: 1 }],
    ])('SEC-60 FLT-12: 200 with %s is not', async (_what, body) => {
      answered(200, body);

      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it.each([201, 202, 206, 299, 400, 404, 418, 422])('SEC-60: with status %d is none', async (status) => {
      answered(status, { message: SUCCESS });
      expect((await check(ID, '123456')).outcome).not.toBe('verified');

      answered(status, { request_id: ID, cost: 1 });
      await expect(start()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
    });

    it('SEC-60: has the words of the host’s choice', async () => {
      const of = adapter({ successMessage: 'Code accepted' });
      answered(200, { message: 'code accepted' });
      await expect(check(ID, '123456', { of })).resolves.toEqual({ outcome: 'verified' });

      answered(200, { message: SUCCESS });
      await expect(check(ID, '123456', { of })).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it.each<[string, unknown]>([
      ['no id', { cost: 1 }],
      ['an empty one', { request_id: '', cost: 1 }],
      ['a number', { request_id: 1, cost: 1 }],
      ['no UUID', { request_id: 'true', cost: 1 }],
      ['an id elsewhere', { data: { request_id: ID } }],
      ['an array', [{ request_id: ID, cost: 1 }]],
      ['an error code', { request_id: ID, code: 'ACCESS_DENIED' }],
      ['errors', { request_id: ID, errors: { receiver: ['no'] } }],
      ['a message', { message: 'OTP already sent' }],
      ['HTML', `<h1>${ID}</h1>`],
    ])('SEC-60 FLT-12: a send with %s is unknown', async (_what, body) => {
      answered(200, body);

      await expect(start()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
    });
  });

  describe('costs', () => {
    it.each([
      ['1', '1'],
      ['0', '0'],
      ['0.045', '0.045'],
      ['12.50', '12.50'],
      ['"0.2"', '0.2'],
    ])('%s keep their digits', async (cost, amount) => {
      answered(200, `{"request_id":"${ID}","cost":${cost}}`);

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: ID, cost: { amount, unit: 'LYD' } });
    });

    it.each(['-1', '1e3', '"free"', 'null', '[1]', '"1 LYD"', '99999999999'])(
      '%s are left out, and spoil no message',
      async (cost) => {
        answered(200, `{"request_id":"${ID}","cost":${cost}}`);

        await expect(start()).resolves.toEqual({ outcome: 'sent', reference: ID });
      },
    );

    it('are in the unit of the host', async () => {
      const { cost } = await start(attempt(), { of: adapter({ costUnit: 'dinar' }) });

      expect(cost).toEqual({ amount: '1', unit: 'dinar' });
    });
  });

  describe('secrets', () => {
    it('shows the wire with the outcome of each call', async () => {
      const exchanges: HttpExchange[] = [];
      provider = adapter({ onExchange: (exchange) => exchanges.push(exchange) });
      await check(await started(), code());
      await new Promise(setImmediate);

      const headers = expect.objectContaining({ authorization: 'Bearer [secret]' });
      expect(exchanges).toMatchObject([
        { provider: 'lamah-otp', outcome: 'sent', request: { headers }, response: { status: 200 } },
        { outcome: 'verified', request: { headers, body: expect.stringContaining('"code":"[secret]"') } },
      ]);
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
      await start(attempt(), { of });

      expect(urls).toEqual(['https://sms.lamah.com/api/otp/initiate']);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(adapter()).toMatchObject({
        name: 'lamah-otp',
        mode: 'delegated',
        capabilities: {
          correlation: 'provider_id',
          codeLength: 6,
          ttlSeconds: [60, 600],
          maxAttempts: 3,
          resendCooldown: 'ttl',
          languages: ['ar', 'en'],
          fixedText: true,
          idempotent: true,
          reportsCost: true,
          distinguishesExpired: true,
          developmentOnly: true,
        },
      });
      expect(adapter({ codeLength: 4, maxAttempts: 5, cooldownSeconds: 60 }).capabilities).toMatchObject({
        codeLength: 4,
        maxAttempts: 5,
        resendCooldown: 60,
      });
    });

    it('SEC-63: reach a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter({ testMode: undefined, baseUrl: undefined }).capabilities.developmentOnly).toBe(false);
    });

    it.each([
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
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => adapter({ [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new LamahOtp(undefined as never)).toThrow(/^"token" must /);
    });
  });

  describe('the simulator', () => {
    const post = async (path: string, fields: unknown, token = lamah.access.token) => {
      const body = typeof fields === 'string' ? fields : JSON.stringify(fields);
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${lamah.url}/api/otp/${path}`, { method: 'POST', headers, body });
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
    ])('names the wrong field of %j', async (wrongField, name) => {
      await expect(post('initiate', { ...fields, ...wrongField })).resolves.toEqual([
        422,
        'The given data was invalid.',
        [name],
      ]);
    });

    it('refuses in the words of its gateway', async () => {
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

    it('refuses in the words of its reference', async () => {
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

    it('sends no second code while one is alive, and one after it was used or ended', async () => {
      const first = await started();
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 300 });
      await check(first, code());
      await expect(start(attempt(2))).resolves.toMatchObject({ outcome: 'sent' });
      now += 300_000;
      await expect(start(attempt(3))).resolves.toMatchObject({ outcome: 'sent' });
    });

    it.each(['gateway', 'docs'] as const)('lets codes expire, in the words of the %s', async (dialect) => {
      await open({ dialect });
      const reference = await started();
      now += 300_000;

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('compares three codes for a message by its reference, and any number by its gateway', async () => {
      for (const [dialect, outcome] of [
        ['docs', 'attempts_exhausted'],
        ['gateway', 'verified'],
      ] as const) {
        await open({ dialect });
        const reference = await started();
        for (let tried = 0; tried < 3; tried++) {
          await expect(check(reference, wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
        }
        await expect(check(reference, code())).resolves.toEqual({ outcome });
      }
    });

    it('sends ten times a minute by its reference', async () => {
      await open({ dialect: 'docs', oneAtATime: false });
      for (let sends = 1; sends <= 10; sends++) {
        await expect(start(attempt(sends))).resolves.toMatchObject({ outcome: 'sent' });
      }
      await expect(start(attempt(11))).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 60 });
      now += 60_000;
      await expect(start(attempt(11))).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('forgets the answer to a key after a day', async () => {
      const first = await started();
      now += 24 * 3_600_000;

      expect(await started()).not.toBe(first);
    });

    it('sends everything to a company that is not verified', async () => {
      await open({ companyPhone: OTHER_PHONE });
      await start();

      expect(lamah.messages(PHONE)).toEqual([]);
      expect(lamah.messages(OTHER_PHONE)).toHaveLength(1);
    });

    it('writes in Arabic', async () => {
      await post('initiate', fields);

      expect(lamah.messages(PHONE)).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق الخاص بك هو: \d{6}$/) }]);
    });
  });
});
