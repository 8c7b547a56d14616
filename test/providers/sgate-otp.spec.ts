import { generateKeyPairSync } from 'node:crypto';

import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, HttpExchange, SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { SgateOtp, type SgateOtpOptions } from 'nestjs-phone-otp/sgate';
import { SgateSimulator, type SgateSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+966555123456';
const OTHER_PHONE = '+966555123457';
const recipient = { phone: PHONE, region: 'SA', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const SESSION = 'c'.repeat(32);
const SANDBOX = { phone: '+966512345678', session: '10290d703f8254593ff93533f00af153', code: '123456' };

describe('SGate OTP', () => {
  let sgate: SgateSimulator;
  let provider: SgateOtp;
  let now: number;

  async function open(options: SgateSimulatorOptions = {}): Promise<void> {
    await sgate?.stop();
    now = Date.now();
    sgate = await new SgateSimulator({ now: () => now, maxSkewSeconds: Infinity, ...options }).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => sgate.stop());

  const adapter = (options: Partial<SgateOtpOptions> = {}) => new SgateOtp({ ...sgate.access, ...options });
  /** In production's eyes: what it sends goes to the simulator all the same. */
  const outsideTestMode = () =>
    adapter({
      testMode: undefined,
      baseUrl: undefined,
      fetch: (url, init) => fetch((url as string).replace('https://vbank.sgate.sa', sgate.url), init),
    });
  /** Lets somebody change the headers of answers on their way. */
  const tampered = (change: (headers: Headers) => void) =>
    adapter({
      fetch: async (url, init) => {
        const { status, headers, body } = await fetch(url, init);
        const changed = new Headers(headers);
        change(changed);
        return new Response(body, { status, headers: changed });
      },
    });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = ({ of = provider, ms = 5_000, phone = PHONE } = {}) =>
    of.start(
      {
        ...recipient,
        phone,
        locale: 'ar',
        purpose: 'login',
        appName: 'x',
        codeLength: 6,
        ttlSeconds: 300,
        maxAttempts: 5,
      },
      within(ms),
    );
  const started = async (options = {}) => (await start(options)).reference!;
  const check = (reference: string | undefined, code: string, { of = provider, ms = 5_000, phone = PHONE } = {}) =>
    of.check({ ...recipient, phone, code, ...(reference !== undefined && { reference }) }, within(ms));
  const detail = (reference: string | undefined, { of = provider, phone = PHONE } = {}) =>
    of.otpDetail({ phone, ...(reference !== undefined && { reference }) }, within());
  const code = () => sgate.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));

  describe('a verification', () => {
    it('sends a code and takes it once', async () => {
      const sent = await start();

      expect(sent).toEqual({ outcome: 'sent', reference: expect.stringMatching(/^[0-9a-f]{32}$/) });
      const { reference } = sent;
      const text = `${code()} is OTP to varify your STCPAY account , please input within 5 minutes. - Acme`;
      expect(sgate.messages(PHONE)).toMatchObject([{ text }]);
      await expect(check(reference, wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'incorrect_code' });
    });

    it('asks as the vendor documents', async () => {
      const reference = await started();
      const signed = {
        'content-type': 'application/json',
        'v-api-key': sgate.access.apiKey,
        'v-api-version': '1',
        'v-timestamp': expect.stringMatching(/^\d{10}$/),
        'v-nonce-str': expect.stringMatching(/^[0-9a-f]{32}$/),
        'v-signature': expect.stringMatching(/^[A-Za-z0-9+/]{342}==$/),
      };
      expect(JSON.parse(sgate.requests[0]!.body)).toEqual({ mobile: '555123456', appname: 'Acme' });
      expect(sgate.requests[0]).toMatchObject({ method: 'POST', path: '/openApi/v1/otp/sendOtp', headers: signed });

      await check(reference, '004200');

      expect(JSON.parse(sgate.requests[0]!.body)).toEqual({
        mobile: '555123456',
        code: '004200',
        sessionid: reference,
      });
      expect(sgate.requests[0]).toMatchObject({ method: 'POST', path: '/openApi/v1/otp/checkOtp', headers: signed });
      const [nonce, before] = sgate.requests.map(({ headers }) => headers['v-nonce-str']);
      expect(nonce).not.toBe(before);
    });

    it('refuses numbers that are no Saudi mobiles without a call', async () => {
      for (const phone of ['+2348109477743', '+966112345678', '+9665551234567', '+96655512345']) {
        await expect(start({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check(SESSION, '123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(detail(SESSION, { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      }
      expect(sgate.requests).toEqual([]);
    });

    it.each([undefined, '', 'short', `${SESSION}c`, `${'c'.repeat(31)}/`, `${'c'.repeat(31)}\n`])(
      'asks for a new code where the session is lost or senseless: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        await expect(detail(reference)).resolves.toEqual({ outcome: 'unknown' });
        expect(sgate.requests).toEqual([]);
      },
    );
  });

  describe('the fate of a message', () => {
    it('is asked for as the vendor documents', async () => {
      const reference = await started();

      const createdAt = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      await expect(detail(reference)).resolves.toEqual({
        outcome: 'found',
        status: 'success',
        report: 'success',
        createdAt,
      });
      const path = `/openApi/v1/otp/otpDetail?mobile=555123456&sessionid=${reference}`;
      expect(sgate.requests[0]).toMatchObject({ method: 'GET', path, body: '' });
    });

    it.each([
      [
        { status: 'create', reportstatus: 'unknown' },
        { status: 'create', report: 'unknown' },
      ],
      [
        { status: 'pending', reportstatus: 'pending' },
        { status: 'pending', report: 'pending' },
      ],
      [
        { status: 'sending', reportstatus: 'pending' },
        { status: 'sending', report: 'pending' },
      ],
      [
        { status: 'fail', reportstatus: 'fail' },
        { status: 'fail', report: 'fail' },
      ],
      [
        { status: 'lost', reportstatus: '' },
        { status: 'unknown', report: 'unknown' },
      ],
    ])('is passed on: %j', async (delivery, expected) => {
      const reference = await started();
      sgate.delivery = delivery;

      await expect(detail(reference)).resolves.toMatchObject(expected);
    });

    it('is not known of other messages, unsigned answers and a vendor in trouble', async () => {
      const reference = await started();

      await expect(detail(SESSION)).resolves.toEqual({ outcome: 'unknown' });
      await expect(detail(reference, { phone: OTHER_PHONE })).resolves.toEqual({ outcome: 'unknown' });
      sgate.answerWith(`{"code":200,"data":{"mobile":"${OTHER_PHONE}","status":"success"}}`);
      await expect(detail(reference)).resolves.toEqual({ outcome: 'unknown' });
      sgate.answerAlways(1212);
      await expect(detail(reference)).resolves.toEqual({ outcome: 'rate_limited' });
      const of = tampered((headers) => headers.set('v-signature', 'AAAA'));
      await expect(detail(reference, { of })).resolves.toEqual({ outcome: 'provider_unavailable' });
      for (const fault of [{ kind: 'status', status: 503 }, { kind: 'reset' }, { kind: 'html' }] as const) {
        sgate.fault(fault);
        await expect(detail(reference)).resolves.toEqual({ outcome: 'provider_unavailable' });
      }
    });
  });

  describe('codes', () => {
    const CODES: [code: number, atSend: SendOutcome, atCheck: CheckOutcome][] = [
      [1000, 'unknown', 'unknown'],
      [1001, 'unknown', 'unknown'],
      [1002, 'unknown', 'unknown'],
      [1003, 'unknown', 'unknown'],
      [1004, 'unknown', 'unknown'],
      [1005, 'unknown', 'unknown'],
      [1100, 'unknown', 'unknown'],
      [1101, 'unknown', 'unknown'],
      [1102, 'unknown', 'unknown'],
      [1103, 'invalid_number', 'incorrect_code'],
      [1200, 'unauthorized', 'unauthorized'],
      [1201, 'unauthorized', 'unauthorized'],
      [1202, 'unauthorized', 'unauthorized'],
      [1203, 'unknown', 'unknown'],
      [1204, 'unauthorized', 'unauthorized'],
      [1205, 'unauthorized', 'unauthorized'],
      [1206, 'provider_unavailable', 'provider_unavailable'],
      [1207, 'unauthorized', 'unauthorized'],
      [1208, 'unauthorized', 'unauthorized'],
      [1209, 'unauthorized', 'unauthorized'],
      [1210, 'unauthorized', 'unauthorized'],
      [1211, 'unauthorized', 'unauthorized'],
      [1212, 'rate_limited', 'rate_limited'],
      [1213, 'unauthorized', 'unauthorized'],
      [1402, 'insufficient_balance', 'insufficient_balance'],
      [1600, 'provider_unavailable', 'provider_unavailable'],
      [1601, 'provider_unavailable', 'provider_unavailable'],
      [1602, 'provider_unavailable', 'provider_unavailable'],
      [1603, 'rejected_sender', 'rejected_sender'],
      [1604, 'rejected_sender', 'rejected_sender'],
      [1605, 'unknown', 'unknown'],
      [1606, 'unknown', 'incorrect_code'],
      [1607, 'unknown', 'incorrect_code'],
      [1608, 'unknown', 'incorrect_code'],
      [1609, 'unknown', 'incorrect_code'],
      [1610, 'unknown', 'incorrect_code'],
      [1611, 'resend_too_soon', 'unknown'],
      [1612, 'invalid_number', 'invalid_number'],
      [0, 'unknown', 'unknown'],
      [201, 'unknown', 'unknown'],
      [9999, 'unknown', 'unknown'],
    ];
    it.each(CODES)('%d is %s at a send and %s at a check', async (vendorCode, atSend, atCheck) => {
      sgate.answerAlways(vendorCode);

      expect(await start()).toMatchObject({ outcome: atSend });
      expect(await check(SESSION, '123456')).toMatchObject({ outcome: atCheck });
    });

    it('FLT-10: knows from an empty account and the like that nothing was sent', async () => {
      for (const vendorCode of [1103, 1201, 1206, 1212, 1213, 1402, 1600, 1603, 1611, 1612]) {
        sgate.answerAlways(vendorCode);
        expect((await start()).ambiguous).toBeUndefined();
      }
    });

    it.each([1611, 1212] as const)('waits a minute after %d, whichever code the minute has', async (cooldownCode) => {
      await open({ cooldownCode });
      await start();

      await expect(start()).resolves.toEqual({
        outcome: cooldownCode === 1611 ? 'resend_too_soon' : 'rate_limited',
        retryAfterSeconds: 60,
      });
      now += 60_000;
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('reads a signed refusal whatever its status', async () => {
      sgate.answerWith('{"code":1609,"message":"The code is wrong.","data":{}}', 400);

      await expect(check(SESSION, '123456')).resolves.toEqual({ outcome: 'incorrect_code' });
    });
  });

  describe('what counts as success', () => {
    const unavailable = { outcome: 'provider_unavailable' };
    const unknown = { outcome: 'unknown', ambiguous: true };
    const envelope = (result: object) =>
      JSON.stringify({ code: 200, message: 'Request succeeded.', data: {}, sensitiveFields: {}, ...result });

    it.each([
      ['the documented answer', envelope({})],
      ['an empty list for data', envelope({ data: [] })],
      ['no more than the code', '{"code":200}'],
      ['another message', envelope({ message: 'OK' })],
      ['the number in it', envelope({ data: { mobile: '0555123456' } })],
    ])('SEC-60: %s, signed, is verified', async (_what, body) => {
      sgate.answerWith(body);

      await expect(check(SESSION, '123456')).resolves.toEqual({ outcome: 'verified' });
    });

    it.each([
      ['"200"', envelope({ code: '200' })],
      ['2.0e2', envelope({}).replace('200', '2.0e2')],
      ['200.0', envelope({}).replace('200', '200.0')],
      ['true', envelope({ code: true })],
      ['"True"', envelope({ code: 'True' })],
      ['"False"', envelope({ code: 'False' })],
      ['[200]', envelope({ code: [200] })],
      ['{}', envelope({ code: {} })],
      ['null', envelope({ code: null })],
      ['" 200"', envelope({ code: ' 200' })],
      ['201', envelope({ code: 201 })],
      ['1', envelope({ code: 1 })],
      ['-200', envelope({ code: -200 })],
      ['200 in the data only', '{"data":{"code":200}}'],
      ['200 as a status', '{"status":200,"message":"Request succeeded."}'],
      ['a message alone', '{"message":"Request succeeded."}'],
      ['another spelling', '{"Code":200}'],
      ['an array', `[${envelope({})}]`],
      ['a prototype', '{"__proto__":{"code":200}}'],
      ['a bare 200', '200'],
      ['JSON with more after it', `${envelope({})}1`],
      ['HTML', '<h1>200 Request succeeded.</h1>'],
      ['nothing', ''],
      ['another phone', envelope({ data: { mobile: OTHER_PHONE } })],
      ['a phone that is none', envelope({ data: { mobile: true } })],
    ])('SEC-60 FLT-12: %s, though signed, is not', async (_what, body) => {
      sgate.answerWith(body);

      expect(['provider_unavailable', 'unknown']).toContain((await check(SESSION, '123456')).outcome);
      sgate.answerWith(body.replace('"data":{}', `"data":{"sessionid":"${SESSION}"}`));
      await expect(start()).resolves.toMatchObject({ outcome: 'unknown' });
    });

    it.each([201, 202, 299, 400, 404, 418])('SEC-60: 200 with status %d is not', async (status) => {
      sgate.answerWith(envelope({ data: { sessionid: SESSION } }), status);

      await expect(check(SESSION, '123456')).resolves.toEqual(unavailable);
      await expect(start()).resolves.toEqual(unknown);
    });

    it.each([
      ['no session', {}],
      ['an empty one', { sessionid: '' }],
      ['a short one', { sessionid: 'c'.repeat(31) }],
      ['a long one', { sessionid: 'c'.repeat(33) }],
      ['one of another kind', { sessionid: [SESSION] }],
      ['another phone', { sessionid: SESSION, mobile: OTHER_PHONE }],
    ])('SEC-60 FLT-12: a send with %s is unknown', async (_what, data) => {
      sgate.answerWith(envelope({ data }));

      await expect(start()).resolves.toEqual(unknown);
    });

    it.each(['+966555123456', '966555123456', '0555123456', '555123456', 555123456])(
      'takes %j in an answer for the same number',
      async (mobile) => {
        sgate.answerWith(envelope({ data: { mobile, sessionid: SESSION } }));

        await expect(start()).resolves.toEqual({ outcome: 'sent', reference: SESSION });
      },
    );
  });

  describe('the signature of answers', () => {
    it.each<[string, (headers: Headers) => void]>([
      ['none', (headers) => headers.delete('v-signature')],
      ['an empty one', (headers) => headers.set('v-signature', '')],
      ['another', (headers) => headers.set('v-signature', headers.get('v-signature')!.replace(/^..../, 'AAAA'))],
      ['no Base64', (headers) => headers.set('v-signature', '*')],
      ['another nonce', (headers) => headers.set('v-nonce-str', 'x')],
      ['no nonce', (headers) => headers.delete('v-nonce-str')],
      ['another time', (headers) => headers.set('v-timestamp', String(Number(headers.get('v-timestamp')) + 1))],
      ['the same time written otherwise', (headers) => headers.set('v-timestamp', `0${headers.get('v-timestamp')}`)],
      ['no time', (headers) => headers.delete('v-timestamp')],
    ])('SEC-60: with %s nothing is a success', async (_what, change) => {
      const of = tampered(change);
      const reference = await started();
      now += 60_000;

      await expect(check(reference, code(), { of })).resolves.toEqual({ outcome: 'provider_unavailable' });
      await expect(start({ of })).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
    });

    it('SEC-60: from somebody else’s key makes nothing a success', async () => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const of = adapter({ systemPublicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string });
      const reference = await started();

      await expect(check(reference, code(), { of })).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it('SEC-60: of another answer makes nothing a success', async () => {
      const reference = await started();
      const success: Record<string, string> = {};
      await check(reference, code(), {
        of: tampered((headers) => headers.forEach((value, name) => (success[name] = value))),
      });
      const of = tampered((headers) => headers.set('v-signature', success['v-signature']!));

      await expect(check(reference, code(), { of })).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it('SEC-60: of a check says nothing at a send', async () => {
      let taken: Response | undefined;
      const of = adapter({
        fetch: async (url, init) => {
          const answer = await fetch(url, init);
          taken ??= answer.clone();
          return taken.clone();
        },
      });
      sgate.answerWith(`{"code":200,"data":{"sessionid":"${SESSION}"}}`);
      await expect(check(SESSION, '123456', { of })).resolves.toEqual({ outcome: 'verified' });

      await expect(start({ of })).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
    });

    it.each([-301, 310])('SEC-60: is stale after five minutes: %d s', async (skew) => {
      const reference = await started();
      now += skew * 1000;

      await expect(start({ phone: OTHER_PHONE })).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'provider_unavailable' });
    });

    it.each([-295, 295])('is fresh before that: %d s', async (skew) => {
      now += skew * 1000;

      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('is stale when the host says so', async () => {
      now -= 45_000;

      await expect(start({ of: adapter({ maxSkewSeconds: 30 }) })).resolves.toMatchObject({ outcome: 'unknown' });
    });

    it('FLT-10: is not asked of the one refusal the vendor does not sign: that of who asks', async () => {
      const of = adapter({ apiKey: 'other' });
      await expect(start({ of })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(check(SESSION, '123456', { of })).resolves.toEqual({ outcome: 'unauthorized' });

      const unsigned = tampered((headers) => headers.set('v-signature', ''));
      sgate.answerAlways(1402);
      await expect(start({ of: unsigned })).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
      sgate.answerAlways(1609);
      await expect(check(SESSION, '123456', { of: unsigned })).resolves.toEqual({ outcome: 'provider_unavailable' });
    });
  });

  describe('the sandbox', () => {
    it('SEC-63: gives its test numbers their known code again and again, in test mode', async () => {
      const { phone, session } = SANDBOX;
      await expect(start({ phone })).resolves.toEqual({ outcome: 'sent', reference: session });
      await expect(start({ phone })).resolves.toEqual({ outcome: 'sent', reference: session });

      expect(sgate.messages()).toEqual([]);
      for (let checks = 0; checks < 2; checks++) {
        await expect(check(session, SANDBOX.code, { phone })).resolves.toEqual({ outcome: 'verified' });
      }
      await expect(check(session, '123457', { phone })).resolves.toEqual({ outcome: 'incorrect_code' });
    });

    it('SEC-63: serves nobody outside test mode: not its sessions, nor its codes', async () => {
      const { phone, session } = SANDBOX;
      const of = outsideTestMode();
      expect(of.capabilities.developmentOnly).toBe(false);

      await expect(start({ of, phone })).resolves.toEqual({ outcome: 'unauthorized' });
      for (const reference of [session, session.toUpperCase()]) {
        await expect(check(reference, SANDBOX.code, { of, phone })).resolves.toEqual({ outcome: 'expired' });
      }
      expect(sgate.requests).toHaveLength(1);
    });

    it('SEC-63: has numbers that are like any others in production', async () => {
      await open({ sandbox: false });
      const { phone } = SANDBOX;
      const of = outsideTestMode();
      const reference = await started({ of, phone });
      const sent = sgate.lastCode(phone)!;

      if (sent !== SANDBOX.code) {
        await expect(check(reference, SANDBOX.code, { of, phone })).resolves.toEqual({ outcome: 'incorrect_code' });
      }
      await expect(check(reference, sent, { of, phone })).resolves.toEqual({ outcome: 'verified' });
    });
  });

  describe('secrets', () => {
    it('shows the wire with the outcome of each call', async () => {
      const exchanges: HttpExchange[] = [];
      provider = adapter({ onExchange: (exchange) => exchanges.push(exchange) });
      await check(await started(), code());
      await new Promise(setImmediate);

      const headers = expect.objectContaining({ 'V-Api-Key': '[secret]', 'V-Signature': '[secret]' });
      expect(exchanges).toMatchObject([
        {
          provider: 'sgate-otp',
          outcome: 'sent',
          request: { headers, body: '{"mobile":"555123456","appname":"Acme"}' },
        },
        { outcome: 'verified', request: { headers, body: expect.stringContaining('"code":"[secret]"') } },
      ]);
    });
  });

  describe('options', () => {
    const pem = (bits: number) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
      return {
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
      };
    };
    const curve = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

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

      expect(urls).toEqual(['https://vbank.sgate.sa/openApi/v1/otp/sendOtp']);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(adapter()).toMatchObject({
        name: 'sgate-otp',
        mode: 'delegated',
        capabilities: {
          correlation: 'provider_id',
          codeLength: 6,
          ttlSeconds: 300,
          maxAttempts: 5,
          resendCooldown: 60,
          languages: ['en'],
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: false,
          developmentOnly: true,
        },
      });
      expect(adapter({ maxAttempts: 3 }).capabilities.maxAttempts).toBe(3);
    });

    it('SEC-63: reach a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
    });

    it('take keys as they come out of the environment, in either form of PEM', async () => {
      const { privateKey, systemPublicKey } = sgate.access;
      const of = adapter({
        privateKey: privateKey.replaceAll('\n', '\\n'),
        systemPublicKey: systemPublicKey.replaceAll('\n', '\r\n'),
      });

      await expect(start({ of })).resolves.toMatchObject({ outcome: 'sent' });
    });

    it.each<[string, unknown]>([
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key\r\nx: y'],
      ['privateKey', undefined],
      ['privateKey', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
      ['privateKey', pem(1024).privateKey],
      ['privateKey', pem(2048).publicKey],
      ['privateKey', curve().privateKey.export({ type: 'pkcs8', format: 'pem' })],
      ['systemPublicKey', undefined],
      ['systemPublicKey', pem(1024).publicKey],
      ['systemPublicKey', pem(2048).privateKey],
      ['systemPublicKey', curve().publicKey.export({ type: 'spki', format: 'pem' })],
      ['baseUrl', 'http://vbank.test.sgate.sa'],
      ['appName', undefined],
      ['appName', ''],
      ['appName', 'Acme\n'],
      ['appName', 'x'.repeat(33)],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['maxSkewSeconds', 29],
      ['maxSkewSeconds', 301],
      ['fetch', 'fetch'],
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => adapter({ [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
      if (typeof value === 'string' && value.length > 40) expect(make).not.toThrow(value.slice(28, 60));
    });

    it('refuse the merchant’s own public key in place of the vendor’s', () => {
      const { privateKey, publicKey } = pem(2048);

      expect(() => adapter({ privateKey, systemPublicKey: publicKey })).toThrow(
        /^"systemPublicKey" must .* not your own/,
      );
    });

    it('are needed', () => {
      expect(() => new SgateOtp(undefined as never)).toThrow(/^"apiKey" must /);
    });
  });

  describe('the simulator', () => {
    it.each([
      ['v-api-key', undefined, 1200],
      ['v-api-key', 'other', 1201],
      ['v-api-version', undefined, 1208],
      ['v-api-version', '2', 1210],
      ['v-timestamp', undefined, 1208],
      ['v-timestamp', 'now', 1209],
      ['v-timestamp', '1686647706', 1204],
      ['v-nonce-str', undefined, 1208],
      ['v-nonce-str', 'x', 1213],
      ['v-nonce-str', 'x'.repeat(128), 1209],
      ['v-signature', undefined, 1208],
      ['v-signature', 'AAAA', 1213],
    ])('refuses a request whose %s is %j with %d', async (name, value, expected) => {
      await open({ maxSkewSeconds: 300 });
      const answers: unknown[] = [];
      const of = adapter({
        fetch: async (url, init) => {
          const headers = new Headers(init!.headers);
          if (value === undefined) headers.delete(name);
          else headers.set(name, value);
          const answer = await fetch(url, { ...init, headers });
          answers.push(((await answer.clone().json()) as { code: unknown }).code);
          return answer;
        },
      });

      await expect(start({ of })).resolves.toEqual({ outcome: 'unauthorized' });
      expect(answers).toEqual([expected]);
      expect(sgate.messages()).toEqual([]);
    });

    it('takes no other key than the merchant’s', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const of = adapter({ privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }) as string });

      await expect(start({ of })).resolves.toEqual({ outcome: 'unauthorized' });
    });

    /** Sends other fields than the adapter would, signed all the same. */
    const send = async (fields: object, path = 'sendOtp') => {
      const { SgateSignature } = await import('../../src/providers/sgate/sgate-signature.js');
      const signature = new SgateSignature({ ...sgate.access, maxSkewSeconds: 300 });
      const body = JSON.stringify(fields);
      const headers = Object.entries(signature.headers('POST', `/openApi/v1/otp/${path}`, body)).map(
        ([name, value]) => [name, typeof value === 'string' ? value : value.expose()] as [string, string],
      );
      const answer = await fetch(`${sgate.url}/openApi/v1/otp/${path}`, { method: 'POST', headers, body });
      return (await answer.json()) as { code: number; data: { mobile?: string; sessionid?: string } };
    };

    it('takes four spellings for one number', async () => {
      for (const mobile of ['555123456', '0555123456', '966555123456', '+966555123456']) {
        await expect(send({ mobile, appname: 'Acme' })).resolves.toMatchObject({
          code: 200,
          data: { mobile: PHONE, appname: 'Acme' },
        });
        await expect(send({ mobile: '555123456', appname: 'Acme' })).resolves.toMatchObject({ code: 1611 });
        now += 60_000;
      }
      expect(sgate.messages(PHONE)).toHaveLength(4);
    });

    it.each([
      [{ appname: 'Acme' }, 1102],
      [{ mobile: '555123456' }, 1102],
      [{ mobile: '555123456', appname: 'x'.repeat(33) }, 1103],
      [{ mobile: '00966555123456', appname: 'Acme' }, 1612],
      [{ mobile: '112345678', appname: 'Acme' }, 1612],
      [{ mobile: '555123456', appname: 'Other' }, 1604],
    ])('refuses to send %j with %d', async (fields, expected) => {
      await expect(send(fields)).resolves.toMatchObject({ code: expected });
    });

    it('looks at a check in its order', async () => {
      const sessionid = await started();
      const right = { mobile: 555123456, code: code(), sessionid };
      const other = await started({ phone: OTHER_PHONE });
      const cases: [object, number][] = [
        [{ ...right, code: undefined }, 1102],
        [{ ...right, mobile: '' }, 1102],
        [{ ...right, sessionid: '' }, 1102],
        [{ ...right, code: '12345' }, 1103],
        [{ ...right, sessionid: 'c' }, 1103],
        [{ ...right, mobile: '1' }, 1612],
        [{ ...right, sessionid: SESSION }, 1610],
        [{ ...right, sessionid: other }, 1608],
        [{ ...right, code: wrong() }, 1609],
        [right, 200],
        [right, 1607],
      ];

      for (const [fields, expected] of cases) {
        await expect(send(fields, 'checkOtp')).resolves.toMatchObject({ code: expected });
      }
    });

    it('lets codes expire, and ends them with a new message', async () => {
      const first = await started();
      const old = code();
      now += 60_000;
      const second = await started();
      await expect(check(first, old)).resolves.toEqual({ outcome: 'incorrect_code' });
      now += 240_000;
      await expect(check(second, code())).resolves.toEqual({ outcome: 'verified' });

      const third = await started();
      now += 300_000;
      provider = adapter();
      expect(sgate.requests).toHaveLength(5);
      await expect(send({ mobile: '555123456', code: code(), sessionid: third }, 'checkOtp')).resolves.toMatchObject({
        code: 1607,
      });
    });

    it('can leave old codes alive, and count tries', async () => {
      await open({ newestOnly: false, maxAttempts: 1 });
      const first = await started();
      const old = code();
      now += 60_000;
      const second = await started();

      await expect(check(first, old)).resolves.toEqual({ outcome: 'verified' });
      await check(second, wrong());
      await expect(check(second, code())).resolves.toEqual({ outcome: 'incorrect_code' });
    });

    it('knows no other paths', async () => {
      await expect(fetch(`${sgate.url}/openApi/v1/otp/otpDetail`, { method: 'POST' })).resolves.toMatchObject({
        status: 404,
      });
    });
  });
});
