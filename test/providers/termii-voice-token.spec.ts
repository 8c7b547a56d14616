import { OtpConfigError } from 'nestjs-phone-otp';
import type { SendOutcome } from 'nestjs-phone-otp/provider-kit';
import { TermiiVoiceToken, type TermiiVoiceTokenOptions } from 'nestjs-phone-otp/termii';
import { TermiiSimulator, type TermiiSimulatorOptions } from 'nestjs-phone-otp/simulators';

const PHONE = '+2348109477743';
const PIN_ID = '29ae67c2-c8e1-4165-8a51-8d3d7c298081';
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

describe('Termii Voice Token', () => {
  let termii: TermiiSimulator;
  let provider: TermiiVoiceToken;
  let reference: string | undefined;

  async function open(options: TermiiSimulatorOptions = {}): Promise<void> {
    await termii?.stop();
    termii = await new TermiiSimulator(options).start();
    provider = adapter();
    reference = undefined;
  }
  beforeEach(() => open());
  afterEach(() => termii.stop());

  const adapter = (options: Partial<TermiiVoiceTokenOptions> = {}) =>
    new TermiiVoiceToken({ ...termii.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  async function start(ms?: number) {
    const receipt = await provider.start(wishes, within(ms));
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (code: string, ms?: number) => provider.check({ ...recipient, code, reference }, within(ms));
  const code = () => termii.lastCode(PHONE)!;
  const unclear = { outcome: 'unknown', ambiguous: true };

  it('reads a code out, and takes it once', async () => {
    await expect(start()).resolves.toEqual({ outcome: 'sent', reference: expect.any(String) });
    expect(termii.messages()).toMatchObject([{ phone: PHONE, text: `(a call) Your pin is ${code()}` }]);

    await expect(check('000')).resolves.toEqual({ outcome: 'incorrect_code' });
    await expect(check(code())).resolves.toEqual({ outcome: 'verified' });
    await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
  });

  it('asks as the vendor documents', async () => {
    await start();

    expect(termii.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/send/voice' });
    expect(JSON.parse(termii.requests[0]!.body)).toEqual({
      api_key: termii.access.apiKey,
      phone_number: '2348109477743',
      pin_attempts: 5,
      pin_time_to_live: 5,
      pin_length: 6,
    });
  });

  it.each([
    [400, 'Phone number is invalid', 'invalid_number'],
    [401, 'Unauthorized', 'unauthorized'],
    [404, 'Not found', 'unknown'],
    [400, 'You are not set up on this route', 'rejected_sender'],
    [422, 'Insufficient balance', 'insufficient_balance'],
    [429, 'Too many requests', 'rate_limited'],
  ] satisfies [number, string, SendOutcome][])('takes %d "%s" for %s', async (status, message, outcome) => {
    termii.answerAlways(status, message);

    await expect(start()).resolves.toEqual({ outcome });
  });

  const sent = {
    code: 'ok',
    message_id: '453166532802459832',
    pinId: PIN_ID,
    message: 'Successfully Sent',
    balance: 77.5,
  };

  it.each([
    ['the documented answer', sent],
    ['the id in its other spelling', { ...sent, pinId: undefined, pin_id: PIN_ID }],
  ])('SEC-60: takes %s for sent', async (_, body) => {
    termii.fault({ kind: 'answer', body: JSON.stringify(body) });

    await expect(start()).resolves.toEqual({ outcome: 'sent', reference: PIN_ID });
  });

  it.each([
    ['another code', { ...sent, code: 'error' }, PIN_ID],
    ['a code that is true', { ...sent, code: true }, PIN_ID],
    ['a code in another spelling', { ...sent, code: 'OK' }, PIN_ID],
    ['another message', { ...sent, message: 'Successfully Queued' }, PIN_ID],
    ['no message', { ...sent, message: undefined }, PIN_ID],
    ['no id', { ...sent, pinId: undefined }, undefined],
    ['an array of one', [sent], undefined],
  ])('SEC-60: is not sure of a call after %s', async (_, body, id) => {
    termii.fault({ kind: 'answer', body: JSON.stringify(body) });

    await expect(start()).resolves.toEqual({ ...unclear, ...(id && { reference: id }) });
  });

  it('declares what the vendor does', () => {
    const provider = new TermiiVoiceToken({ apiKey: 'key', baseUrl: 'https://api.ng.termii.com', cooldownSeconds: 90 });

    expect(provider).toMatchObject({
      name: 'termii-voice-token',
      mode: 'delegated',
      capabilities: {
        correlation: 'provider_id',
        codeLength: [6, 8],
        ttlSeconds: [60, 600],
        maxAttempts: [1, 10],
        resendCooldown: 90,
        languages: ['en'],
        fixedText: true,
        developmentOnly: false,
      },
    });
    expect(adapter().capabilities.developmentOnly).toBe(true);
  });

  it.each([
    ['apiKey', ''],
    ['baseUrl', undefined],
    ['cooldownSeconds', 0],
  ])('refuses the %s %j and says what to write', (option, value) => {
    const make = () => new TermiiVoiceToken({ apiKey: 'key', baseUrl: 'https://api.ng.termii.com', [option]: value });

    expect(make).toThrow(OtpConfigError);
    expect(make).toThrow(new RegExp(`^"${option}" must `));
  });
});
