import { OtpConfigError } from 'nestjs-phone-otp';
import { NinetyNineVerify, type NinetyNineVerifyOptions } from 'nestjs-phone-otp/ninety-nine';
import type { CheckOutcome, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { NinetyNineSimulator, type NinetyNineSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { formOf } from '../support/vendor-wire.js';

const PHONE = '+972502345678';
const recipient = { phone: PHONE, region: 'IL', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const common = { ...recipient, purpose: 'login', appName: 'Acme', codeLength: 6, ttlSeconds: 300, maxAttempts: 5 };

describe('99 Digital Verify', () => {
  let vendor: NinetyNineSimulator;
  let provider: NinetyNineVerify;

  async function open(options: NinetyNineSimulatorOptions = {}): Promise<void> {
    await vendor?.stop();
    vendor = await new NinetyNineSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => vendor.stop());

  const adapter = (options: Partial<NinetyNineVerifyOptions> = {}) =>
    new NinetyNineVerify({ ...vendor.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = ({ of = provider, ms = 5_000, phone = PHONE, locale = 'en' } = {}) =>
    of.start({ ...common, phone, locale }, within(ms));
  const check = (code: string, { of = provider, ms = 5_000, phone = PHONE } = {}) =>
    of.check({ ...recipient, phone, code }, within(ms));
  const code = () => vendor.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const answered = (body: string, status = 200) => vendor.fault({ kind: 'answer', status, body });
  const incorrect = { outcome: 'incorrect_code' };
  const unavailable = { outcome: 'provider_unavailable' };
  const unclear = { outcome: 'unknown', ambiguous: true };

  describe('a verification', () => {
    it('sends a code and takes it once', async () => {
      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: '63433453' });
      expect(vendor.messages()).toMatchObject([{ phone: PHONE, text: `Your verification code is: ${code()}` }]);

      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('asks as the vendor documents: form data, the number as it is dialled in Israel', async () => {
      await start({ of: adapter({ message: 'Acme: ##code##' }) });

      const { apiKey } = vendor.access;
      expect(await formOf(vendor.requests[0]!)).toEqual({
        apiKey,
        from: 'Acme',
        to: '0502345678',
        message: 'Acme: ##code##',
      });
      expect(vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/sms/verifySMS',
        headers: { 'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/) },
      });
      expect(vendor.messages()).toMatchObject([{ text: `Acme: ${code()}` }]);

      await check('0042');

      expect(await formOf(vendor.requests[0]!)).toEqual({ apiKey, to: '0502345678', code: '0042' });
      expect(vendor.requests[0]).toMatchObject({ method: 'POST', path: '/sms/verifySMS' });
    });

    it('leaves the text to the vendor where the host sets none', async () => {
      await start();

      expect(await formOf(vendor.requests[0]!)).not.toHaveProperty('message');
    });

    it.each([
      ['he', 'הקוד: ##code##'],
      ['HE_il', 'הקוד: ##code##'],
      ['ar-IL', 'Code: ##code##'],
      ['', 'Code: ##code##'],
      ['__proto__', 'Code: ##code##'],
    ])('writes for the locale "%s": %s', async (locale, message) => {
      await start({ of: adapter({ message: { default: 'Code: ##code##', he: 'הקוד: ##code##' } }), locale });

      expect(await formOf(vendor.requests[0]!)).toMatchObject({ message });
    });

    it.each(['+966512345678', '+97221234567', '+972771234567', '+970591234567', '+97250234567', '0502345678'])(
      'refuses %s without a call: the vendor serves Israeli mobile numbers',
      async (phone) => {
        await expect(start({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check('123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        expect(vendor.requests).toEqual([]);
      },
    );

    it('checks at another address once the vendor prints one', async () => {
      await check('123456', { of: adapter({ checkPath: '/sms/checkSMS' }) });

      expect(vendor.requests[0]).toMatchObject({ path: '/sms/checkSMS' });
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
    it.each(REASONS)('%d at a send is %j', async (reason, receipt) => {
      vendor.answerAlways({ reason });

      await expect(start()).resolves.toEqual(receipt);
    });

    it.each([
      [6, 'unauthorized'],
      [7, 'invalid_number'],
      [5, 'unknown'],
      [1, 'unknown'],
      [99, 'unknown'],
    ] satisfies [number, CheckOutcome][])('%d in a failed check is %s', async (reason, outcome) => {
      answered(JSON.stringify({ status: 'FAIL', reason }));

      await expect(check('123456')).resolves.toEqual({ outcome });
    });

    it('takes a failure at its word whatever the status line says', async () => {
      answered('{"status":"FAIL","reason":6}', 400);

      await expect(start()).resolves.toEqual({ outcome: 'unauthorized' });
    });
  });

  describe('statuses of a check', () => {
    it.each([0, 2, 3, -1, 10, 200])('%d is an incorrect code: only 1 is documented', async (status) => {
      vendor.answerAlways({ status });

      await expect(check('123456')).resolves.toEqual(incorrect);
    });

    it('mean what the host says they mean', async () => {
      await open({ maxAttempts: 1, checkStatuses: { wrong: 0, expired: 2, exhausted: -3 } });
      const of = adapter({ checkStatuses: { 2: 'expired', [-3]: 'attempts_exhausted' } });
      await start();

      await expect(check(wrong(), { of })).resolves.toEqual(incorrect);
      await expect(check(wrong(), { of })).resolves.toEqual({ outcome: 'attempts_exhausted' });
      vendor.answerAlways({ status: 2 });
      await expect(check(code(), { of })).resolves.toEqual({ outcome: 'expired' });
      expect(of.capabilities.distinguishesExpired).toBe(true);
    });
  });

  describe('what counts as success', () => {
    const right = { status: 1, phone: '0502345678' };

    it.each([
      ['the documented answer', JSON.stringify(right)],
      ['the documented answer with more in it', JSON.stringify({ ...right, timestamp: 1600115719 })],
    ])('SEC-60: %s is verified', async (_, body) => {
      answered(body);

      await expect(check('123456')).resolves.toEqual({ outcome: 'verified' });
    });

    it.each([
      ['another phone', { ...right, phone: '0502345679' }],
      ['the phone written otherwise', { ...right, phone: '+972502345678' }],
      ['the phone as a number', { ...right, phone: 502345678 }],
      ['no phone', { status: 1 }],
      ['a phone that is null', { ...right, phone: null }],
      ['a list of phones', { ...right, phone: ['0502345678'] }],
      ['"1"', { ...right, status: '1' }],
      ['" 1"', { ...right, status: ' 1' }],
      ['"OK"', { ...right, status: 'OK' }],
      ['the success of a send', { ...right, status: 'OK', reason: 1, unique: '63433453' }],
      ['true', { ...right, status: true }],
      ['"true"', { ...right, status: 'true' }],
      ['[1]', { ...right, status: [1] }],
      ['{"status":1} within', { ...right, status: { status: 1 } }],
      ['null', { ...right, status: null }],
      ['1 as another field', { ...right, status: undefined, reason: 1, code: 1 }],
      ['an array of one', [right]],
      ['text', JSON.stringify(right)],
      ['1 alone', 1],
      ['true alone', true],
    ])('SEC-60: %s is not', async (_, body) => {
      answered(JSON.stringify(body));

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it.each([
      ['1.0', '{"status":1.0,"phone":"0502345678"}'],
      ['1.0e0', '{"status":1.0e0,"phone":"0502345678"}'],
      ['a prototype', '{"__proto__":{"status":1,"phone":"0502345678"}}'],
      ['the printed sample, whose last comma is no JSON', '{"status":1,"phone":"0502345678",}'],
      ['JSON with more after it', '{"status":1,"phone":"0502345678"}1'],
      ['a page', '<p>{"status":1,"phone":"0502345678"}</p>'],
      ['nothing', ''],
    ])('SEC-60: %s is not', async (_, body) => {
      answered(body);

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it.each([201, 202, 206, 400, 404, 418])('SEC-60: 1 with status line %d is not', async (status) => {
      answered(JSON.stringify(right), status);

      await expect(check('123456')).resolves.toEqual(unavailable);
    });

    it.each([
      ['no reason', '{"status":"OK","unique":"1"}'],
      ['another reason', '{"status":"OK","unique":"1","reason":6}'],
      ['the reason as text', '{"status":"OK","unique":"1","reason":"1"}'],
      ['the reason as 1.0', '{"status":"OK","unique":"1","reason":1.0}'],
      ['another spelling', '{"status":"ok","unique":"1","reason":1}'],
      ['a failure with the reason of success', '{"status":"FAIL","unique":"1","reason":1}'],
      ['true', '{"status":true,"unique":"1","reason":1}'],
      ['the success of a check', '{"status":1,"phone":"0502345678"}'],
      ['an array', '[{"status":"OK","unique":"1","reason":1}]'],
    ])('SEC-60: a send with %s is unclear', async (_, body) => {
      answered(body);

      await expect(start()).resolves.toEqual(unclear);
    });

    it.each([
      ['63433453', '63433453'],
      [63433453, '63433453'],
      ['a b', undefined],
      [{}, undefined],
      [null, undefined],
      [undefined, undefined],
    ])('names the message by its "unique" %j, if that can be a name', async (unique, reference) => {
      answered(JSON.stringify({ status: 'OK', reason: 1, unique }));

      await expect(start()).resolves.toEqual({ outcome: 'sent', ...(reference && { reference }) });
    });

    it('SEC-63: takes no well-known code', async () => {
      await start();

      await expect(check(code() === '123456' ? '000000' : '123456')).resolves.toEqual(incorrect);
    });
  });

  describe('the delivery status', () => {
    const status = (reference: string | undefined, phone = PHONE) =>
      provider.deliveryStatus({ phone, reference }, within());

    it('tells what became of a message', async () => {
      const { reference } = await start();

      await expect(status(reference)).resolves.toEqual({ outcome: 'delivered', code: 102, operator: 'Cellcom' });
      expect(vendor.requests[0]).toMatchObject({ method: 'POST', path: '/sms/deliveryStatus' });
      expect(await formOf(vendor.requests[0]!)).toEqual({ apiKey: vendor.access.apiKey, unique: reference });
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
    ] as [number, string][])('%d is %s', async (code, outcome) => {
      const { reference } = await start();
      vendor.report(reference!, code);

      await expect(status(reference)).resolves.toMatchObject({ outcome, code });
    });

    it('is the newest of several, and of this phone only', async () => {
      answered('[{"to":"0502345678","code":2},{"to":"0502345678","code":102},{"to":"0502345679","code":15}]');

      await expect(status('1')).resolves.toEqual({ outcome: 'delivered', code: 102 });
      await expect(status('1', '+972502345677')).resolves.toEqual({ outcome: 'unknown' });
    });

    it.each(['[]', '{}', '[{"to":"0502345678"}]', '[{"to":"0502345678","code":"102"}]', '[null]', '<p>', ''])(
      'is unknown after the answer %s',
      async (body) => {
        answered(body);

        await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
      },
    );

    it('is unknown for a message or a phone that the vendor does not know, and when it cannot be asked', async () => {
      await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
      await expect(status(undefined)).resolves.toEqual({ outcome: 'unknown' });
      await expect(status('1', '+966512345678')).resolves.toEqual({ outcome: 'unknown' });
      vendor.fault({ kind: 'reset' });
      await expect(status('1')).resolves.toEqual({ outcome: 'unknown' });
    });
  });

  describe('options', () => {
    const make = (options: object) => new NinetyNineVerify({ apiKey: 'key', sender: 'Acme', ...options });

    it('call the documented address by default', async () => {
      const urls: unknown[] = [];
      const answer = '{"status":"OK","reason":1}';
      await start({ of: make({ fetch: async (url: string) => (urls.push(url), new Response(answer)) }) });

      expect(urls).toEqual(['https://api.99digital.co.il/sms/verifySMS']);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(make({})).toMatchObject({
        name: 'ninety-nine-verify',
        mode: 'delegated',
        capabilities: {
          correlation: 'phone',
          codeLength: 'unknown',
          ttlSeconds: 600,
          maxAttempts: 5,
          resendCooldown: 60,
          languages: ['en'],
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: false,
          developmentOnly: false,
        },
      });
      const options = { codeLength: 4, maxAttempts: 3, cooldownSeconds: 90, message: '##code##' };
      expect(make(options).capabilities).toMatchObject({
        codeLength: 4,
        maxAttempts: 3,
        resendCooldown: 90,
        languages: 'any',
        fixedText: true,
      });
    });

    it('SEC-63: reach a simulator in test mode only, which is for development only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter().capabilities.developmentOnly).toBe(true);
    });

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
    ])('refuse the %s %j and say what to write', (option, value, options: object = { [option]: value }) => {
      expect(() => make(options)).toThrow(OtpConfigError);
      expect(() => make(options)).toThrow(new RegExp(`^"${option}(\\.default)?" must `));
    });

    it('SEC-61: never repeat a value', () => {
      for (const options of [{ apiKey: 'canary key' }, { sender: 'canary sender' }, { message: 'canary' }]) {
        expect(() => make(options)).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining('canary') }),
        );
      }
    });

    it('are needed', () => {
      expect(() => new NinetyNineVerify(undefined as never)).toThrow(/^"apiKey" must /);
    });
  });

  describe('the simulator', () => {
    let now: number;
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1);
      await open({ now: () => now });
    });
    const post = async (path: string, form: Record<string, string>) => {
      const body = new URLSearchParams(form);
      return (await fetch(vendor.url + path, { method: 'POST', body })).json() as Promise<Record<string, unknown>>;
    };
    const { sender: from, apiKey } = { sender: 'Acme', apiKey: 'ninety-nine-simulator-key' };
    const right = { apiKey, from, to: '0502345678' };

    it('lets codes expire after ten minutes', async () => {
      await start();
      now += 599_999;
      await expect(check(wrong())).resolves.toEqual(incorrect);
      now += 1;

      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('compares five codes for one message, and five for the next', async () => {
      await start();
      for (let tried = 0; tried < 5; tried++) await check(wrong());
      await expect(check(code())).resolves.toEqual(incorrect);
      await start();

      await expect(check(code())).resolves.toEqual({ outcome: 'verified' });
    });

    it('keeps the codes of a number to itself', async () => {
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
    ])('answers with reason %d to %j', async (reason, fields) => {
      await expect(post('/sms/verifySMS', { ...right, ...fields })).resolves.toMatchObject({
        status: reason === 1 ? 'OK' : 'FAIL',
        reason,
      });
      expect(vendor.messages()).toHaveLength(reason === 1 ? 1 : 0);
    });

    it('answers as documented', async () => {
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

    it('takes its key only, at a check and for a delivery status, too', async () => {
      await start();

      await expect(post('/sms/verifySMS', { apiKey: 'x', to: right.to, code: code() })).resolves.toMatchObject({
        reason: 6,
      });
      await expect(post('/sms/deliveryStatus', { apiKey: 'x', unique: '63433453' })).resolves.toMatchObject({
        reason: 6,
      });
    });

    it('knows no other address, method or body', async () => {
      expect((await fetch(`${vendor.url}/sms`, { method: 'POST' })).status).toBe(404);
      expect((await fetch(`${vendor.url}/sms/verifySMS`)).status).toBe(404);
      const json = await fetch(`${vendor.url}/sms/verifySMS`, { method: 'POST', body: JSON.stringify(right) });
      await expect(json.json()).resolves.toMatchObject({ reason: 6 });
    });
  });
});
