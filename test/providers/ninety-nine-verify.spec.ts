import { OtpConfigError } from 'nestjs-phone-otp';
import { NinetyNineVerify } from 'nestjs-phone-otp/ninety-nine';
import type { CheckOutcome, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { NinetyNineSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+972502345678';
const { incorrect, unavailable, unclear, verified } = receipts;

describe('99 Digital Verify', () => {
  const bench = vendorBench(NinetyNineSimulator, NinetyNineVerify, { phone: PHONE, region: 'IL' });
  const { adapter, answer, code, open, wrong } = bench;
  const start = ({ of = bench.provider, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...bench.start(phone), locale }, within());
  const check = (code: string, { of = bench.provider, phone = PHONE } = {}) =>
    of.check({ ...bench.recipient, phone, code }, within());

  describe('a verification', () => {
    it('sends a code and accepts it once', async () => {
      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: '63433453' });
      expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: `Your verification code is: ${code()}` }]);

      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('sends the documented requests: form data, with the number in national format', async () => {
      await start({ of: adapter({ message: 'Acme: ##code##' }) });

      const { apiKey } = bench.vendor.access;
      expect(await bench.receivedForm()).toEqual({
        apiKey,
        from: 'Acme',
        to: '0502345678',
        message: 'Acme: ##code##',
      });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/sms/verifySMS',
        headers: { 'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/) },
      });
      expect(bench.vendor.messages()).toMatchObject([{ text: `Acme: ${code()}` }]);

      await check('0042');

      expect(await bench.receivedForm()).toEqual({ apiKey, to: '0502345678', code: '0042' });
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/sms/verifySMS' });
    });

    it('omits the text if none is configured', async () => {
      await start();

      expect(await bench.receivedForm()).not.toHaveProperty('message');
    });

    it.each([
      ['he', 'הקוד: ##code##'],
      ['HE_il', 'הקוד: ##code##'],
      ['ar-IL', 'Code: ##code##'],
      ['', 'Code: ##code##'],
      ['__proto__', 'Code: ##code##'],
    ])('writes for the locale "%s": %s', async (locale, message) => {
      await start({ of: adapter({ message: { default: 'Code: ##code##', he: 'הקוד: ##code##' } }), locale });

      expect(await bench.receivedForm()).toMatchObject({ message });
    });

    it.each(['+966512345678', '+97221234567', '+972771234567', '+970591234567', '+97250234567', '0502345678'])(
      'refuses %s without a call, because the vendor serves only Israeli mobile numbers',
      async (phone) => {
        await expect(start({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check('123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        expect(bench.vendor.requests).toEqual([]);
      },
    );

    it('checks at the configured "checkPath"', async () => {
      await check('123456', { of: adapter({ checkPath: '/sms/checkSMS' }) });

      expect(bench.vendor.requests[0]).toMatchObject({ path: '/sms/checkSMS' });
    });
  });

  describe('reasons', () => {
    const REASONS: [reason: number, receipt: SendReceipt][] = [
      [2, { outcome: 'rejected_sender' }],
      [3, { outcome: 'rejected_sender' }],
      [4, { outcome: 'unknown', ambiguous: false }],
      [5, { outcome: 'unknown' }],
      [6, { outcome: 'unauthorized' }],
      [7, { outcome: 'invalid_number' }],
      [8, { outcome: 'unknown', ambiguous: false }],
      [9, { outcome: 'rejected_sender' }],
      [10, { outcome: 'unknown', ambiguous: false }],
      [11, unclear as SendReceipt],
      [0, unclear as SendReceipt],
    ];
    it.each(REASONS)('maps %d at a send to %j', async (reason, receipt) => {
      bench.vendor.answerAlways({ reason });

      await expect(start()).resolves.toEqual(receipt);
    });

    it.each([
      [6, 'unauthorized'],
      [7, 'invalid_number'],
      [5, 'unknown'],
      [1, 'unknown'],
      [99, 'unknown'],
    ] satisfies [number, CheckOutcome][])('maps %d in a failed check to "%s"', async (reason, outcome) => {
      answer({ status: 'FAIL', reason });

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it('reads a failure with any status', async () => {
      answer('{"status":"FAIL","reason":6}', 400);

      await expect(start()).resolves.toEqual({ outcome: 'unauthorized' });
    });
  });

  describe('statuses of a check', () => {
    it.each([0, 2, 3, -1, 10, 200])('%d means an incorrect code, because only 1 is documented', async (status) => {
      bench.vendor.answerAlways({ status });

      await expect(check('123456')).resolves.toEqual(incorrect);
    });

    it('have the configured meaning', async () => {
      await open({ maxAttempts: 1, checkStatuses: { wrong: 0, expired: 2, exhausted: -3 } });
      const of = adapter({ checkStatuses: { 2: 'expired', [-3]: 'attempts_exhausted' } });
      await start();

      await expect(check(wrong(), { of })).resolves.toEqual(incorrect);
      await expect(check(wrong(), { of })).resolves.toEqual({ outcome: 'attempts_exhausted' });
      bench.vendor.answerAlways({ status: 2 });
      await expect(check(code(), { of })).resolves.toEqual({ outcome: 'expired' });
      expect(of.capabilities.distinguishesExpired).toBe(true);
    });
  });

  describe('success', () => {
    const right = { status: 1, phone: '0502345678' };

    bench.itReads('SEC-60: accepts %s as verified', () => check('123456'), verified, [
      ['the documented response', JSON.stringify(right)],
      ['the documented response with additional fields', JSON.stringify({ ...right, timestamp: 1600115719 })],
    ]);

    bench.itReads('SEC-60: does not accept %s as verified', () => check('123456'), unavailable, [
      ['a different phone', { ...right, phone: '0502345679' }],
      ['the phone in another format', { ...right, phone: '+972502345678' }],
      ['the phone as a number', { ...right, phone: 502345678 }],
      ['no phone', { status: 1 }],
      ['a phone that is null', { ...right, phone: null }],
      ['a list of phones', { ...right, phone: ['0502345678'] }],
      ['the status "1"', { ...right, status: '1' }],
      ['the status " 1"', { ...right, status: ' 1' }],
      ['the status "OK"', { ...right, status: 'OK' }],
      ['the success of a send', { ...right, status: 'OK', reason: 1, unique: '63433453' }],
      ['the status true', { ...right, status: true }],
      ['the status "true"', { ...right, status: 'true' }],
      ['the status [1]', { ...right, status: [1] }],
      ['a nested {"status":1}', { ...right, status: { status: 1 } }],
      ['the status null', { ...right, status: null }],
      ['1 in a different field', { ...right, status: undefined, reason: 1, code: 1 }],
      ['an array with one element', [right]],
      ['a JSON string', JSON.stringify(JSON.stringify(right))],
      ['1', 1],
      ['true', true],
    ]);

    bench.itReads('SEC-60: does not accept %s as verified', () => check('123456'), unavailable, [
      ['1.0', '{"status":1.0,"phone":"0502345678"}'],
      ['1.0e0', '{"status":1.0e0,"phone":"0502345678"}'],
      ['a "__proto__" key', '{"__proto__":{"status":1,"phone":"0502345678"}}'],
      ['the documented sample with its trailing comma', '{"status":1,"phone":"0502345678",}'],
      ['JSON with trailing characters', '{"status":1,"phone":"0502345678"}1'],
      ['HTML', '<p>{"status":1,"phone":"0502345678"}</p>'],
      ['an empty body', ''],
    ]);

    bench.itReads(
      'SEC-60: does not accept 1 with status %s',
      () => check('123456'),
      unavailable,
      withStatuses(right, 201, 202, 206, 400, 404, 418),
    );

    bench.itReads('SEC-60: reports a send with %s as unknown', () => start(), unclear, [
      ['no reason', '{"status":"OK","unique":"1"}'],
      ['a different reason', '{"status":"OK","unique":"1","reason":6}'],
      ['the reason as text', '{"status":"OK","unique":"1","reason":"1"}'],
      ['the reason as 1.0', '{"status":"OK","unique":"1","reason":1.0}'],
      ['a different spelling', '{"status":"ok","unique":"1","reason":1}'],
      ['a failure with the reason of success', '{"status":"FAIL","unique":"1","reason":1}'],
      ['true', '{"status":true,"unique":"1","reason":1}'],
      ['the success of a check', '{"status":1,"phone":"0502345678"}'],
      ['an array', '[{"status":"OK","unique":"1","reason":1}]'],
    ]);

    it.each([
      ['63433453', '63433453'],
      [63433453, '63433453'],
      ['a b', undefined],
      [{}, undefined],
      [null, undefined],
      [undefined, undefined],
    ])('reads the reference from "unique" %j if it is a usable id', async (unique, reference) => {
      answer({ status: 'OK', reason: 1, unique });

      await expect(start()).resolves.toEqual({ outcome: 'sent', ...(reference && { reference }) });
    });

    it('SEC-63: accepts no well-known code', async () => {
      await start();

      await expect(check(bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('the delivery status', () => {
    const status = (reference: string | undefined, phone = PHONE) =>
      bench.provider.deliveryStatus({ phone, reference }, within());

    it('reports the delivery status of a message', async () => {
      const { reference } = await start();

      await expect(status(reference)).resolves.toEqual({ outcome: 'delivered', code: 102, operator: 'Cellcom' });
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/sms/deliveryStatus' });
      expect(await bench.receivedForm()).toEqual({ apiKey: bench.vendor.access.apiKey, unique: reference });
    });

    it.each([
      ...[-1, 0, 102].map((code) => [code, 'delivered']),
      ...[1, 3, 5, 6, 101, 105, 106, 107, 109, 120, 132, 999, 4, 14, 104].map((code) => [code, 'failed']),
      ...[2, 103].map((code) => [code, 'timed_out']),
      [15, 'cannot_receive'],
      ...[17, 201].map((code) => [code, 'opted_out']),
      ...[18, 998].map((code) => [code, 'illegal_message']),
      [747, 'outside_israel'],
      ...[7, 100, 108, 133].map((code) => [code, 'unknown']),
    ] as [number, string][])('maps %d to "%s"', async (code, outcome) => {
      const { reference } = await start();
      bench.vendor.report(reference!, code);

      await expect(status(reference)).resolves.toMatchObject({ outcome, code });
    });

    it('is the newest one of the same phone', async () => {
      answer('[{"to":"0502345678","code":2},{"to":"0502345678","code":102},{"to":"0502345679","code":15}]');

      await expect(status('1')).resolves.toEqual({ outcome: 'delivered', code: 102 });
      await expect(status('1', '+972502345677')).resolves.toEqual({ outcome: 'unknown' });
    });

    it.each(['[]', '{}', '[{"to":"0502345678"}]', '[{"to":"0502345678","code":"102"}]', '[null]', '<p>', ''])(
      'is unknown after the response %s',
      async (body) => {
        answer(body);

        await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
      },
    );

    it('is unknown for an unknown message or phone, and if the vendor is unreachable', async () => {
      await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
      await expect(status(undefined)).resolves.toEqual({ outcome: 'unknown' });
      await expect(status('1', '+966512345678')).resolves.toEqual({ outcome: 'unknown' });
      bench.vendor.fault({ kind: 'reset' });
      await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
    });
  });

  describe('options', () => {
    const create = (options: object) => new NinetyNineVerify({ apiKey: 'key', sender: 'Acme', ...options });

    it('calls the documented URL by default', async () => {
      const urls: unknown[] = [];
      const answer = '{"status":"OK","reason":1}';
      await start({ of: create({ fetch: async (url: string) => (urls.push(url), new Response(answer)) }) });

      expect(urls).toEqual(['https://api.99digital.co.il/sms/verifySMS']);
    });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('ninety-nine-verify', 'delegated', {
        correlation: 'phone',
        codeLength: 'unknown',
        ttlSeconds: 600,
        maxAttempts: 5,
        resendCooldown: 60,
        languages: ['en'],
        distinguishesExpired: false,
      });
      const options = { codeLength: 4, maxAttempts: 3, cooldownSeconds: 90, message: '##code##' };
      expect(create(options).capabilities).toMatchObject({
        codeLength: 4,
        maxAttempts: 3,
        resendCooldown: 90,
        languages: 'any',
        fixedText: true,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    it.each([
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key\r\nx: y'],
      ['baseUrl', 'http://api.99digital.co.il'],
      ['sender', undefined],
      ['sender', ''],
      ['sender', 'Acme\n'],
      ['sender', 'twelve chars'],
      ['sender', '+972501234'],
      ['message', ''],
      ['message', 'no place for the code'],
      ['message', '##CODE##'],
      ['message', '##code## and ##code##'],
      ['message', 'two\nlines ##code##'],
      ['message', `##code##${'x'.repeat(400)}`],
      ['message', null],
      ['message', 6],
      ['message.default', undefined, { message: { he: '##code##' } }],
      ['message.he', undefined, { message: { default: '##code##', he: 'קוד' } }],
      ['checkPath', 'sms/verifySMS'],
      ['checkPath', '/sms/verifySMS?x=1'],
      ['checkPath', '//elsewhere.example/'],
      ['checkPath', '/../x'],
      ['checkStatuses', { 1: 'expired' }],
      ['checkStatuses', { ok: 'expired' }],
      ['checkStatuses', { '1.0': 'expired' }],
      ['checkStatuses.2', undefined, { checkStatuses: { 2: 'verified' } }],
      ['codeLength', 3],
      ['codeLength', 9],
      ['codeLength', '6'],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['cooldownSeconds', 0],
      ['fetch', 'fetch'],
    ])(
      'refuses "%s" with the value %j and names the option',
      (option, value, options: object = { [option]: value }) => {
        expect(() => create(options)).toThrow(OtpConfigError);
        expect(() => create(options)).toThrow(new RegExp(`^"${option}(\\.default)?" must `));
      },
    );

    bench.itRequiresOptions('apiKey');

    it('SEC-61: never repeats a value', () => {
      for (const options of [{ apiKey: 'canary key' }, { sender: 'canary sender' }, { message: 'canary' }]) {
        expect(() => create(options)).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining('canary') }),
        );
      }
    });
  });

  describe('the simulator', () => {
    const post = async (path: string, form: Record<string, string>) => {
      const body = new URLSearchParams(form);
      return (await fetch(bench.vendor.url + path, { method: 'POST', body })).json() as Promise<
        Record<string, unknown>
      >;
    };
    const { sender: from, apiKey } = { sender: 'Acme', apiKey: 'ninety-nine-simulator-key' };
    const right = { apiKey, from, to: '0502345678' };

    it('expires codes after 10 minutes', async () => {
      await start();
      bench.now += 599_999;
      await expect(check(wrong())).resolves.toEqual(incorrect);
      bench.now += 1;

      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('compares 5 codes per message', async () => {
      await start();
      for (let attempts = 0; attempts < 5; attempts++) await check(wrong());
      await expect(check(code())).resolves.toEqual(incorrect);
      await start();

      await expect(check(code())).resolves.toEqual(verified);
    });

    it('accepts a code only for its number', async () => {
      await start();

      await expect(check(code(), { phone: '+972502345679' })).resolves.toEqual(incorrect);
    });

    it.each([
      [6, { apiKey: 'other' }],
      [6, { apiKey: '' }],
      [9, { from: '' }],
      [2, { from: 'twelve chars' }],
      [3, { from: '0509999999' }],
      [7, { to: '' }],
      [5, { to: '972502345678' }],
      [10, { message: 'no place' }],
      [1, { from: '0501234567' }],
      [1, { message: '##code##' }],
    ])('returns reason %d for %j', async (reason, fields) => {
      await expect(post('/sms/verifySMS', { ...right, ...fields })).resolves.toMatchObject({
        status: reason === 1 ? 'OK' : 'FAIL',
        reason,
      });
      expect(bench.vendor.messages()).toHaveLength(reason === 1 ? 1 : 0);
    });

    it('returns the documented responses', async () => {
      await expect(post('/sms/verifySMS', right)).resolves.toEqual({
        status: 'OK',
        unique: expect.stringMatching(/^\d+$/),
        timestamp: expect.any(Number),
        from: 'Acme',
        reason: 1,
      });
      await expect(post('/sms/verifySMS', { apiKey, to: right.to, code: code() })).resolves.toEqual({
        status: 1,
        phone: '0502345678',
      });
    });

    it('checks the key at a check and at a delivery status', async () => {
      await start();

      await expect(post('/sms/verifySMS', { apiKey: 'x', to: right.to, code: code() })).resolves.toMatchObject({
        reason: 6,
      });
      await expect(post('/sms/deliveryStatus', { apiKey: 'x', unique: '63433453' })).resolves.toMatchObject({
        reason: 6,
      });
    });

    it('refuses other paths, methods and bodies', async () => {
      expect((await fetch(`${bench.vendor.url}/sms`, { method: 'POST' })).status).toBe(404);
      expect((await fetch(`${bench.vendor.url}/sms/verifySMS`)).status).toBe(404);
      const json = await fetch(`${bench.vendor.url}/sms/verifySMS`, { method: 'POST', body: JSON.stringify(right) });
      await expect(json.json()).resolves.toMatchObject({ reason: 6 });
    });
  });
});
