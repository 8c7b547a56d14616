import { generateKeyPairSync } from 'node:crypto';

import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { SgateOtp } from 'nestjs-phone-otp/sgate';
import { SgateSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+966555123456';
const OTHER_PHONE = '+966555123457';
const SESSION = 'c'.repeat(32);
const SANDBOX = { phone: '+966512345678', session: '10290d703f8254593ff93533f00af153', code: '123456' };
const { incorrect, unavailable, unclear, verified } = receipts;

describe('SGate OTP', () => {
  const bench = vendorBench(SgateSimulator, SgateOtp, {
    phone: PHONE,
    region: 'SA',
    simulator: { maxSkewSeconds: Infinity },
  });
  const { adapter, code, open, received, wrong } = bench;
  /** An adapter in production mode whose requests still go to the simulator. */
  const outsideTestMode = () =>
    adapter({
      testMode: undefined,
      baseUrl: undefined,
      fetch: (url, init) => fetch((url as string).replace('https://vbank.sgate.sa', bench.vendor.url), init),
    });
  /** An adapter whose responses have changed headers. */
  const tampered = (change: (headers: Headers) => void) =>
    adapter({
      fetch: async (url, init) => {
        const { status, headers, body } = await fetch(url, init);
        const changed = new Headers(headers);
        change(changed);
        return new Response(body, { status, headers: changed });
      },
    });
  const start = ({ of = bench.provider, phone = PHONE } = {}) =>
    of.start({ ...bench.start(phone), locale: 'ar' }, within());
  const started = async (options = {}) => (await start(options)).reference!;
  const check = (reference: string | undefined, code: string, { of = bench.provider, phone = PHONE } = {}) =>
    of.check({ ...bench.recipient, phone, code, ...(reference !== undefined && { reference }) }, within());
  const detail = (reference: string | undefined, { of = bench.provider, phone = PHONE } = {}) =>
    of.otpDetail({ phone, ...(reference !== undefined && { reference }) }, within());

  describe('a verification', () => {
    it('sends a code and accepts it once', async () => {
      const sent = await start();

      expect(sent).toEqual({ outcome: 'sent', reference: expect.stringMatching(/^[0-9a-f]{32}$/) });
      const { reference } = sent;
      const text = `${code()} is OTP to varify your STCPAY account , please input within 5 minutes. - Acme`;
      expect(bench.vendor.messages(PHONE)).toMatchObject([{ text }]);
      await expect(check(reference, wrong())).resolves.toEqual(incorrect);
      await expect(check(reference, code())).resolves.toEqual(verified);
      await expect(check(reference, code())).resolves.toEqual(incorrect);
    });

    it('sends the documented request', async () => {
      const reference = await started();
      const signed = {
        'content-type': 'application/json',
        'v-api-key': bench.vendor.access.apiKey,
        'v-api-version': '1',
        'v-timestamp': expect.stringMatching(/^\d{10}$/),
        'v-nonce-str': expect.stringMatching(/^[0-9a-f]{32}$/),
        'v-signature': expect.stringMatching(/^[A-Za-z0-9+/]{342}==$/),
      };
      expect(received()).toEqual({ mobile: '555123456', appname: 'Acme' });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/openApi/v1/otp/sendOtp',
        headers: signed,
      });

      await check(reference, '004200');

      expect(received()).toEqual({
        mobile: '555123456',
        code: '004200',
        sessionid: reference,
      });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/openApi/v1/otp/checkOtp',
        headers: signed,
      });
      const [nonce, before] = bench.vendor.requests.map(({ headers }) => headers['v-nonce-str']);
      expect(nonce).not.toBe(before);
    });

    it('refuses numbers other than Saudi mobiles without a call', async () => {
      for (const phone of ['+2348109477743', '+966112345678', '+9665551234567', '+96655512345']) {
        await expect(start({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(check(SESSION, '123456', { phone })).resolves.toEqual({ outcome: 'invalid_number' });
        await expect(detail(SESSION, { phone })).resolves.toEqual({ outcome: 'invalid_number' });
      }
      expect(bench.vendor.requests).toEqual([]);
    });

    it.each([undefined, '', 'short', `${SESSION}c`, `${'c'.repeat(31)}/`, `${'c'.repeat(31)}\n`])(
      'requires a new code if the vendor’s session is missing or invalid: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        await expect(detail(reference)).resolves.toEqual({ outcome: 'unknown' });
        expect(bench.vendor.requests).toEqual([]);
      },
    );
  });

  describe('the delivery status', () => {
    it('is requested as documented', async () => {
      const reference = await started();

      const createdAt = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      await expect(detail(reference)).resolves.toEqual({
        outcome: 'found',
        status: 'success',
        report: 'success',
        createdAt,
      });
      const path = `/openApi/v1/otp/otpDetail?mobile=555123456&sessionid=${reference}`;
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'GET', path, body: '' });
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
    ])('is reported from %j', async (delivery, expected) => {
      const reference = await started();
      bench.vendor.delivery = delivery;

      await expect(detail(reference)).resolves.toMatchObject(expected);
    });

    it('is unknown for other messages, invalid signatures and vendor faults', async () => {
      const reference = await started();

      await expect(detail(SESSION)).resolves.toEqual({ outcome: 'unknown' });
      await expect(detail(reference, { phone: OTHER_PHONE })).resolves.toEqual({ outcome: 'unknown' });
      bench.vendor.answerWith(`{"code":200,"data":{"mobile":"${OTHER_PHONE}","status":"success"}}`);
      await expect(detail(reference)).resolves.toEqual({ outcome: 'unknown' });
      bench.vendor.answerAlways(1212);
      await expect(detail(reference)).resolves.toEqual({ outcome: 'rate_limited' });
      const of = tampered((headers) => headers.set('v-signature', 'AAAA'));
      await expect(detail(reference, { of })).resolves.toEqual(unavailable);
      for (const fault of [{ kind: 'status', status: 503 }, { kind: 'reset' }, { kind: 'html' }] as const) {
        bench.vendor.fault(fault);
        await expect(detail(reference)).resolves.toEqual(unavailable);
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
    it.each(CODES)('maps %d to "%s" at a send and "%s" at a check', async (vendorCode, atSend, atCheck) => {
      bench.vendor.answerAlways(vendorCode);

      expect(await start()).toMatchObject({ outcome: atSend });
      expect(await check(SESSION, '123456')).toMatchObject({ outcome: atCheck });
    });

    it('FLT-10: reports refusals as certainly not sent', async () => {
      for (const vendorCode of [1103, 1201, 1206, 1212, 1213, 1402, 1600, 1603, 1611, 1612]) {
        bench.vendor.answerAlways(vendorCode);
        expect((await start()).ambiguous).toBeUndefined();
      }
    });

    it.each([1611, 1212] as const)('reports a wait of one minute for the cooldown code %d', async (cooldownCode) => {
      await open({ cooldownCode });
      await start();

      await expect(start()).resolves.toEqual({
        outcome: cooldownCode === 1611 ? 'resend_too_soon' : 'rate_limited',
        retryAfterSeconds: 60,
      });
      bench.now += 60_000;
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('reads a signed refusal with any status', async () => {
      bench.vendor.answerWith('{"code":1609,"message":"The code is wrong.","data":{}}', 400);

      await expect(check(SESSION, '123456')).resolves.toEqual(incorrect);
    });
  });

  describe('success', () => {
    const envelope = (result: object) =>
      JSON.stringify({ code: 200, message: 'Request succeeded.', data: {}, sensitiveFields: {}, ...result });

    it.each([
      ['the documented response', envelope({})],
      ['data that is an empty list', envelope({ data: [] })],
      ['the code alone', '{"code":200}'],
      ['a different message', envelope({ message: 'OK' })],
      ['the same number', envelope({ data: { mobile: '0555123456' } })],
    ])('SEC-60: accepts %s with a signature as verified', async (_what, body) => {
      bench.vendor.answerWith(body);

      await expect(check(SESSION, '123456')).resolves.toEqual(verified);
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
      ['200 only in the data', '{"data":{"code":200}}'],
      ['200 as a status', '{"status":200,"message":"Request succeeded."}'],
      ['a message alone', '{"message":"Request succeeded."}'],
      ['a different spelling', '{"Code":200}'],
      ['an array', `[${envelope({})}]`],
      ['a "__proto__" key', '{"__proto__":{"code":200}}'],
      ['the number 200', '200'],
      ['JSON with trailing characters', `${envelope({})}1`],
      ['HTML', '<h1>200 Request succeeded.</h1>'],
      ['an empty body', ''],
      ['a different phone', envelope({ data: { mobile: OTHER_PHONE } })],
      ['an invalid phone', envelope({ data: { mobile: true } })],
    ])('SEC-60 FLT-12: does not accept %s, even with a signature', async (_what, body) => {
      bench.vendor.answerWith(body);

      expect(['provider_unavailable', 'unknown']).toContain((await check(SESSION, '123456')).outcome);
      bench.vendor.answerWith(body.replace('"data":{}', `"data":{"sessionid":"${SESSION}"}`));
      await expect(start()).resolves.toMatchObject({ outcome: 'unknown' });
    });

    it.each([201, 202, 299, 400, 404, 418])('SEC-60: does not accept 200 with status %d', async (status) => {
      bench.vendor.answerWith(envelope({ data: { sessionid: SESSION } }), status);

      await expect(check(SESSION, '123456')).resolves.toEqual(unavailable);
      await expect(start()).resolves.toEqual(unclear);
    });

    it.each([
      ['no session', {}],
      ['an empty session', { sessionid: '' }],
      ['a short session', { sessionid: 'c'.repeat(31) }],
      ['a long session', { sessionid: 'c'.repeat(33) }],
      ['a list of sessions', { sessionid: [SESSION] }],
      ['a different phone', { sessionid: SESSION, mobile: OTHER_PHONE }],
    ])('SEC-60 FLT-12: reports a send with %s as unknown', async (_what, data) => {
      bench.vendor.answerWith(envelope({ data }));

      await expect(start()).resolves.toEqual(unclear);
    });

    it.each(['+966555123456', '966555123456', '0555123456', '555123456', 555123456])(
      'recognizes %j as the same number',
      async (mobile) => {
        bench.vendor.answerWith(envelope({ data: { mobile, sessionid: SESSION } }));

        await expect(start()).resolves.toEqual({ outcome: 'sent', reference: SESSION });
      },
    );
  });

  describe('the signature of responses', () => {
    it.each<[string, (headers: Headers) => void]>([
      ['no signature', (headers) => headers.delete('v-signature')],
      ['an empty signature', (headers) => headers.set('v-signature', '')],
      [
        'a different signature',
        (headers) => headers.set('v-signature', headers.get('v-signature')!.replace(/^..../, 'AAAA')),
      ],
      ['a signature that is not Base64', (headers) => headers.set('v-signature', '*')],
      ['a different nonce', (headers) => headers.set('v-nonce-str', 'x')],
      ['no nonce', (headers) => headers.delete('v-nonce-str')],
      ['a different time', (headers) => headers.set('v-timestamp', String(Number(headers.get('v-timestamp')) + 1))],
      [
        'the same time in a different spelling',
        (headers) => headers.set('v-timestamp', `0${headers.get('v-timestamp')}`),
      ],
      ['no time', (headers) => headers.delete('v-timestamp')],
    ])('SEC-60: accepts no success with %s', async (_what, change) => {
      const of = tampered(change);
      const reference = await started();
      bench.now += 60_000;

      await expect(check(reference, code(), { of })).resolves.toEqual(unavailable);
      await expect(start({ of })).resolves.toEqual(unclear);
    });

    it('SEC-60: must be made with the vendor’s key', async () => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const of = adapter({ systemPublicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string });
      const reference = await started();

      await expect(check(reference, code(), { of })).resolves.toEqual(unavailable);
    });

    it('SEC-60: must belong to the same response', async () => {
      const reference = await started();
      const success: Record<string, string> = {};
      await check(reference, code(), {
        of: tampered((headers) => headers.forEach((value, name) => (success[name] = value))),
      });
      const of = tampered((headers) => headers.set('v-signature', success['v-signature']!));

      await expect(check(reference, code(), { of })).resolves.toEqual(unavailable);
    });

    it('SEC-60: of a check is not accepted for a send', async () => {
      let recorded: Response | undefined;
      const of = adapter({
        fetch: async (url, init) => {
          const answer = await fetch(url, init);
          recorded ??= answer.clone();
          return recorded.clone();
        },
      });
      bench.vendor.answerWith(`{"code":200,"data":{"sessionid":"${SESSION}"}}`);
      await expect(check(SESSION, '123456', { of })).resolves.toEqual(verified);

      await expect(start({ of })).resolves.toEqual(unclear);
    });

    it.each([-301, 310])('SEC-60: expires after five minutes: %d s', async (skew) => {
      const reference = await started();
      bench.now += skew * 1000;

      await expect(start({ phone: OTHER_PHONE })).resolves.toEqual(unclear);
      await expect(check(reference, code())).resolves.toEqual(unavailable);
    });

    it.each([-295, 295])('is valid before that: %d s', async (skew) => {
      bench.now += skew * 1000;

      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('expires after the configured "maxSkewSeconds"', async () => {
      bench.now -= 45_000;

      await expect(start({ of: adapter({ maxSkewSeconds: 30 }) })).resolves.toMatchObject({ outcome: 'unknown' });
    });

    it('FLT-10: is not required for a rejected caller, the only refusal that the vendor does not sign', async () => {
      const of = adapter({ apiKey: 'other' });
      await expect(start({ of })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(check(SESSION, '123456', { of })).resolves.toEqual({ outcome: 'unauthorized' });

      const unsigned = tampered((headers) => headers.set('v-signature', ''));
      bench.vendor.answerAlways(1402);
      await expect(start({ of: unsigned })).resolves.toEqual(unclear);
      bench.vendor.answerAlways(1609);
      await expect(check(SESSION, '123456', { of: unsigned })).resolves.toEqual(unavailable);
    });
  });

  describe('the sandbox', () => {
    it('SEC-63: accepts the known code of its test numbers repeatedly in test mode', async () => {
      const { phone, session } = SANDBOX;
      await expect(start({ phone })).resolves.toEqual({ outcome: 'sent', reference: session });
      await expect(start({ phone })).resolves.toEqual({ outcome: 'sent', reference: session });

      expect(bench.vendor.messages()).toEqual([]);
      for (let checks = 0; checks < 2; checks++) {
        await expect(check(session, SANDBOX.code, { phone })).resolves.toEqual(verified);
      }
      await expect(check(session, '123457', { phone })).resolves.toEqual(incorrect);
    });

    it('SEC-63: is refused outside test mode, both sessions and codes', async () => {
      const { phone, session } = SANDBOX;
      const of = outsideTestMode();
      expect(of.capabilities.developmentOnly).toBe(false);

      await expect(start({ of, phone })).resolves.toEqual({ outcome: 'unauthorized' });
      for (const reference of [session, session.toUpperCase()]) {
        await expect(check(reference, SANDBOX.code, { of, phone })).resolves.toEqual({ outcome: 'expired' });
      }
      expect(bench.vendor.requests).toHaveLength(1);
    });

    it('SEC-63: has no effect on its numbers in production', async () => {
      await open({ sandbox: false });
      const { phone } = SANDBOX;
      const of = outsideTestMode();
      const reference = await started({ of, phone });
      const sent = bench.vendor.lastCode(phone)!;

      if (sent !== SANDBOX.code) {
        await expect(check(reference, SANDBOX.code, { of, phone })).resolves.toEqual(incorrect);
      }
      await expect(check(reference, sent, { of, phone })).resolves.toEqual(verified);
    });
  });

  describe('secrets', () => {
    it('passes masked exchanges with their outcomes to "onExchange"', async () => {
      const exchanges = await bench.exchangesOf(async () => {
        await check(await started(), code());
      });

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

    it('calls the documented URL by default', async () => {
      await expect(bench.defaultUrls((of) => start({ of }))).resolves.toEqual([
        'https://vbank.sgate.sa/openApi/v1/otp/sendOtp',
      ]);
    });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('sgate-otp', 'delegated', {
        correlation: 'provider_id',
        codeLength: 6,
        ttlSeconds: 300,
        maxAttempts: 5,
        resendCooldown: 60,
        languages: ['en'],
        distinguishesExpired: false,
      });
      expect(adapter({ maxAttempts: 3 }).capabilities.maxAttempts).toBe(3);
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    it('accepts PEM keys with escaped or Windows line breaks', async () => {
      const { privateKey, systemPublicKey } = bench.vendor.access;
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
    ])('refuses "%s" with the value %j and names the option', (option, value) => {
      const create = () => adapter({ [option]: value });

      expect(create).toThrow(OtpConfigError);
      expect(create).toThrow(new RegExp(`^"${option}" must `));
      if (typeof value === 'string' && value.length > 40) expect(create).not.toThrow(value.slice(28, 60));
    });

    bench.itRequiresOptions('apiKey');

    it('refuses the merchant’s own public key in place of the vendor’s', () => {
      const { privateKey, publicKey } = pem(2048);

      expect(() => adapter({ privateKey, systemPublicKey: publicKey })).toThrow(
        /^"systemPublicKey" must .* not your own/,
      );
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
    ])('refuses a request with %s = %j by %d', async (name, value, expected) => {
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
      expect(bench.vendor.messages()).toEqual([]);
    });

    it('accepts only the merchant’s key', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const of = adapter({ privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }) as string });

      await expect(start({ of })).resolves.toEqual({ outcome: 'unauthorized' });
    });

    /** Sends fields that the adapter would not send, with a valid signature. */
    const send = async (fields: object, path = 'sendOtp') => {
      const { SgateSignature } = await import('../../src/providers/sgate/sgate-signature.js');
      const signature = new SgateSignature({ ...bench.vendor.access, maxSkewSeconds: 300 });
      const body = JSON.stringify(fields);
      const headers = Object.entries(signature.headers('POST', `/openApi/v1/otp/${path}`, body)).map(
        ([name, value]) => [name, typeof value === 'string' ? value : value.expose()] as [string, string],
      );
      const answer = await fetch(`${bench.vendor.url}/openApi/v1/otp/${path}`, { method: 'POST', headers, body });
      return (await answer.json()) as { code: number; data: { mobile?: string; sessionid?: string } };
    };

    it('accepts a number in four formats', async () => {
      for (const mobile of ['555123456', '0555123456', '966555123456', '+966555123456']) {
        await expect(send({ mobile, appname: 'Acme' })).resolves.toMatchObject({
          code: 200,
          data: { mobile: PHONE, appname: 'Acme' },
        });
        await expect(send({ mobile: '555123456', appname: 'Acme' })).resolves.toMatchObject({ code: 1611 });
        bench.now += 60_000;
      }
      expect(bench.vendor.messages(PHONE)).toHaveLength(4);
    });

    it.each([
      [{ appname: 'Acme' }, 1102],
      [{ mobile: '555123456' }, 1102],
      [{ mobile: '555123456', appname: 'x'.repeat(33) }, 1103],
      [{ mobile: '00966555123456', appname: 'Acme' }, 1612],
      [{ mobile: '112345678', appname: 'Acme' }, 1612],
      [{ mobile: '555123456', appname: 'Other' }, 1604],
    ])('refuses to send %j by %d', async (fields, expected) => {
      await expect(send(fields)).resolves.toMatchObject({ code: expected });
    });

    it('validates a check in the documented order', async () => {
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

    it('expires codes, and invalidates them with a new message', async () => {
      const first = await started();
      const old = code();
      bench.now += 60_000;
      const second = await started();
      await expect(check(first, old)).resolves.toEqual(incorrect);
      bench.now += 240_000;
      await expect(check(second, code())).resolves.toEqual(verified);

      const third = await started();
      bench.now += 300_000;
      bench.provider = adapter();
      expect(bench.vendor.requests).toHaveLength(5);
      await expect(send({ mobile: '555123456', code: code(), sessionid: third }, 'checkOtp')).resolves.toMatchObject({
        code: 1607,
      });
    });

    it('can keep old codes valid, and count attempts', async () => {
      await open({ newestOnly: false, maxAttempts: 1 });
      const first = await started();
      const old = code();
      bench.now += 60_000;
      const second = await started();

      await expect(check(first, old)).resolves.toEqual(verified);
      await check(second, wrong());
      await expect(check(second, code())).resolves.toEqual(incorrect);
    });

    it('refuses other paths', async () => {
      await expect(fetch(`${bench.vendor.url}/openApi/v1/otp/otpDetail`, { method: 'POST' })).resolves.toMatchObject({
        status: 404,
      });
    });
  });
});
