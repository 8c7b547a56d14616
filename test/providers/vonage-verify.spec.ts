import { OtpConfigError } from 'nestjs-phone-otp';
import type { CheckOutcome, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { VonageVerify, type VonageVerifyOptions } from 'nestjs-phone-otp/vonage';
import { type SimulatedFault, VonageSimulator, type VonageSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+966512345678';
const OTHER_PHONE = '+447700900123';
const ID = 'c11236f4-00bf-4b89-84ba-88b25df97315';
const recipient = { phone: PHONE, region: 'SA', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' } as const;
const common = { ...recipient, purpose: 'login', appName: 'Some other name', maxAttempts: 3 };

describe('Vonage Verify', () => {
  let vonage: VonageSimulator;
  let provider: VonageVerify;
  let now: number;

  async function open(options: VonageSimulatorOptions = {}): Promise<void> {
    await vonage?.stop();
    now = Date.now();
    vonage = await new VonageSimulator({ now: () => now, ...options }).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => vonage.stop());

  const adapter = (options: Partial<VonageVerifyOptions> = {}) => new VonageVerify({ ...vonage.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const start = ({ of = provider, ms = 5_000, phone = PHONE, locale = 'en', ttlSeconds = 300, codeLength = 6 } = {}) =>
    of.start({ ...common, phone, locale, ttlSeconds, codeLength }, within(ms));
  const started = async (options = {}) => (await start(options)).reference!;
  const check = (reference: string | undefined, typed: string, ms = 5_000) =>
    provider.check({ ...recipient, code: typed, ...(reference !== undefined && { reference }) }, within(ms));
  const code = () => vonage.lastCode(PHONE)!;
  const wrong = () => code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  const received = () => JSON.parse(vonage.requests[0]!.body) as Record<string, unknown>;
  const answered = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    vonage.fault({ kind: 'answer', status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const incorrect = { outcome: 'incorrect_code' };
  const unavailable = { outcome: 'provider_unavailable' };
  const unclear = { outcome: 'unknown', ambiguous: true };

  describe('a verification', () => {
    it('sends a code and takes it once', async () => {
      const { outcome, reference } = await start();

      expect([outcome, reference]).toEqual(['sent', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      expect(vonage.messages(PHONE)).toMatchObject([{ text: `Acme code: ${code()}. Valid for a short time.` }]);
      await expect(check(reference, wrong())).resolves.toEqual(incorrect);
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'verified' });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('asks as the vendor documents: JSON, and the account by HTTP Basic', async () => {
      const reference = await started();

      const { apiKey, apiSecret } = vonage.access;
      const headers = {
        authorization: `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`,
        'content-type': 'application/json',
      };
      expect(vonage.requests[0]).toMatchObject({ method: 'POST', path: '/v2/verify', headers });
      expect(received()).toEqual({
        brand: 'Acme',
        workflow: [{ channel: 'sms', to: '966512345678' }],
        locale: 'en-us',
        channel_timeout: 300,
        code_length: 6,
      });

      await check(reference, '004200');

      expect(vonage.requests[0]).toMatchObject({ method: 'POST', path: `/v2/verify/${reference}`, headers });
      expect(received()).toEqual({ code: '004200' });
    });

    it('asks for what the application wants of a code, and comes from whom the host says', async () => {
      await start({ of: adapter({ from: 'AcmeBank' }), codeLength: 8, ttlSeconds: 90 });

      expect(received()).toMatchObject({
        workflow: [{ channel: 'sms', to: '966512345678', from: 'AcmeBank' }],
        channel_timeout: 90,
        code_length: 8,
      });
      expect(code()).toMatch(/^\d{8}$/);
    });

    it.each([
      [10, 60],
      [3600, 900],
    ])('keeps %d s within what the vendor takes: %d s', async (ttlSeconds, timeout) => {
      await start({ ttlSeconds });

      expect(received()).toMatchObject({ channel_timeout: timeout });
    });

    it.each([
      ['ar-SA', 'ar-xa'],
      ['EN_gb', 'en-gb'],
      ['en', 'en-us'],
      ['es-AR', 'es-es'],
      ['pt-BR', 'pt-br'],
      ['fr', 'fr-fr'],
      ['he', undefined],
      ['', undefined],
    ])('writes for the locale "%s" in %s', async (locale, language) => {
      await start({ locale });

      expect(received().locale).toBe(language);
    });

    it.each([undefined, '', 'short', ID.slice(1), `${ID}0`, `${ID}\n`, `../${ID}`])(
      'asks for a new code where the request is lost or senseless: %j',
      async (reference) => {
        await expect(check(reference, '123456')).resolves.toEqual({ outcome: 'expired' });
        await provider.cancel({ ...recipient, ...(reference !== undefined && { reference }) }, within());
        expect(vonage.requests).toEqual([]);
      },
    );

    it('cancels at the vendor, which frees the number', async () => {
      const reference = await started();
      await expect(start()).resolves.toMatchObject({ outcome: 'resend_too_soon' });

      await provider.cancel({ ...recipient, reference }, within());

      expect(vonage.requests[0]).toMatchObject({ method: 'DELETE', path: `/v2/verify/${reference}`, body: '' });
      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('cancels in silence, whatever comes of it', async () => {
      const faults = [{ kind: 'html' }, { kind: 'reset' }, { kind: 'status', status: 404 }] satisfies SimulatedFault[];
      for (const fault of faults) {
        vonage.fault(fault);
        await expect(provider.cancel({ ...recipient, reference: ID }, within())).resolves.toBeUndefined();
      }
    });
  });

  describe('problems', () => {
    it.each<[status: number, title: string, SendReceipt]>([
      [400, 'Bad Request', { outcome: 'unknown', ambiguous: false }],
      [401, 'Unauthorized', { outcome: 'unauthorized' }],
      [402, 'Low balance', { outcome: 'insufficient_balance' }],
      [403, 'Forbidden', { outcome: 'unauthorized' }],
      [404, 'Not Found', { outcome: 'unknown', ambiguous: false }],
      [409, 'Conflict', { outcome: 'resend_too_soon', retryAfterSeconds: 300 }],
      [422, 'Conflict', { outcome: 'resend_too_soon', retryAfterSeconds: 300 }],
      [422, 'Invalid params', { outcome: 'invalid_number' }],
      [429, 'Rate Limit Hit', { outcome: 'rate_limited' }],
      [500, 'Internal Error', { outcome: 'unknown', ambiguous: true }],
    ])('FLT-10: %d "%s" at a start is %j', async (status, title, receipt) => {
      vonage.answerAlways(status, title);

      await expect(start()).resolves.toEqual(receipt);
    });

    it.each<[status: number, title: string, CheckOutcome]>([
      [400, 'Invalid Code', 'incorrect_code'],
      [400, 'Bad Request', 'unknown'],
      [401, 'Unauthorized', 'unauthorized'],
      [402, 'Low balance', 'insufficient_balance'],
      [403, 'Forbidden', 'unauthorized'],
      [404, 'Not Found', 'expired'],
      [409, 'Conflict', 'unknown'],
      [410, 'Invalid Code', 'attempts_exhausted'],
      [422, 'Invalid params', 'unknown'],
      [429, 'Rate Limit Hit', 'rate_limited'],
      [500, 'Internal Error', 'provider_unavailable'],
    ])('%d "%s" at a check is %s', async (status, title, outcome) => {
      vonage.answerAlways(status, title);

      await expect(check(ID, '123456')).resolves.toEqual({ outcome });
    });

    it('are the vendor’s own: a page of somebody else’s is none', async () => {
      for (const status of [400, 404, 409, 410, 422]) {
        for (const body of ['<h1>Invalid Code</h1>', '{"message":"Invalid Code"}', '{"title":["Invalid Code"]}', '']) {
          answered(status, body);
          await expect(check(ID, '123456')).resolves.toEqual(unavailable);
          await expect(start()).resolves.toEqual(unclear);
        }
      }
    });

    it('FLT-11: wait as long as the answer says, and else as long as the code lives', async () => {
      answered(409, { title: 'Conflict' }, { 'retry-after': '17' });
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 17 });
      answered(409, { title: 'Conflict' });
      await expect(start({ ttlSeconds: 90 })).resolves.toMatchObject({ retryAfterSeconds: 90 });
    });
  });

  describe('what counts as success', () => {
    const completed = { request_id: ID, status: 'completed' };

    it('SEC-60: the documented answer is verified', async () => {
      answered(200, completed);

      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'verified' });
    });

    it.each<[string, unknown]>([
      ['another request', { ...completed, request_id: ID.replace('c', 'd') }],
      ['no request', { ...completed, request_id: undefined }],
      ['no status', { ...completed, status: undefined }],
      ['another case', { ...completed, status: 'COMPLETED' }],
      ['a space', { ...completed, status: 'completed ' }],
      ['a list', { ...completed, status: ['completed'] }],
      ['true', { ...completed, status: true }],
      ['another status', { ...completed, status: 'in_progress' }],
      ['the status of the version before', { ...completed, status: '0' }],
      ['an array', [completed]],
      ['data', { data: completed }],
      ['a prototype', `{"__proto__":${JSON.stringify(completed)}}`],
      ['JSON with more after it', `${JSON.stringify(completed)}1`],
      ['HTML', '<h1>completed</h1>'],
      ['nothing', ''],
    ])('SEC-60 FLT-12: 200 with %s is not', async (_what, body) => {
      answered(200, body);

      await expect(check(ID, '123456')).resolves.toEqual(unavailable);
    });

    it.each([201, 202, 206, 299, 400, 404, 418])('SEC-60: with status %d is not', async (status) => {
      answered(status, completed);

      await expect(check(ID, '123456')).resolves.toEqual(unavailable);
    });

    it.each<[string, number, unknown]>([
      ['another status', 200, { request_id: ID }],
      ['no id', 202, {}],
      ['an id that is none', 202, { request_id: 'true' }],
      ['an id that is a path', 202, { request_id: `../${ID}` }],
      ['a number', 202, { request_id: 1 }],
      ['an array', 202, [{ request_id: ID }]],
      ['HTML', 202, `<h1>${ID}</h1>`],
    ])('SEC-60 FLT-12: a start with %s is unknown', async (_what, status, body) => {
      answered(status, body);

      await expect(start()).resolves.toEqual(unclear);
    });

    it('SEC-63: no code is well known', async () => {
      const reference = await started();
      const known = code() === '123456' ? '000000' : '123456';

      await expect(check(reference, known)).resolves.toEqual(incorrect);
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
      await start({ of });

      expect(urls).toEqual(['https://api.nexmo.com/v2/verify']);
    });

    it('declare what the vendor does, and what it does not say', () => {
      expect(adapter()).toMatchObject({
        name: 'vonage-verify',
        mode: 'delegated',
        capabilities: {
          correlation: 'provider_id',
          codeLength: [4, 10],
          ttlSeconds: [60, 900],
          maxAttempts: 3,
          resendCooldown: 'ttl',
          languages: expect.arrayContaining(['ar-xa', 'en-us']),
          fixedText: true,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: true,
          developmentOnly: true,
        },
      });
      expect(adapter({ maxAttempts: 5, cooldownSeconds: 60 }).capabilities).toMatchObject({
        maxAttempts: 5,
        resendCooldown: 60,
      });
    });

    it('SEC-63: reach a simulator in test mode only', () => {
      expect(() => adapter({ testMode: undefined })).toThrow(OtpConfigError);
      expect(adapter({ testMode: undefined, baseUrl: undefined }).capabilities.developmentOnly).toBe(false);
    });

    it.each([
      ['apiKey', undefined],
      ['apiKey', ''],
      ['apiKey', 'key:more'],
      ['apiKey', 'key\r\n'],
      ['apiSecret', undefined],
      ['apiSecret', 'two words'],
      ['baseUrl', 'http://api.nexmo.com'],
      ['brand', undefined],
      ['brand', ''],
      ['brand', 'seventeen letters'],
      ['brand', 'Acme\n'],
      ['from', 'Ac'],
      ['from', 'Acme Bank'],
      ['from', '+447700900123'],
      ['maxAttempts', 0],
      ['maxAttempts', 2.5],
      ['cooldownSeconds', 0],
      ['cooldownSeconds', 'long'],
      ['fetch', 'fetch'],
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => adapter({ [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });

    it('are needed', () => {
      expect(() => new VonageVerify(undefined as never)).toThrow(/^"apiKey" must /);
    });
  });

  describe('the simulator', () => {
    it('runs one verification per number, until it is over', async () => {
      const first = await started();
      await expect(start()).resolves.toEqual({ outcome: 'resend_too_soon', retryAfterSeconds: 300 });
      await expect(start({ phone: OTHER_PHONE })).resolves.toMatchObject({ outcome: 'sent' });

      await check(first, code());
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
      now += 300_000;
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('compares three codes, the right one included, and then is over', async () => {
      const reference = await started();
      for (let tried = 0; tried < 3; tried++) await expect(check(reference, wrong())).resolves.toEqual(incorrect);

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'attempts_exhausted' });
      await expect(start()).resolves.toMatchObject({ outcome: 'sent' });
    });

    it('lets codes expire', async () => {
      const reference = await started();
      now += 300_000;

      await expect(check(reference, code())).resolves.toEqual({ outcome: 'expired' });
    });

    it('knows its account, and what it takes', async () => {
      await expect(start({ of: adapter({ apiSecret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(start({ phone: '+0' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(start({ codeLength: 11 })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(check(ID, '123456')).resolves.toEqual({ outcome: 'expired' });
      expect(vonage.messages()).toEqual([]);
    });

    it('writes in Arabic', async () => {
      await start({ locale: 'ar' });

      expect(vonage.messages()).toMatchObject([{ text: expect.stringMatching(/^رمز Acme هو: \d{6}$/) }]);
    });
  });
});
