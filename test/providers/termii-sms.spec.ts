import { OtpConfigError } from 'nestjs-phone-otp';
import type { SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { TermiiSms, type TermiiSmsOptions } from 'nestjs-phone-otp/termii';
import { TermiiSimulator, type TermiiSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+2348109477743';
const TEXT = '012345 is your Acme code. \u2066Do "not" share it\u2069 \\o/';
const message = {
  phone: PHONE,
  region: 'NG',
  attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1',
  purpose: 'login',
  locale: 'en',
  text: TEXT,
} as const;

describe('Termii Messaging', () => {
  let termii: TermiiSimulator;
  let provider: TermiiSms;

  async function open(options: TermiiSimulatorOptions = {}): Promise<void> {
    await termii?.stop();
    termii = await new TermiiSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => termii.stop());

  const adapter = (options: Partial<TermiiSmsOptions> = {}) => new TermiiSms({ ...termii.access, ...options });
  const send = (ms = 5_000, text: string = TEXT) =>
    provider.send({ ...message, text }, { signal: AbortSignal.timeout(ms) });

  it('brings a text as it is, as the vendor documents', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: expect.stringMatching(/^\d{20}$/) });

    expect(termii.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
    expect(termii.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/send' });
    expect(JSON.parse(termii.requests[0]!.body)).toEqual({
      api_key: termii.access.apiKey,
      to: '2348109477743',
      from: 'Acme',
      channel: 'dnd',
      type: 'plain',
      sms: TEXT,
    });
  });

  it.each([
    [400, 'Invalid Sender Id', 'rejected_sender'],
    [400, 'Bad request', 'unknown'],
    [401, 'Unauthorized', 'unauthorized'],
    [400, 'Your device has reached the daily limit', 'rate_limited'],
    [422, 'The phone number is wrong', 'invalid_number'],
    [400, 'Insufficient balance', 'insufficient_balance'],
    [429, 'Too many requests', 'rate_limited'],
  ] satisfies [number, string, SendOutcome][])('takes %d "%s" for %s', async (status, said, outcome) => {
    termii.answerAlways(status, said);

    await expect(send()).resolves.toEqual({ outcome });
  });

  const sent = { code: 'ok', message_id: '9122821270554876574', message: 'Successfully Sent', balance: 9 };

  it.each([
    ['the documented answer', sent],
    ['an older one, without a code', { ...sent, code: undefined }],
  ])('SEC-60: takes %s for sent', async (_, body) => {
    termii.fault({ kind: 'answer', body: JSON.stringify(body) });

    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '9122821270554876574' });
  });

  it('keeps every digit of an id that comes as a number', async () => {
    termii.fault({
      kind: 'answer',
      body: JSON.stringify(sent).replace('"9122821270554876574"', '9122821270554876574'),
    });

    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '9122821270554876574' });
  });

  it.each([
    ['another code', { ...sent, code: 'error' }],
    ['another message', { ...sent, message: 'Insufficient balance' }],
    ['no message', { ...sent, message: undefined }],
    ['no id', { ...sent, message_id: undefined }],
    ['the answer to a code', { pinId: 'x', to: '2348109477743', smsStatus: 'Message Sent' }],
    ['an array of one', [sent]],
    ['true', true],
  ])('SEC-60: is not sure of %s', async (_, body) => {
    termii.fault({ kind: 'answer', body: JSON.stringify(body) });

    await expect(send()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
  });

  it('declares what the vendor does', () => {
    expect(new TermiiSms({ apiKey: 'key', baseUrl: 'https://api.ng.termii.com', sender: 'Acme' })).toMatchObject({
      name: 'termii-sms',
      mode: 'delivery',
      capabilities: {
        correlation: 'none',
        languages: 'any',
        fixedText: false,
        idempotent: false,
        developmentOnly: false,
      },
    });
    expect(adapter().capabilities.developmentOnly).toBe(true);
  });

  it.each([
    ['apiKey', 'two words'],
    ['baseUrl', 'http://api.ng.termii.com'],
    ['sender', 'Ac'],
    ['sender', undefined],
    ['channel', 'whatsapp'],
  ])('refuses the %s %j and says what to write', (option, value) => {
    const make = () =>
      new TermiiSms({ apiKey: 'key', baseUrl: 'https://api.ng.termii.com', sender: 'Acme', [option]: value });

    expect(make).toThrow(OtpConfigError);
    expect(make).toThrow(new RegExp(`^"${option}" must `));
  });
});
