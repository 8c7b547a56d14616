import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator } from 'nestjs-phone-otp/simulators';

import { ATTEMPT_ID, receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
/** An attempt id in this module's format: id of a challenge and number of a send. */
const attempt = (sendNumber = 1) => ATTEMPT_ID.replace(/1$/, String(sendNumber));
const { incorrect, unavailable, verified } = receipts;

describe('Taqnyat Verify', () => {
  const bench = vendorBench(TaqnyatSimulator, TaqnyatVerify, { phone: PHONE, region: 'SA' });
  const { adapter, answer, code, open, wrong } = bench;
  const start = (attemptId = attempt(), { of = bench.provider, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...bench.start(phone), attemptId, locale }, within());
  const check = (code: string, attemptId = attempt(), { of = bench.provider, phone = PHONE } = {}) =>
    of.check({ ...bench.recipient, phone, attemptId, code }, within());
  /** The one object in the body of the newest request. */
  const received = () => (JSON.parse(bench.vendor.requests[0]!.body) as [Record<string, unknown>])[0];

  describe('a verification', () => {
    it.each(['envelope', 'flat'] as const)('sends a code and accepts it once, with %s responses', async (answers) => {
      await open({ answers });

      await expect(start()).resolves.toEqual({ outcome: 'sent' });
      expect(bench.vendor.messages(PHONE)).toMatchObject([
        { phone: PHONE, text: `Your verification code is: ${code()}` },
      ]);
      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
      await expect(check(code())).resolves.toEqual({ outcome: 'already_verified' });
    });

    it('sends the documented request', async () => {
      bench.provider = adapter({ sender: 'Acme', note: 'Never share it' });
      await start();

      const common = {
        apiKey: bench.vendor.access.apiKey,
        numbers: ['966512345678'],
        sender: 'Acme',
        method: 'sms',
        requestId: '0193f1d26a0b7c3d8e4f5a6b7c8d9e0f-1',
        note: 'Never share it',
        returnJson: 1,
      };
      expect(received()).toEqual({ ...common, lang: 'en' });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/verify.php',
        headers: { authorization: `Bearer ${bench.vendor.access.apiKey}`, 'content-type': 'application/json' },
      });
      expect(bench.vendor.messages()).toMatchObject([{ text: expect.stringMatching(/: \d{4} Never share it$/) }]);

      await check('0042');

      expect(received()).toEqual({ ...common, activeKey: '0042' });
    });

    it('omits options that are not configured', async () => {
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

    it('writes in the configured default language', async () => {
      await start(attempt(), { of: adapter({ defaultLanguage: 'en' }), locale: 'he' });

      expect(received()).toMatchObject({ lang: 'en' });
    });

    it.each([attempt(), attempt(12), 'short', 'ليس معرفا', 'x'.repeat(200), `${attempt()}\r\n`])(
      'identifies each attempt by a short plain id, the same at its check: %j',
      async (attemptId) => {
        await start(attemptId);
        const { requestId } = received();
        await check('0000', attemptId);

        expect(requestId).toMatch(/^[A-Za-z0-9-]{1,36}$/);
        expect(received()).toMatchObject({ requestId });
      },
    );

    it('uses a different id for each attempt', async () => {
      for (const attemptId of [attempt(1), attempt(2), 'a-b', 'ab']) await start(attemptId);

      const ids = bench.vendor.requests.map(({ body }) => (JSON.parse(body) as [{ requestId: string }])[0].requestId);
      expect(new Set(ids).size).toBe(4);
    });

    it('refuses numbers outside +966 without a call, unless "internationalNumbers" is set', async () => {
      const phone = '+2348109477743';
      await expect(start(attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check('1234', attempt(), { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      expect(bench.vendor.requests).toEqual([]);

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
    describe.each(['envelope', 'flat'] as const)('in %s responses', (answers) => {
      it.each(RESULTS)('maps %d to "%s" at a send and "%s" at a check', async (result, atSend, atCheck) => {
        await open({ answers });
        bench.vendor.answerAlways(result);

        expect(await start()).toMatchObject({ outcome: atSend });
        expect(await check('1234')).toMatchObject({ outcome: atCheck });
      });
    });

    it('FLT-10: reports refusals as certainly not sent', async () => {
      for (const result of [0, 1, 3, 4, 8, 13]) {
        bench.vendor.answerAlways(result);
        expect((await start()).ambiguous).toBeUndefined();
      }
    });

    it.each([
      ['The activation code has already been sent, you can re-send it in 45 second', 45],
      ['wait 0 seconds', 1],
      ['wait 966512345678, then 30', 30],
      ['wait', 60],
      ['', 60],
    ])('reads the wait of result 7 from %j as %d s', async (message, retryAfterSeconds) => {
      bench.vendor.answerAlways(7, message);

      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds });
    });

    it('uses the configured wait if result 7 contains none', async () => {
      bench.vendor.answerAlways(7, 'wait');

      await expect(start(attempt(), { of: adapter({ cooldownSeconds: 90 }) })).resolves.toEqual({
        outcome: 'resend_too_soon',
        retryAfterSeconds: 90,
      });
    });

    it.each([
      ['Sender name is not authorized', 'rejected_sender'],
      ['Your balance is 0', 'insufficient_balance'],
      ['Unknown error Please contact technical support', 'unknown'],
    ])('maps result 6 with the message %j to "%s"', async (message, outcome) => {
      bench.vendor.answerAlways(6, message);

      expect(await start()).toEqual({ outcome });
      expect(await check('1234')).toEqual({ outcome });
    });
  });

  describe('success', () => {
    const envelope = (result: unknown, rest = {}) =>
      JSON.stringify({ status: 1, ResponseStatus: 'success', Data: { result }, Error: null, ...rest });

    bench.itReads('SEC-60: accepts 10 in %s as verified', () => check('1234'), verified, [
      ['the envelope', envelope(10)],
      ['the envelope, as text', envelope('10')],
      ['an array with one element', `[${envelope(10)}]`],
      ['the envelope with more in it', envelope(10, { Data: { result: 10, id: 7, MessageEn: 'done' }, Error: {} })],
      ['"code"', '{"code":10}'],
      ['"statusCode"', '{"statusCode":"10"}'],
      ['"result"', '{"result":10}'],
      ['"status" without an envelope', '{"status":10}'],
    ]);

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
      ['an invalid result before a better one', '{"Data":{"result":" 10"},"code":10}'],
      ['data of another shape', '{"Data":[{"result":10}]}'],
      ['data as text', '{"Data":"{\\"result\\":10}"}'],
      ['a "__proto__" key', '{"__proto__":{"code":10},"constructor":{"code":10}}'],
      ['a different spelling', '{"CODE":10,"Result":10}'],
      ['a message', '{"MessageEn":"Activation process completed successfully."}'],
      ['nothing', '{}'],
      ['null alone', 'null'],
      ['true alone', 'true'],
      ['JSON with trailing characters', `${envelope(10)}1`],
      ['a call-back', `f(${envelope(10)})`],
      ['an empty body', ''],
    ])('SEC-60 FLT-12: does not accept %s', async (_, body) => {
      answer(body);
      const { outcome } = await check('1234');

      expect(['provider_unavailable', 'unknown', 'unauthorized']).toContain(outcome);

      // The same with 5, the success of a send: it must not count as sent.
      answer(body.replaceAll('10', '5'));
      expect((await start()).outcome).not.toBe('sent');
    });

    it.each([202, 204, 206, 299, 400, 404, 418])('SEC-60: does not accept 10 with status %s', async (status) => {
      answer(status === 204 ? '' : envelope(10), status);

      await expect(check('1234')).resolves.toEqual(unavailable);
    });

    it('SEC-60: accepts a 201 like a 200', async () => {
      answer(envelope(10), 201);

      await expect(check('1234')).resolves.toEqual(verified);
    });

    it('reads a refusal from a bare number', async () => {
      answer('1');

      await expect(check('1234')).resolves.toEqual({ outcome: 'unauthorized' });
    });

    it('SEC-63: accepts no well-known code', async () => {
      await open({ codeLength: 6 });
      await start();

      await expect(check(bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('secrets', () => {
    it('passes masked exchanges with their outcomes to "onExchange"', async () => {
      const exchanges = await bench.exchangesOf(async () => {
        await start();
        await check(code());
      });

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
    it('calls the documented URL by default', async () => {
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

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('taqnyat-verify', 'delegated', {
        correlation: 'caller_id',
        codeLength: 4,
        ttlSeconds: 300,
        maxAttempts: 3,
        resendCooldown: 60,
        languages: ['ar', 'en'],
        distinguishesExpired: false,
      });
      expect(
        adapter({ codeLength: 'unknown', ttlSeconds: 120, maxAttempts: 5, cooldownSeconds: 90, note: 'x' })
          .capabilities,
      ).toMatchObject({ codeLength: 'unknown', ttlSeconds: 120, maxAttempts: 5, resendCooldown: 90, fixedText: true });
    });

    it('SEC-63: accepts a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter().capabilities.developmentOnly).toBe(true);
    });

    bench.itRefusesOptions('apiKey', [
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
    ]);
  });

  describe('the simulator', () => {
    const post = async (body: unknown, key = bench.vendor.access.apiKey) =>
      (
        await fetch(`${bench.vendor.url}/verify.php`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify(body),
        })
      ).text();
    const fields = () => ({ apiKey: bench.vendor.access.apiKey, numbers: ['966512345678'], requestId: '1' });

    it('compares 3 codes per request id, including the correct one', async () => {
      await start();
      for (let attempts = 0; attempts < 3; attempts++) expect(await check(wrong())).toEqual(incorrect);

      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('sends 3 messages per request id, a minute apart', async () => {
      for (let sent = 0; sent < 3; sent++) {
        await expect(start()).resolves.toEqual({ outcome: 'sent' });
        bench.now += 15_500;
        await expect(start()).resolves.toMatchObject(
          sent < 2 ? { outcome: 'resend_too_soon', retryAfterSeconds: 45 } : { outcome: 'rate_limited' },
        );
        bench.now += 44_500;
      }

      expect(bench.vendor.messages(PHONE)).toHaveLength(3);
    });

    it('can apply the cooldown per number', async () => {
      await open({ now: () => bench.now, cooldownPer: 'number' });
      await start();

      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 60 });
      bench.now += 60_000;
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'sent' });
    });

    it('expires codes and reports them as wrong', async () => {
      await start();
      bench.now += 300_000;

      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('sends no more messages for a verified request id', async () => {
      await start();
      await check(code());

      await expect(start()).resolves.toEqual({ outcome: 'already_verified' });
      await expect(start(attempt(2))).resolves.toEqual({ outcome: 'sent' });
    });

    it('accepts a code only for its number and request id', async () => {
      await start();

      await expect(check(code(), attempt(2))).resolves.toEqual(incorrect);
      await expect(check(code(), attempt(), { phone: '+966512345679' })).resolves.toEqual({
        outcome: 'incorrect_code',
      });
    });

    it('checks the key in header and body', async () => {
      await expect(start(attempt(), { of: adapter({ apiKey: 'other' }) })).resolves.toEqual({
        outcome: 'unauthorized',
      });
      expect(await post([{ ...fields(), apiKey: 'other' }])).toBe('1');
      expect(await post([fields()], 'other')).toBe('1');
    });

    it('returns a bare number unless JSON is requested', async () => {
      expect(await post([fields()])).toBe('5');
      expect(await post({ ...fields(), activeKey: code() })).toBe('10');
      expect(await post({ ...fields(), activeKey: code(), returnJson: 1 })).toContain('"ErrorCode":13');
    });

    it.each([[[]], [['966512345678', '966512345679']], [['0512345678']], [['+966512345678']], ['966512345678']])(
      'refuses the numbers %j',
      async (numbers) => {
        expect(await post([{ ...fields(), numbers }])).toBe('3');
      },
    );

    it('writes Arabic messages by default', async () => {
      await post([fields()]);

      expect(bench.vendor.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز التحقق: \d{4}$/) }]);
    });

    it('fails the configured number of times', async () => {
      bench.vendor.fault({ kind: 'status', status: 503 }, 2);

      const outcomes = [await start(), await start(), await start()].map(({ outcome }) => outcome);
      expect(outcomes).toEqual(['unknown', 'unknown', 'sent']);
    });
  });
});
