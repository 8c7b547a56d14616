import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, HttpExchange, SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { TaqnyatVerify, type TaqnyatVerifyOptions } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator, type TaqnyatSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+966512345678';
const recipient = { phone: PHONE, region: 'SA' } as const;
/** As the life cycle makes them: challenge and number of the send. */
const attempt = (sendNumber = 1) => `0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-${sendNumber}`;

describe('Taqnyat Verify', () => {
  let taqnyat: TaqnyatSimulator;
  let provider: TaqnyatVerify;

  async function open(options: TaqnyatSimulatorOptions = {}): Promise<void> {
    await taqnyat?.stop();
    taqnyat = await new TaqnyatSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => taqnyat.stop());

  const adapter = (options: Partial<TaqnyatVerifyOptions> = {}) => new TaqnyatVerify({ ...taqnyat.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = (attemptId = attempt(), { of = provider, ms = 5_000, phone = PHONE, locale = 'en' } = {}) =>
    of.start(
      {
        ...recipient,
        phone,
        attemptId,
        locale,
        purpose: 'login',
        appName: 'Acme',
        codeLength: 6,
        ttlSeconds: 300,
        maxAttempts: 5,
      },
      within(ms),
    );
  const check = (code: string, attemptId = attempt(), { of = provider, ms = 5_000, phone = PHONE } = {}) =>
    of.check({ ...recipient, phone, attemptId, code }, within(ms));
  const code = () => taqnyat.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  /** The one object in the body of the newest request. */
  const received = () => (JSON.parse(taqnyat.requests[0]!.body) as Record<string, unknown>[])[0]!;

  describe('a verification', () => {
    it.each(['envelope', 'flat'] as const)('sends a code and takes it once, in %s answers', async (answers) => {
      await open({ answers });

      await expect(start()).resolves.toEqual({ outcome: 'sent' });
      expect(taqnyat.messages(PHONE)).toMatchObject([{ phone: PHONE, text: `Your verification code is: ${code()}` }]);
      await expect(check(wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(code())).resolves.toEqual({ outcome: 'already_verified' });
    });

    it('asks as the vendor documents', async () => {
      provider = adapter({ sender: 'Acme', note: 'Never share it' });
      await start();

      const common = {
        apiKey: taqnyat.access.apiKey,
        numbers: ['966512345678'],
        sender: 'Acme',
        method: 'sms',
        requestId: '0193f1d26a0b7c3d8e4f5a6b7c8d9e0f-1',
        note: 'Never share it',
        returnJson: 1,
      };
      expect(JSON.parse(taqnyat.requests[0]!.body)).toEqual([{ ...common, lang: 'en' }]);
      expect(taqnyat.requests[0]).toMatchObject({
        method: 'POST',
        path: '/verify.php',
        headers: { authorization: `Bearer ${taqnyat.access.apiKey}`, 'content-type': 'application/json' },
      });
      expect(taqnyat.messages()).toMatchObject([{ text: expect.stringMatching(/: \d{4} Never share it$/) }]);

      await check('0042');

      expect(JSON.parse(taqnyat.requests[0]!.body)).toEqual([{ ...common, activeKey: '0042' }]);
    });

    it('leaves out what the host does not set', async () => {
      await start();

      expect(received()).not.toHaveProperty('sender');
      expect(received()).not.toHaveProperty('note');
      expect(received()).not.toHaveProperty('activeKey');
    });

    it.each([
      ['ar', 'ar'],
      ['ar-SA', 'ar'],
      ['en', 'en'],
      ['EN_us', 'en'],
      ['he', 'ar'],
      ['', 'ar'],
    ])('writes for the locale "%s" in "%s"', async (locale, lang) => {
      await start(attempt(), { locale });

      expect(received()).toMatchObject({ lang });
    });

    it('writes in the default language of the host', async () => {
      await start(attempt(), { of: adapter({ defaultLanguage: 'en' }), locale: 'he' });

      expect(received()).toMatchObject({ lang: 'en' });
    });

    it.each([attempt(), attempt(12), 'short', 'ليس معرفا', 'x'.repeat(200), `${attempt()}\r\n`])(
      'names each attempt with a short plain id that its check repeats: %j',
      async (attemptId) => {
        await start(attemptId);
        const { requestId } = received();
        await check('0000', attemptId);

        expect(requestId).toMatch(/^[A-Za-z0-9-]{1,36}$/);
        expect(received()).toMatchObject({ requestId });
      },
    );

    it('names no two attempts alike', async () => {
      for (const attemptId of [attempt(1), attempt(2), 'a-b', 'ab']) await start(attemptId);

      const ids = taqnyat.requests.map(({ body }) => (JSON.parse(body) as [{ requestId: string }])[0].requestId);
      expect(new Set(ids).size).toBe(4);
    });

    it('refuses numbers outside +966 without a call, unless told to take them', async () => {
      const phone = '+2348109477743';
      await expect(start(attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('1234', attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      expect(taqnyat.requests).toEqual([]);

      await start(attempt(), { phone, of: adapter({ internationalNumbers: true }) });
      expect(received()).toMatchObject({ numbers: ['2348109477743'] });
    });
  });

  describe('results', () => {
    const RESULTS: [code: number, atSend: SendOutcome, atCheck: CheckOutcome][] = [
      [0, 'provider_unavailable', 'provider_unavailable'],
      [1, 'unauthorized', 'unauthorized'],
      [2, 'unknown', 'unknown'],
      [3, 'invalid_number', 'invalid_number'],
      [4, 'insufficient_balance', 'insufficient_balance'],
      [5, 'sent', 'unknown'],
      [6, 'unknown', 'unknown'],
      [7, 'resend_too_soon', 'unknown'],
      [8, 'rate_limited', 'attempts_exhausted'],
      [9, 'unknown', 'unknown'],
      [10, 'unknown', 'verified'],
      [11, 'unknown', 'incorrect_code'],
      [12, 'unknown', 'attempts_exhausted'],
      [13, 'already_verified', 'already_verified'],
      [19, 'already_verified', 'already_verified'],
      [100, 'unknown', 'unknown'],
    ];
    describe.each(['envelope', 'flat'] as const)('in %s answers', (answers) => {
      it.each(RESULTS)('%d is %s at a send and %s at a check', async (result, atSend, atCheck) => {
        await open({ answers });
        taqnyat.answerAlways(result);

        expect(await start()).toMatchObject({ outcome: atSend });
        expect(await check('1234')).toMatchObject({ outcome: atCheck });
      });
    });

    it('FLT-10 knows from an empty account and the like that nothing was sent', async () => {
      for (const result of [0, 1, 3, 4, 8, 13]) {
        taqnyat.answerAlways(result);
        expect((await start()).ambiguous).toBeUndefined();
      }
    });

    it.each([
      ['The activation code has already been sent, you can re-send it in 45 second', 45],
      ['wait 0 seconds', 1],
      ['wait 966512345678, then 30', 30],
      ['wait', 60],
      ['', 60],
    ])('reads the wait of 7 in %j as %d s', async (message, retryAfterSeconds) => {
      taqnyat.answerAlways(7, message);

      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds });
    });

    it('waits as long as the host says where 7 names no wait', async () => {
      taqnyat.answerAlways(7, 'wait');

      await expect(start(attempt(), { of: adapter({ cooldownSeconds: 90 }) })).resolves.toEqual({
        outcome: 'resend_too_soon',
        retryAfterSeconds: 90,
      });
    });

    it.each([
      ['Sender name is not authorized', 'rejected_sender'],
      ['Your balance is 0', 'insufficient_balance'],
      ['Unknown error Please contact technical support', 'unknown'],
    ])('takes 6 with the message %j for %s', async (message, outcome) => {
      taqnyat.answerAlways(6, message);

      expect(await start()).toEqual({ outcome });
      expect(await check('1234')).toEqual({ outcome });
    });
  });

  describe('what counts as success', () => {
    const answered = (body: string, status = 200) => taqnyat.fault({ kind: 'answer', status, body });
    const envelope = (result: unknown, rest = {}) =>
      JSON.stringify({ status: 1, ResponseStatus: 'success', Data: { result }, Error: null, ...rest });

    it.each([
      ['the envelope', envelope(10)],
      ['the envelope, as text', envelope('10')],
      ['an array of one', `[${envelope(10)}]`],
      ['the envelope with more in it', envelope(10, { Data: { result: 10, id: 7, MessageEn: 'done' }, Error: {} })],
      ['"code"', '{"code":10}'],
      ['"statusCode"', '{"statusCode":"10"}'],
      ['"result"', '{"result":10}'],
      ['"status" without an envelope', '{"status":10}'],
    ])('SEC-60 10 in %s is verified', async (_, body) => {
      answered(body);

      await expect(check('1234')).resolves.toEqual({ outcome: 'verified' });
    });

    it.each([
      ['a bare 10, though JSON was asked', '10'],
      ['a bare "10"', '"10"'],
      ['an array of 10', '[10]'],
      ['an array of two', `[${envelope(10)},${envelope(10)}]`],
      ['an empty array', '[]'],
      ['a nested array', `[[${envelope(10)}]]`],
      ['1.0e1', envelope(0).replace('"result":0', '"result":1.0e1')],
      ['10.0', envelope(0).replace('"result":0', '"result":10.0')],
      ['" 10"', envelope(' 10')],
      ['"10 "', envelope('10 ')],
      ['"+10"', envelope('+10')],
      ['"010"', envelope('010')],
      ['"0xa"', envelope('0xa')],
      ['Arabic digits', envelope('١٠')],
      ['[10]', envelope([10])],
      ['{"result":10} within', envelope({ result: 10 })],
      ['true', envelope(true)],
      ['"true"', envelope('true')],
      ['"False"', envelope('False')],
      ['1', envelope(1)],
      ['100', envelope(100)],
      ['-10', envelope(-10)],
      ['1010', envelope(1010)],
      ['null', envelope(null)],
      ['the flag of the envelope alone', '{"status":1,"ResponseStatus":"success"}'],
      ['10 as the flag of the envelope', '{"status":10,"ResponseStatus":"success","Data":null,"Error":null}'],
      ['10 in an error', '{"status":1,"ResponseStatus":"fail","Data":null,"Error":{"ErrorCode":10}}'],
      ['10 beside an error', envelope(10, { Error: { ErrorCode: 11 } })],
      ['10 beside an error that is 0', envelope(10, { Error: { ErrorCode: 0 } })],
      ['10 in a failure', envelope(10, { ResponseStatus: 'fail' })],
      ['10 in a status of another kind', envelope(10, { ResponseStatus: ['success'] })],
      ['a senseless result before a better one', '{"Data":{"result":" 10"},"code":10}'],
      ['data of another shape', '{"Data":[{"result":10}]}'],
      ['data as text', '{"Data":"{\\"result\\":10}"}'],
      ['a prototype', '{"__proto__":{"code":10},"constructor":{"code":10}}'],
      ['another spelling', '{"CODE":10,"Result":10}'],
      ['a message', '{"MessageEn":"Activation process completed successfully."}'],
      ['nothing', '{}'],
      ['null alone', 'null'],
      ['true alone', 'true'],
      ['JSON with more after it', `${envelope(10)}1`],
      ['a call-back', `f(${envelope(10)})`],
      ['an empty body', ''],
    ])('SEC-60 FLT-12 %s is not', async (_, body) => {
      answered(body);
      const { outcome } = await check('1234');

      expect(['provider_unavailable', 'unknown', 'unauthorized']).toContain(outcome);

      // The same in place of 5: nothing of it says that a message left, nor that none did.
      answered(body.replaceAll('10', '5'));
      expect((await start()).outcome).not.toBe('sent');
    });

    it.each([202, 204, 206, 299, 400, 404, 418])('SEC-60 10 with status %d is not', async (status) => {
      answered(status === 204 ? '' : envelope(10), status);

      await expect(check('1234')).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it('SEC-60 takes 201 like 200', async () => {
      answered(envelope(10), 201);

      await expect(check('1234')).resolves.toEqual({ outcome: 'verified' });
    });

    it('reads a refusal in a bare number: an early failure may not mind what was asked', async () => {
      answered('1');

      await expect(check('1234')).resolves.toEqual({ outcome: 'unauthorized' });
    });

    it('SEC-63 takes no well-known code', async () => {
      await open({ codeLength: 6 });
      await start();
      const known = code() === '123456' ? '000000' : '123456';

      await expect(check(known)).resolves.toEqual({ outcome: 'incorrect_code' });
    });
  });

  describe('secrets', () => {
    it('shows the wire with the outcome of each call', async () => {
      const exchanges: HttpExchange[] = [];
      provider = adapter({ onExchange: (exchange) => exchanges.push(exchange) });
      await start();
      await check(code());
      await new Promise(setImmediate);

      expect(exchanges).toMatchObject([
        {
          provider: 'taqnyat-verify',
          outcome: 'sent',
          request: { body: expect.stringContaining('"apiKey":"[secret]"') },
          response: { status: 200, body: expect.stringContaining('"result":5') },
        },
        {
          outcome: 'verified',
          request: { body: expect.stringContaining('"activeKey":"[secret]"') },
          response: { status: 200, body: expect.stringContaining('"result":10') },
        },
      ]);
    });
  });

  describe('options', () => {
    it('call the documented address by default', async () => {
      const urls: unknown[] = [];
      const of = new TaqnyatVerify({
        apiKey: 'key',
        fetch: async (url) => {
          urls.push(url);
          return new Response('{"code":5}');
        },
      });

      await expect(start(attempt(), { of })).resolves.toEqual({ outcome: 'sent' });
      expect(urls).toEqual(['https://api.taqnyat.sa/verify.php']);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(new TaqnyatVerify({ apiKey: 'key' })).toMatchObject({
        name: 'taqnyat-verify',
        mode: 'delegated',
        capabilities: {
          correlation: 'caller_id',
          codeLength: 4,
          ttlSeconds: 300,
          maxAttempts: 3,
          resendCooldown: 60,
          languages: ['ar', 'en'],
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: false,
          developmentOnly: false,
        },
      });
      expect(
        adapter({ codeLength: 'unknown', ttlSeconds: 120, maxAttempts: 5, cooldownSeconds: 90, note: 'x' })
          .capabilities,
      ).toMatchObject({ codeLength: 'unknown', ttlSeconds: 120, maxAttempts: 5, resendCooldown: 90, fixedText: true });
    });

    it('SEC-63 reach a simulator in test mode only, which is for development only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter().capabilities.developmentOnly).toBe(true);
    });

    it.each([
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key\r\nx: y'],
      ['baseUrl', 'http://api.taqnyat.sa'],
      ['sender', ''],
      ['sender', 'Acme\n'],
      ['sender', 'much too long a sender'],
      ['note', ''],
      ['note', 'two\nlines'],
      ['note', 'x'.repeat(161)],
      ['defaultLanguage', 'fr'],
      ['codeLength', 3],
      ['codeLength', 9],
      ['codeLength', [6, 4]],
      ['codeLength', '4'],
      ['ttlSeconds', 29],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['cooldownSeconds', 0],
      ['fetch', 'fetch'],
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => new TaqnyatVerify({ apiKey: 'key', [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new TaqnyatVerify(undefined as never)).toThrow(/^"apiKey" must /);
    });
  });

  describe('the simulator', () => {
    let now: number;
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1);
      await open({ now: () => now });
    });
    const post = async (body: unknown, key = taqnyat.access.apiKey) =>
      (
        await fetch(`${taqnyat.url}/verify.php`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify(body),
        })
      ).text();
    const fields = () => ({ apiKey: taqnyat.access.apiKey, numbers: ['966512345678'], requestId: '1' });

    it('compares three codes per request id, the right one included', async () => {
      await start();
      for (let tried = 0; tried < 3; tried++) expect(await check(wrong())).toEqual({ outcome: 'incorrect_code' });

      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('sends three times per request id, a minute apart', async () => {
      for (let sent = 0; sent < 3; sent++) {
        await expect(start()).resolves.toEqual({ outcome: 'sent' });
        now += 15_500;
        await expect(start()).resolves.toMatchObject(
          sent < 2 ? { outcome: 'resend_too_soon', retryAfterSeconds: 45 } : { outcome: 'rate_limited' },
        );
        now += 44_500;
      }

      expect(taqnyat.messages(PHONE)).toHaveLength(3);
    });

    it('can hold back the whole number', async () => {
      await open({ now: () => now, cooldownPer: 'number' });
      await start();

      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 60 });
      now += 60_000;
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'sent' });
    });

    it('lets codes expire, and counts them as wrong', async () => {
      await start();
      now += 300_000;

      await expect(check(code())).resolves.toEqual({ outcome: 'incorrect_code' });
    });

    it('sends nothing more to a verified number under the same request id', async () => {
      await start();
      await check(code());

      await expect(start()).resolves.toEqual({ outcome: 'already_verified' });
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'sent' });
    });

    it('keeps the codes of a number and of a request id to themselves', async () => {
      await start();

      await expect(check(code(), attempt(2))).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(code(), attempt(), { phone: '+966512345679' })).resolves.toEqual({
        outcome: 'incorrect_code',
      });
    });

    it('takes its key only, in header and body', async () => {
      await expect(start(attempt(), { of: adapter({ apiKey: 'other' }) })).resolves.toEqual({
        outcome: 'unauthorized',
      });
      expect(await post([{ ...fields(), apiKey: 'other' }])).toBe('1');
      expect(await post([fields()], 'other')).toBe('1');
    });

    it('answers with a bare number unless asked for JSON, to an array or an object', async () => {
      expect(await post([fields()])).toBe('5');
      expect(await post({ ...fields(), activeKey: code() })).toBe('10');
      expect(await post({ ...fields(), activeKey: code(), returnJson: 1 })).toContain('"ErrorCode":13');
    });

    it.each([[[]], [['966512345678', '966512345679']], [['0512345678']], [['+966512345678']], ['966512345678']])(
      'takes no numbers such as %j',
      async (numbers) => {
        expect(await post([{ ...fields(), numbers }])).toBe('3');
      },
    );

    it('writes in Arabic by default', async () => {
      await post([fields()]);

      expect(taqnyat.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق: \d{4}$/) }]);
    });

    it('fails as often as it is told', async () => {
      taqnyat.fault({ kind: 'status', status: 503 }, 2);

      const outcomes = [await start(), await start(), await start()].map(({ outcome }) => outcome);
      expect(outcomes).toEqual(['unknown', 'unknown', 'sent']);
    });
  });
});
