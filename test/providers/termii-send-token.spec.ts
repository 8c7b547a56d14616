import { OtpConfigError } from 'nestjs-phone-otp';
import type { SendOutcome, VendorStart } from 'nestjs-phone-otp/provider-kit';
import { TermiiSendToken, type TermiiSendTokenOptions } from 'nestjs-phone-otp/termii';
import { TermiiSimulator, type TermiiSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+2348109477743';
const NUMBER = '2348109477743';
const PIN_ID = 'c8dcd048-5e7f-4347-8c89-4470c3af0b';
const recipient = { phone: PHONE, region: 'NG', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const wishes = {
  ...recipient,
  purpose: 'login',
  locale: 'en',
  appName: 'Acme',
  codeLength: 6,
  ttlSeconds: 300,
  maxAttempts: 5,
};

describe('Termii Send Token', () => {
  let termii: TermiiSimulator;
  let provider: TermiiSendToken;
  /** Of the newest message. */
  let reference: string | undefined;

  async function open(options: TermiiSimulatorOptions = {}): Promise<void> {
    await termii?.stop();
    termii = await new TermiiSimulator(options).start();
    provider = adapter();
    reference = undefined;
  }
  beforeEach(() => open());
  afterEach(() => termii.stop());

  const adapter = (options: Partial<TermiiSendTokenOptions> = {}) =>
    new TermiiSendToken({ ...termii.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  async function start({
    of = provider,
    ms = 5_000,
    ...wish
  }: Partial<VendorStart & { of: TermiiSendToken; ms: number }> = {}) {
    const receipt = await of.start({ ...wishes, ...wish }, within(ms));
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (code: string, { of = provider, ms = 5_000, id = reference as string | undefined } = {}) =>
    of.check({ ...recipient, code, reference: id }, within(ms));
  const code = () => termii.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const received = () => JSON.parse(termii.requests[0]!.body) as Record<string, unknown>;
  const answered = (body: unknown, status = 200) =>
    termii.fault({ kind: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const unavailable = { outcome: 'provider_unavailable' };
  const unclear = { outcome: 'unknown', ambiguous: true };

  describe('a verification', () => {
    it.each(['text', 'boolean'] as const)('sends a code and takes it once, with verdicts as %s', async (verified) => {
      await open({ verified });

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: expect.stringMatching(/^[\w-]{36}$/) });
      expect(termii.messages()).toMatchObject([{ phone: PHONE, text: `Your code is ${code()}.` }]);
      expect(code()).toMatch(/^\d{6}$/);

      await expect(check(wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('asks as the vendor documents', async () => {
      await start({ of: adapter({ message: 'Acme: < 1234 >' }) });

      expect(received()).toEqual({
        api_key: termii.access.apiKey,
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
      expect(termii.requests[0]).toMatchObject({
        method: 'POST',
        path: '/api/sms/otp/send',
        headers: { 'content-type': 'application/json' },
      });

      await check('0042');

      expect(received()).toEqual({ api_key: termii.access.apiKey, pin_id: reference, pin: '0042' });
      expect(termii.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/verify' });
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
    ])('makes of the wish %j the request %j', async (wish, fields) => {
      await start(wish);

      expect(received()).toMatchObject(fields);
    });

    it('takes the route and the text of the host', async () => {
      const message = { default: 'Code: < 1234 >', fr: 'Votre code : < 1234 >' };
      await start({ of: adapter({ channel: 'generic', message }), locale: 'fr-NE' });

      expect(received()).toMatchObject({ channel: 'generic', message_text: 'Votre code : < 1234 >' });
    });

    it('serves numbers of any country', async () => {
      await start({ phone: '+966512345678' });

      expect(received()).toMatchObject({ to: '966512345678' });
    });

    it('checks nothing without the vendor’s id, which was lost with its answer', async () => {
      await expect(check('123456', { id: undefined })).resolves.toEqual({ outcome: 'expired' });
      expect(termii.requests).toEqual([]);
    });
  });

  describe('refusals of a send', () => {
    it.each([
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
    ] satisfies [number, string, SendOutcome][])('%d "%s" is %s', async (status, message, outcome) => {
      termii.answerAlways(status, message);
      await expect(start()).resolves.toEqual({ outcome });
    });

    it.each([
      [{ errors: { to: ['is wrong'] } }, 'invalid_number'],
      [{ errors: { from: ['is wrong'] } }, 'rejected_sender'],
      [{ errors: ['The phone number is wrong'] }, 'invalid_number'],
      [{ code: 'INSUFFICIENT_BALANCE' }, 'insufficient_balance'],
      [{ detail: 'phone number' }, 'unknown'],
      ['<p>phone number</p>', 'unknown'],
    ] satisfies [unknown, SendOutcome][])('422 %j is %s', async (body, outcome) => {
      answered(body, 422);

      await expect(start()).resolves.toEqual({ outcome });
    });
  });

  describe('what counts as sent', () => {
    const sent = { pinId: PIN_ID, to: NUMBER, smsStatus: 'Message Sent' };

    it.each([
      ['the documented answer', sent],
      ['the id in its other spelling', { ...sent, pinId: undefined, pin_id: PIN_ID }],
      ['more in it', { ...sent, status: 200, phone_number: NUMBER }],
      ['no number', { ...sent, to: undefined }],
    ])('SEC-60: %s is', async (_, body) => {
      answered(body);

      await expect(start()).resolves.toEqual({ outcome: 'sent', reference: PIN_ID });
    });

    it.each([
      ['another status', { ...sent, smsStatus: 'Message Failed' }],
      ['a status in another spelling', { ...sent, smsStatus: 'message sent' }],
      ['true', { ...sent, smsStatus: true }],
      ['no status', { ...sent, smsStatus: undefined }],
      ['a status that is a list', { ...sent, smsStatus: ['Message Sent'] }],
      ['the flag of another answer', { ...sent, smsStatus: undefined, code: 'ok', status: 'success' }],
    ])('SEC-60: %s is not, but if the code comes it can be checked', async (_, body) => {
      answered(body);

      await expect(start()).resolves.toEqual({ ...unclear, reference: PIN_ID });
    });

    it.each([
      ['no id', { ...sent, pinId: undefined }],
      ['an empty id', { ...sent, pinId: '' }],
      ['an id that is none', { ...sent, pinId: { id: PIN_ID } }],
      ['an id with a line break', { ...sent, pinId: `${PIN_ID}\n` }],
      ['another phone', { ...sent, to: '2348109477744' }],
      ['an array of one', [sent]],
      ['text', JSON.stringify(JSON.stringify(sent))],
      ['null', null],
    ])('SEC-60: %s is not', async (_, body) => {
      answered(body);

      await expect(start()).resolves.toEqual(unclear);
    });

    it.each([202, 204, 206])('SEC-60: status line %d is not', async (status) => {
      answered(status === 204 ? '' : sent, status);

      await expect(start()).resolves.toEqual(unclear);
    });
  });

  describe('what counts as verified', () => {
    const right = { pinId: PIN_ID, verified: 'True', msisdn: NUMBER };
    const judged = (body: unknown, status?: number) => {
      answered(body, status);
      return check('123456', { id: PIN_ID });
    };

    it.each([
      ['"True"', right],
      ['"true"', { ...right, verified: 'true' }],
      ['"TRUE"', { ...right, verified: 'TRUE' }],
      ['true', { ...right, verified: true }],
      ['the id in its other spelling', { ...right, pinId: undefined, pin_id: PIN_ID }],
      ['neither id nor number', { verified: 'True' }],
    ])('SEC-60: %s is', async (_, body) => {
      await expect(judged(body)).resolves.toEqual({ outcome: 'verified' });
    });

    it.each([
      ['" True"', { ...right, verified: ' True' }],
      ['"True "', { ...right, verified: 'True ' }],
      ['"Yes"', { ...right, verified: 'Yes' }],
      ['"1"', { ...right, verified: '1' }],
      ['1', { ...right, verified: 1 }],
      ['["True"]', { ...right, verified: ['True'] }],
      ['[true]', { ...right, verified: [true] }],
      ['{"verified":"True"} within', { ...right, verified: { verified: 'True' } }],
      ['null', { ...right, verified: null }],
      ['"verified"', { ...right, verified: 'verified' }],
      ['""', { ...right, verified: '' }],
      ['true in another place', { ...right, verified: undefined, data: right, status: true }],
      ['another spelling of the field', { ...right, verified: undefined, Verified: 'True' }],
      ['the success of a send', { ...right, verified: undefined, smsStatus: 'Message Sent', code: 'ok' }],
      ['another number', { ...right, msisdn: '2348109477744' }],
      ['the number with a plus', { ...right, msisdn: PHONE }],
      ['a list of numbers', { ...right, msisdn: [NUMBER] }],
      ['another id', { ...right, pinId: 'another' }],
      ['another id, in its other spelling', { ...right, pinId: undefined, pin_id: 'another' }],
      ['a list of ids', { ...right, pinId: [PIN_ID] }],
      ['an array of one', [right]],
      ['text', JSON.stringify(JSON.stringify(right))],
      ['a prototype', '{"__proto__":{"verified":"True"}}'],
      ['true alone', 'true'],
      ['"True" alone', '"True"'],
      ['JSON with more after it', `${JSON.stringify(right)}1`],
      ['a page', `<p>${JSON.stringify(right)}</p>`],
      ['nothing', ''],
    ])('SEC-60: %s is not', async (_, body) => {
      await expect(judged(body)).resolves.toEqual(unavailable);
    });

    it.each([202, 206, 400, 404, 422])('SEC-60: "True" with status line %d is not', async (status) => {
      await expect(judged(right, status)).resolves.toEqual(unavailable);
    });

    it.each([
      ['"False"', { ...right, verified: 'False' }, 200, 'incorrect_code'],
      ['"FALSE"', { ...right, verified: 'FALSE' }, 200, 'incorrect_code'],
      ['false', { ...right, verified: false }, 200, 'incorrect_code'],
      ['"False" with a 400', { ...right, verified: 'False' }, 400, 'incorrect_code'],
      ['tries that remain', { ...right, verified: 'False', attemptsRemaining: 2 }, 200, 'incorrect_code'],
      ['no tries that remain', { ...right, verified: 'False', attemptsRemaining: 0 }, 200, 'attempts_exhausted'],
      ['"Expired"', { ...right, verified: 'Expired' }, 200, 'expired'],
      ['"Expired" with a 400', { ...right, verified: 'Expired' }, 400, 'expired'],
      ['a 422', { errors: { pin_id: ['is wrong'] } }, 422, 'incorrect_code'],
      ['a 400', { message: 'Bad request' }, 400, 'unknown'],
      ['a 401', { message: 'Unauthorized' }, 401, 'unauthorized'],
      ['a 403', { message: 'Your account is not active' }, 403, 'unauthorized'],
      ['a 404', { message: 'Not found' }, 404, 'unknown'],
      ['a 405', { message: 'Method not allowed' }, 405, 'unknown'],
      ['a 429', {}, 429, 'rate_limited'],
    ])('%s is no success', async (_, body, status, outcome) => {
      await expect(judged(body, status)).resolves.toEqual({ outcome });
    });

    it('SEC-63: takes no well-known code', async () => {
      await start();

      await expect(check(code() === '123456' ? '000000' : '123456')).resolves.toEqual({ outcome: 'incorrect_code' });
    });
  });

  describe('options', () => {
    const baseUrl = 'https://api.ng.termii.com';
    const make = (options: object) => new TermiiSendToken({ apiKey: 'key', baseUrl, sender: 'Acme', ...options });

    it('declare what the vendor does, and what it does not say', () => {
      expect(make({})).toMatchObject({
        name: 'termii-send-token',
        mode: 'delegated',
        capabilities: {
          correlation: 'provider_id',
          codeLength: [6, 8],
          ttlSeconds: [60, 600],
          maxAttempts: [1, 10],
          resendCooldown: 60,
          languages: ['en'],
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: true,
          developmentOnly: false,
        },
      });
      expect(make({ cooldownSeconds: 90, message: '< 1234 >' }).capabilities).toMatchObject({
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
    ])('refuse the %s %j and say what to write', (option, value) => {
      expect(() => make({ [option]: value })).toThrow(OtpConfigError);
      expect(() => make({ [option]: value })).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new TermiiSendToken(undefined as never)).toThrow(/^"apiKey" must /);
    });
  });

  describe('the simulator', () => {
    let now: number;
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1);
      await open({ now: () => now });
    });
    const post = (path: string, body: unknown, method = 'POST') =>
      fetch(termii.url + path, { method, ...(method === 'POST' && { body: JSON.stringify(body) }) });
    const pin = { pin_type: 'NUMERIC', pin_attempts: 3, pin_time_to_live: 1, pin_length: 4 };
    const right = () => ({
      api_key: termii.access.apiKey,
      to: NUMBER,
      from: 'Acme',
      channel: 'dnd',
      ...pin,
      pin_placeholder: '<x>',
      message_text: 'Code <x>',
    });

    it('lets codes expire when they were asked to', async () => {
      await start({ ttlSeconds: 120 });
      now += 119_999;
      await expect(check(wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      now += 1;

      await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('compares as many codes as it was asked to, and says when none are left', async () => {
      await start({ maxAttempts: 2 });

      await expect(check(wrong())).resolves.toEqual({ outcome: 'incorrect_code' });
      await expect(check(wrong())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await expect(check(code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
    });

    it('need not say how many are left', async () => {
      await open({ tellsAttempts: false });
      await start({ maxAttempts: 1 });
      await check(wrong());

      await expect(check(code())).resolves.toEqual({ outcome: 'incorrect_code' });
    });

    it('knows its own ids', async () => {
      await expect(check('123456', { id: PIN_ID })).resolves.toEqual({ outcome: 'incorrect_code' });
      expect(termii.requests).toHaveLength(1);
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
    ])('answers %d to %j', async (status, fields) => {
      expect((await post('/api/sms/otp/send', { ...right(), ...fields })).status).toBe(status);
      expect(termii.messages()).toHaveLength(status === 200 ? 1 : 0);
    });

    it('answers as documented', async () => {
      const sent = (await (await post('/api/sms/otp/send', right())).json()) as { pinId: string };
      expect(sent).toEqual({ pinId: expect.any(String), to: NUMBER, smsStatus: 'Message Sent' });

      const typed = { api_key: termii.access.apiKey, pin_id: sent.pinId, pin: code() };
      const verified = await (await post('/api/sms/otp/verify', typed)).json();
      expect(verified).toEqual({ pinId: sent.pinId, verified: 'True', msisdn: NUMBER });
    });

    it('knows no other address or method', async () => {
      expect((await post('/api/sms/otp', {})).status).toBe(404);
      expect((await post('/api/sms/otp/send', {}, 'GET')).status).toBe(405);
    });
  });
});
