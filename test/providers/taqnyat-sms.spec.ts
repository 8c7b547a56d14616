import { OtpConfigError } from 'nestjs-phone-otp';
import type { SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { TaqnyatSms, type TaqnyatSmsOptions } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator, type TaqnyatSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+966512345678';
const TEXT = 'رمزك في أكمي: 012345. لا تشاركه & "أبدا"';
const message = {
  region: 'SA',
  attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1',
  purpose: 'login',
  locale: 'ar',
} as const;
const cost = { amount: '0.0500', unit: 'SAR' };

describe('Taqnyat SMS', () => {
  let taqnyat: TaqnyatSimulator;
  let provider: TaqnyatSms;

  async function open(options: TaqnyatSimulatorOptions = {}): Promise<void> {
    await taqnyat?.stop();
    taqnyat = await new TaqnyatSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => taqnyat.stop());

  const adapter = (options: Partial<TaqnyatSmsOptions> = {}) =>
    new TaqnyatSms({ ...taqnyat.access, sender: 'Acme', ...options });
  const send = ({ of = provider, ms = 5_000, phone = PHONE, text = TEXT } = {}) =>
    of.send({ ...message, phone, text }, { signal: AbortSignal.timeout(ms) });

  it('brings a text as it is, and says what it cost', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '5452899971', cost });

    expect(taqnyat.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('asks as the vendor documents', async () => {
    await send();

    expect(taqnyat.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/messages',
      headers: { authorization: `Bearer ${taqnyat.access.apiKey}`, 'content-type': 'application/json' },
    });
    expect(JSON.parse(taqnyat.requests[0]!.body)).toEqual({ recipients: ['966512345678'], body: TEXT, sender: 'Acme' });
  });

  it('brings texts abroad', async () => {
    await expect(send({ phone: '+2348109477743' })).resolves.toMatchObject({ outcome: 'sent' });
    expect(taqnyat.messages()).toMatchObject([{ phone: '+2348109477743' }]);
  });

  it.each<[status: number, said: string, SendOutcome]>([
    [400, 'Sender name is not active', 'rejected_sender'],
    [403, 'This sender is not yours', 'rejected_sender'],
    [400, 'Your balance is not enough', 'insufficient_balance'],
    [401, 'Authentication Failed', 'unauthorized'],
    [402, 'Pay first', 'insufficient_balance'],
    [403, 'Forbidden', 'unauthorized'],
    [400, 'recipients is required', 'invalid_number'],
    [400, 'The mobile is wrong', 'invalid_number'],
    [429, 'Too many requests', 'rate_limited'],
  ])('FLT-10: takes %d "%s" for %s', async (status, said, outcome) => {
    taqnyat.refuseTexts(status, said);

    await expect(send()).resolves.toEqual({ outcome });
  });

  const sent = { statusCode: 201, messageId: 7, cost: '0.0500', currency: 'SAR', accepted: '[966512345678,]' };
  const answered = (status: number, body: unknown) =>
    taqnyat.fault({ kind: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('knows of a refusal that it does not understand that nothing was sent', async () => {
    taqnyat.refuseTexts(400, 'body is required');
    await expect(send()).resolves.toEqual({ outcome: 'unknown', ambiguous: false });

    answered(200, { statusCode: 400, message: 'Sender name is not active' });
    await expect(send()).resolves.toEqual({ outcome: 'rejected_sender' });
  });

  it('sees its number among those that were not accepted', async () => {
    answered(201, { ...sent, accepted: '[]', rejected: '[966512345678,]' });
    await expect(send()).resolves.toEqual({ outcome: 'invalid_number' });

    answered(201, { ...sent, rejected: ['966512345678'] });
    await expect(send()).resolves.toEqual({ outcome: 'invalid_number' });
  });

  it.each<[string, unknown, object]>([
    ['the documented answer', sent, { reference: '7', cost }],
    ['an empty list of rejected numbers', { ...sent, rejected: '[]' }, { reference: '7', cost }],
    ['a name in text', { ...sent, messageId: 'a-7' }, { reference: 'a-7', cost }],
    [
      'a cost that is a number',
      JSON.stringify(sent).replace('"0.0500"', '0.10'),
      { reference: '7', cost: { amount: '0.10', unit: 'SAR' } },
    ],
    ['no cost', { ...sent, cost: undefined }, { reference: '7' }],
    ['a senseless cost', { ...sent, cost: '-1' }, { reference: '7' }],
    ['no currency', { ...sent, currency: undefined }, { reference: '7' }],
    ['a senseless currency', { ...sent, currency: 'Saudi riyal' }, { reference: '7' }],
  ])('SEC-60: takes %s for sent', async (_what, body, receipt) => {
    answered(201, body);

    await expect(send()).resolves.toEqual({ outcome: 'sent', ...receipt });
  });

  it.each<[string, number, unknown]>([
    ['another status', 200, sent],
    ['202', 202, sent],
    ['404', 404, sent],
    ['another statusCode', 201, { ...sent, statusCode: 200 }],
    ['a statusCode in text', 201, { ...sent, statusCode: '201' }],
    ['no statusCode', 201, { ...sent, statusCode: undefined }],
    ['no name', 201, { ...sent, messageId: undefined }],
    ['a senseless name', 201, { ...sent, messageId: [7] }],
    ['other rejected numbers', 201, { ...sent, rejected: '[966512345679,]' }],
    ['a list of rejected numbers that is none', 201, { ...sent, rejected: 1 }],
    ['an array', 201, [sent]],
    ['a failure without a message', 400, { statusCode: 400 }],
    ['a failure in text', 400, { statusCode: '400', message: 'sender' }],
    ['somebody else’s page', 404, '<h1>sender not found</h1>'],
    ['true', 201, true],
  ])('SEC-60 FLT-12: is not sure of %s', async (_what, status, body) => {
    answered(status, body);

    await expect(send()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
  });

  it('declares what the vendor does', () => {
    expect(new TaqnyatSms({ apiKey: 'key', sender: 'Acme' })).toMatchObject({
      name: 'taqnyat-sms',
      mode: 'delivery',
      capabilities: {
        correlation: 'none',
        languages: 'any',
        fixedText: false,
        idempotent: false,
        reportsCost: true,
        developmentOnly: false,
      },
    });
    expect(adapter().capabilities.developmentOnly).toBe(true);
  });

  it('calls the documented address by default', async () => {
    const urls: unknown[] = [];
    const fetching = async (url: unknown) => {
      urls.push(url);
      return new Response('{}');
    };
    await send({ of: adapter({ baseUrl: undefined, testMode: undefined, fetch: fetching }) });

    expect(urls).toEqual(['https://api.taqnyat.sa/v1/messages']);
  });

  it.each([
    ['apiKey', ''],
    ['apiKey', 'key\r\nx: y'],
    ['baseUrl', 'http://api.taqnyat.sa'],
    ['sender', undefined],
    ['sender', ''],
    ['sender', 'Acme\n'],
    ['sender', 'much too long a sender'],
  ])('refuses the %s %j and says what to write', (option, value) => {
    const make = () => adapter({ [option]: value });

    expect(make).toThrow(OtpConfigError);
    expect(make).toThrow(new RegExp(`^"${option}" must `));
  });

  it('needs options', () => {
    expect(() => new TaqnyatSms(undefined as never)).toThrow(/^"apiKey" must /);
  });

  describe('the simulator', () => {
    const post = async (body: unknown, key = taqnyat.access.apiKey) => {
      const headers = { authorization: `Bearer ${key}` };
      const answer = await fetch(`${taqnyat.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) });
      const { statusCode, message: said, rejected } = (await answer.json()) as Record<string, unknown>;
      return [answer.status, statusCode, said ?? rejected];
    };
    const fields = { recipients: ['966512345678'], body: TEXT, sender: 'Acme' };

    it.each([
      [{ recipients: '966512345678' }, [400, 400, 'recipients is required']],
      [{ recipients: ['1', '2'] }, [400, 400, 'recipients is required']],
      [{ body: '' }, [400, 400, 'body is required']],
      [{ sender: undefined }, [400, 400, 'sender is required']],
      [{ recipients: ['+966512345678'] }, [201, 201, '[+966512345678,]']],
      [{}, [201, 201, '[]']],
    ])('answers %j with %j', async (other, answer) => {
      await expect(post({ ...fields, ...other })).resolves.toEqual(answer);
      expect(taqnyat.messages()).toHaveLength(answer[2] === '[]' ? 1 : 0);
    });

    it('takes its key only', async () => {
      await expect(post(fields, 'other')).resolves.toEqual([401, 401, 'Authentication Failed']);
    });
  });
});
