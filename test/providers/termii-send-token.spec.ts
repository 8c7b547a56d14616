import type { VendorStart } from 'nestjs-phone-otp/provider-kit';
import { TermiiSendToken } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+2348109477743';
const NUMBER = '2348109477743';
const PIN_ID = 'c8dcd048-5e7f-4347-8c89-4470c3af0b';
const { incorrect, unavailable, unclear, verified } = receipts;

describe('Termii Send Token', () => {
  const bench = vendorBench(TermiiSimulator, TermiiSendToken, { phone: PHONE, region: 'NG' });
  const { adapter, answer, code, open, received, wrong } = bench;
  /** The id of the newest message. */
  let reference: string | undefined;
  beforeEach(() => (reference = undefined));

  async function start({ of = bench.provider, ...request }: Partial<VendorStart & { of: TermiiSendToken }> = {}) {
    const receipt = await of.start({ ...bench.start(), ...request }, within());
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (code: string, { of = bench.provider, id = reference as string | undefined } = {}) =>
    of.check({ ...bench.recipient, code, reference: id }, within());

  describe('a verification', () => {
    it.each(['text', 'boolean'] as const)('sends a code and accepts it once, with verdicts as %s', async (verdicts) => {
      await open({ verified: verdicts });

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: expect.stringMatching(/^[\w-]{36}$/) });
      expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: `Your code is ${code()}.` }]);
      expect(code()).toMatch(/^\d{6}$/);

      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(code())).resolves.toEqual(verified);
      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('sends the documented request', async () => {
      await start({ of: adapter({ message: 'Acme: < 1234 >' }) });

      expect(received()).toEqual({
        api_key: bench.vendor.access.apiKey,
        to: NUMBER,
        from: 'Acme',
        channel: 'dnd',
        pin_type: 'NUMERIC',
        message_type: 'NUMERIC',
        pin_attempts: 5,
        pin_time_to_live: 5,
        pin_length: 6,
        pin_placeholder: '< 1234 >',
        message_text: 'Acme: < 1234 >',
      });
      expect(bench.vendor.requests[0]).toMatchObject({
        method: 'POST',
        path: '/api/sms/otp/send',
        headers: { 'content-type': 'application/json' },
      });

      await check('0042');

      expect(received()).toEqual({ api_key: bench.vendor.access.apiKey, pin_id: reference, pin: '0042' });
      expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/verify' });
    });

    it.each([
      [{ codeLength: 4 }, { pin_length: 6 }],
      [{ codeLength: 8 }, { pin_length: 8 }],
      [{ codeLength: 10 }, { pin_length: 8 }],
      [{ ttlSeconds: 30 }, { pin_time_to_live: 1 }],
      [{ ttlSeconds: 0 }, { pin_time_to_live: 1 }],
      [{ ttlSeconds: 61 }, { pin_time_to_live: 2 }],
      [{ ttlSeconds: 600 }, { pin_time_to_live: 10 }],
      [{ ttlSeconds: 3600 }, { pin_time_to_live: 10 }],
      [{ maxAttempts: 0 }, { pin_attempts: 1 }],
      [{ maxAttempts: 3 }, { pin_attempts: 3 }],
    ])('turns the figures %j into the request %j', async (figures, fields) => {
      await start(figures);

      expect(received()).toMatchObject(fields);
    });

    it('uses the configured route and text', async () => {
      const message = { default: 'Code: < 1234 >', fr: 'Votre code : < 1234 >' };
      await start({ of: adapter({ channel: 'generic', message }), locale: 'fr-NE' });

      expect(received()).toMatchObject({ channel: 'generic', message_text: 'Votre code : < 1234 >' });
    });

    it('accepts numbers of any country', async () => {
      await start({ phone: '+966512345678' });

      expect(received()).toMatchObject({ to: '966512345678' });
    });

    it('requires a new code if the vendor’s id was lost with its response', async () => {
      await expect(check('123456', { id: undefined })).resolves.toEqual({ outcome: 'expired' });
      expect(bench.vendor.requests).toEqual([]);
    });
  });

  describe('refusals of a send', () => {
    bench.itMaps(
      'maps %d "%s" to "%s"',
      (status: number, message: string) => bench.vendor.answerAlways(status, message),
      () => start(),
      [
        [400, 'Phone number is invalid', 'invalid_number'],
        [400, 'Bad request', 'unknown'],
        [400, 'Invalid Sender Id', 'rejected_sender'],
        [401, 'Unauthorized', 'unauthorized'],
        [403, 'Your account is not active', 'unauthorized'],
        [404, 'Not found', 'unknown'],
        [404, 'The phone number you call has no route', 'unknown'],
        [405, 'Method not allowed', 'unknown'],
        [422, 'The phone number must be in international format', 'invalid_number'],
        [422, 'The sender field is required', 'rejected_sender'],
        [422, 'Unprocessable', 'unknown'],
        [429, 'Too many requests', 'rate_limited'],
        [400, 'Your account is not active', 'unauthorized'],
        [400, 'You are not set up on this route', 'rejected_sender'],
        [400, 'Your device has reached the daily limit', 'rate_limited'],
        [404, 'Device not found', 'rejected_sender'],
        [400, 'Insufficient balance for this number', 'insufficient_balance'],
        [400, 'INSUFFICIENT_BALANCE', 'insufficient_balance'],
        [400, 'INVALID_SENDER_ID', 'rejected_sender'],
        [400, 'INVALID_PHONE_NUMBER', 'invalid_number'],
        [400, 'INVALID_API_KEY', 'unauthorized'],
      ],
    );

    bench.itMaps(
      'maps a 422 with %j to "%s"',
      (body: unknown) => answer(body, 422),
      () => start(),
      [
        [{ errors: { to: ['is wrong'] } }, 'invalid_number'],
        [{ errors: { from: ['is wrong'] } }, 'rejected_sender'],
        [{ errors: ['The phone number is wrong'] }, 'invalid_number'],
        [{ code: 'INSUFFICIENT_BALANCE' }, 'insufficient_balance'],
        [{ detail: 'phone number' }, 'unknown'],
        ['<p>phone number</p>', 'unknown'],
      ],
    );
  });

  describe('success of a send', () => {
    const sent = { pinId: PIN_ID, to: NUMBER, smsStatus: 'Message Sent' };

    bench.itReads('SEC-60: accepts %s as sent', () => start(), { outcome: 'sent', reference: PIN_ID }, [
      ['the documented response', sent],
      ['the alternative spelling of the id', { ...sent, pinId: undefined, pin_id: PIN_ID }],
      ['additional fields', { ...sent, status: 200, phone_number: NUMBER }],
      ['no number', { ...sent, to: undefined }],
    ]);

    bench.itReads(
      'SEC-60: reports %s as unknown, but keeps the id so the code can be checked',
      () => start(),
      { ...unclear, reference: PIN_ID },
      [
        ['a different status', { ...sent, smsStatus: 'Message Failed' }],
        ['a status in a different case', { ...sent, smsStatus: 'message sent' }],
        ['true', { ...sent, smsStatus: true }],
        ['no status', { ...sent, smsStatus: undefined }],
        ['a status that is a list', { ...sent, smsStatus: ['Message Sent'] }],
        ['the success flags of other responses', { ...sent, smsStatus: undefined, code: 'ok', status: 'success' }],
      ],
    );

    bench.itReads('SEC-60: reports %s as unknown', () => start(), unclear, [
      ['no id', { ...sent, pinId: undefined }],
      ['an empty id', { ...sent, pinId: '' }],
      ['an invalid id', { ...sent, pinId: { id: PIN_ID } }],
      ['an id with a line break', { ...sent, pinId: `${PIN_ID}\n` }],
      ['a different phone', { ...sent, to: '2348109477744' }],
      ['an array with one element', [sent]],
      ['a JSON string', JSON.stringify(JSON.stringify(sent))],
      ['null', null],
    ]);

    bench.itReads(
      'SEC-60: reports a response with status %s as unknown',
      () => start(),
      unclear,
      withStatuses(sent, 202, 204, 206),
    );
  });

  describe('success of a check', () => {
    const right = { pinId: PIN_ID, verified: 'True', msisdn: NUMBER };
    const checkPin = () => check('123456', { id: PIN_ID });

    bench.itReads('SEC-60: accepts %s as verified', checkPin, verified, [
      ['"True"', right],
      ['"true"', { ...right, verified: 'true' }],
      ['"TRUE"', { ...right, verified: 'TRUE' }],
      ['true', { ...right, verified: true }],
      ['the alternative spelling of the id', { ...right, pinId: undefined, pin_id: PIN_ID }],
      ['neither id nor number', { verified: 'True' }],
    ]);

    bench.itReads('SEC-60: does not accept %s as verified', checkPin, unavailable, [
      ['" True"', { ...right, verified: ' True' }],
      ['"True "', { ...right, verified: 'True ' }],
      ['"Yes"', { ...right, verified: 'Yes' }],
      ['"1"', { ...right, verified: '1' }],
      ['1', { ...right, verified: 1 }],
      ['["True"]', { ...right, verified: ['True'] }],
      ['[true]', { ...right, verified: [true] }],
      ['a nested {"verified":"True"}', { ...right, verified: { verified: 'True' } }],
      ['null', { ...right, verified: null }],
      ['"verified"', { ...right, verified: 'verified' }],
      ['""', { ...right, verified: '' }],
      ['true in a different field', { ...right, verified: undefined, data: right, status: true }],
      ['a different spelling of the field', { ...right, verified: undefined, Verified: 'True' }],
      ['the success of a send', { ...right, verified: undefined, smsStatus: 'Message Sent', code: 'ok' }],
      ['a different number', { ...right, msisdn: '2348109477744' }],
      ['the number with a plus', { ...right, msisdn: PHONE }],
      ['a list of numbers', { ...right, msisdn: [NUMBER] }],
      ['a different id', { ...right, pinId: 'another' }],
      ['a different id in the alternative spelling', { ...right, pinId: undefined, pin_id: 'another' }],
      ['a list of ids', { ...right, pinId: [PIN_ID] }],
      ['an array with one element', [right]],
      ['a JSON string', JSON.stringify(JSON.stringify(right))],
      ['a "__proto__" key', '{"__proto__":{"verified":"True"}}'],
      ['true', 'true'],
      ['the JSON string "True"', '"True"'],
      ['JSON with trailing characters', `${JSON.stringify(right)}1`],
      ['HTML', `<p>${JSON.stringify(right)}</p>`],
      ['an empty body', ''],
    ]);

    bench.itReads(
      'SEC-60: does not accept "True" with status %s',
      checkPin,
      unavailable,
      withStatuses(right, 202, 206, 400, 404, 422),
    );

    bench.itMaps(
      'maps %s to a refusal',
      (_what: string, body: unknown, status: number) => answer(body, status),
      checkPin,
      [
        ['"False"', { ...right, verified: 'False' }, 200, 'incorrect_code'],
        ['"FALSE"', { ...right, verified: 'FALSE' }, 200, 'incorrect_code'],
        ['false', { ...right, verified: false }, 200, 'incorrect_code'],
        ['"False" with a 400', { ...right, verified: 'False' }, 400, 'incorrect_code'],
        ['remaining attempts', { ...right, verified: 'False', attemptsRemaining: 2 }, 200, 'incorrect_code'],
        ['no remaining attempts', { ...right, verified: 'False', attemptsRemaining: 0 }, 200, 'attempts_exhausted'],
        ['"Expired"', { ...right, verified: 'Expired' }, 200, 'expired'],
        ['"Expired" with a 400', { ...right, verified: 'Expired' }, 400, 'expired'],
        ['a 422', { errors: { pin_id: ['is wrong'] } }, 422, 'incorrect_code'],
        ['a 400', { message: 'Bad request' }, 400, 'unknown'],
        ['a 401', { message: 'Unauthorized' }, 401, 'unauthorized'],
        ['a 403', { message: 'Your account is not active' }, 403, 'unauthorized'],
        ['a 404', { message: 'Not found' }, 404, 'unknown'],
        ['a 405', { message: 'Method not allowed' }, 405, 'unknown'],
        ['a 429', {}, 429, 'rate_limited'],
      ],
    );

    it('SEC-63: accepts no well-known code', async () => {
      await start();

      await expect(check(bench.wellKnown())).resolves.toEqual(incorrect);
    });
  });

  describe('options', () => {
    const baseUrl = 'https://api.ng.termii.com';
    const create = (options: object) => new TermiiSendToken({ apiKey: 'key', baseUrl, sender: 'Acme', ...options });

    it('declares the vendor’s capabilities and the configured figures', () => {
      bench.expectCapabilities('termii-send-token', 'delegated', {
        correlation: 'provider_id',
        codeLength: [6, 8],
        ttlSeconds: [60, 600],
        maxAttempts: [1, 10],
        resendCooldown: 60,
        languages: ['en'],
      });
      expect(create({ cooldownSeconds: 90, message: '< 1234 >' }).capabilities).toMatchObject({
        resendCooldown: 90,
        languages: 'any',
        fixedText: true,
      });
    });

    it('SEC-63: accepts a simulator in test mode only', () => bench.expectTestModeOnly());

    bench.itRefusesOptions('apiKey', [
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key\r\nx: y'],
      ['baseUrl', undefined],
      ['baseUrl', 'http://api.ng.termii.com'],
      ['sender', undefined],
      ['sender', 'Ac'],
      ['sender', 'Acme\n'],
      ['sender', 'twelve chars'],
      ['channel', 'email'],
      ['message', ''],
      ['message', 'no place for the code'],
      ['message', '<1234>'],
      ['message', '< 1234 > < 1234 >'],
      ['message', 'two\nlines < 1234 >'],
      ['cooldownSeconds', 0],
      ['cooldownSeconds', '60'],
      ['fetch', 'fetch'],
    ]);
  });

  describe('the simulator', () => {
    const post = (path: string, body: unknown, method = 'POST') =>
      fetch(bench.vendor.url + path, { method, ...(method === 'POST' && { body: JSON.stringify(body) }) });
    const pin = { pin_type: 'NUMERIC', pin_attempts: 3, pin_time_to_live: 1, pin_length: 4 };
    const right = () => ({
      api_key: bench.vendor.access.apiKey,
      to: NUMBER,
      from: 'Acme',
      channel: 'dnd',
      ...pin,
      pin_placeholder: '<x>',
      message_text: 'Code <x>',
    });

    it('expires codes after the requested time', async () => {
      await start({ ttlSeconds: 120 });
      bench.now += 119_999;
      await expect(check(wrong())).resolves.toEqual(incorrect);
      bench.now += 1;

      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('compares the requested number of codes, and reports when no attempt remains', async () => {
      await start({ maxAttempts: 2 });

      await expect(check(wrong())).resolves.toEqual(incorrect);
      await expect(check(wrong())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('can omit the number of remaining attempts', async () => {
      await open({ tellsAttempts: false });
      await start({ maxAttempts: 1 });
      await check(wrong());

      await expect(check(code())).resolves.toEqual(incorrect);
    });

    it('refuses unknown ids', async () => {
      await expect(check('123456', { id: PIN_ID })).resolves.toEqual(incorrect);
      expect(bench.vendor.requests).toHaveLength(1);
    });

    it.each([
      [401, { api_key: 'other' }],
      [401, { api_key: undefined }],
      [400, { from: 'Other' }],
      [422, { from: 'Ac' }],
      [422, { to: PHONE }],
      [422, { to: undefined }],
      [422, { channel: 'pigeon' }],
      [422, { pin_type: 'LETTERS' }],
      [422, { pin_length: 3 }],
      [422, { pin_length: 9 }],
      [422, { pin_length: '6' }],
      [422, { pin_attempts: 0 }],
      [422, { pin_time_to_live: 61 }],
      [422, { pin_time_to_live: -1 }],
      [422, { message_text: '' }],
      [200, { pin_time_to_live: 0 }],
      [200, { pin_length: 8, pin_type: 'ALPHANUMERIC' }],
    ])('returns %d for %j', async (status, fields) => {
      expect((await post('/api/sms/otp/send', { ...right(), ...fields })).status).toBe(status);
      expect(bench.vendor.messages()).toHaveLength(status === 200 ? 1 : 0);
    });

    it('returns the documented responses', async () => {
      const sent = (await (await post('/api/sms/otp/send', right())).json()) as { pinId: string };
      expect(sent).toEqual({ pinId: expect.any(String), to: NUMBER, smsStatus: 'Message Sent' });

      const typed = { api_key: bench.vendor.access.apiKey, pin_id: sent.pinId, pin: code() };
      const verified = await (await post('/api/sms/otp/verify', typed)).json();
      expect(verified).toEqual({ pinId: sent.pinId, verified: 'True', msisdn: NUMBER });
    });

    it('refuses other paths and methods', async () => {
      expect((await post('/api/sms/otp', {})).status).toBe(404);
      expect((await post('/api/sms/otp/send', {}, 'GET')).status).toBe(405);
    });
  });
});
