import { OtpConfigError } from 'nestjs-phone-otp';
import type { DeliveryProvider, SendOutcome, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TermiiInAppToken, type TermiiInAppTokenOptions, TermiiSendToken, TermiiSms } from 'nestjs-phone-otp/termii';
import { TermiiSimulator, type TermiiSimulatorOptions } from 'nestjs-phone-otp/simulators';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import { ScriptedProvider } from '../support/providers.js';

const PHONE = '+2348109477743';
const NUMBER = '2348109477743';
const PIN_ID = 'db34d5ce-9bd4-4f10-b8ec-8ee402ccd0';
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

describe('Termii In-App Token', () => {
  let termii: TermiiSimulator;
  let provider: TermiiInAppToken;
  /** Of the newest code. */
  let reference: string | undefined;
  let code: string | undefined;

  async function open(options: TermiiSimulatorOptions = {}): Promise<void> {
    await termii?.stop();
    termii = await new TermiiSimulator(options).start();
    provider = adapter();
    reference = undefined;
  }
  beforeEach(() => open());
  afterEach(() => termii.stop());

  const adapter = (options: Partial<TermiiInAppTokenOptions> = {}) =>
    new TermiiInAppToken({ ...termii.access, delivery: new TermiiSms(termii.access), ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  /** The receipt without the code. */
  async function generate(ms?: number, wish = {}): Promise<SendReceipt> {
    const { code: made, ...receipt } = await provider.generate({ ...wishes, ...wish }, within(ms));
    code = made ?? code;
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (typed: string, ms?: number) => provider.check({ ...recipient, code: typed, reference }, within(ms));
  const answered = (body: unknown, status = 200) =>
    termii.fault({ kind: 'answer', status, body: JSON.stringify(body) });
  const notMade = { outcome: 'unknown', ambiguous: false };

  it('makes a code, sends nothing, and takes the code once', async () => {
    await expect(generate()).resolves.toEqual({ outcome: 'sent', reference: expect.any(String) });
    expect(code).toMatch(/^\d{6}$/);
    expect(termii.messages()).toEqual([]);

    await expect(check('000')).resolves.toEqual({ outcome: 'incorrect_code' });
    await expect(check(code!)).resolves.toEqual({ outcome: 'verified' });
    await expect(check(code!)).resolves.toEqual({ outcome: 'expired' });
  });

  it('asks as the vendor documents', async () => {
    await generate();

    expect(termii.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/generate' });
    expect(JSON.parse(termii.requests[0]!.body)).toEqual({
      api_key: termii.access.apiKey,
      pin_type: 'NUMERIC',
      phone_number: NUMBER,
      pin_attempts: 5,
      pin_time_to_live: 5,
      pin_length: 6,
    });
  });

  it('makes no short code, whatever is asked for', async () => {
    await generate(undefined, { codeLength: 4, ttlSeconds: 0 });

    expect(code).toMatch(/^\d{6}$/);
    expect(JSON.parse(termii.requests[0]!.body)).toMatchObject({ pin_length: 6, pin_time_to_live: 1 });
  });

  it.each([
    [400, 'Phone number is invalid', 'invalid_number'],
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Your account is not active', 'unauthorized'],
    [422, 'Insufficient balance', 'insufficient_balance'],
    [429, 'Too many requests', 'rate_limited'],
  ] satisfies [number, string, SendOutcome][])('takes %d "%s" for %s', async (status, message, outcome) => {
    termii.answerAlways(status, message);

    await expect(generate()).resolves.toEqual({ outcome });
  });

  it.each([400, 404, 405, 422])('knows from a %d that nothing was sent', async (status) => {
    termii.answerAlways(status, 'Bad request');

    await expect(generate()).resolves.toEqual(notMade);
  });

  const data = { pin_id: PIN_ID, otp: '012345', phone_number: NUMBER, phone_number_other: 'Termii' };

  it.each([
    ['the documented answer', data],
    ['the id in its other spelling', { ...data, pin_id: undefined, pinId: PIN_ID }],
  ])('SEC-60: takes the code from %s', async (_, given) => {
    answered({ status: 'success', data: given });

    await expect(provider.generate(wishes, within())).resolves.toEqual({
      outcome: 'sent',
      reference: PIN_ID,
      code: '012345',
    });
  });

  it.each([
    ['another status', { status: 'error', data }],
    ['a status that is true', { status: true, data }],
    ['no status', { data }],
    ['no data', { status: 'success', ...data }],
    ['data in a list', { status: 'success', data: [data] }],
    ['no id', { status: 'success', data: { ...data, pin_id: undefined } }],
    ['no code', { status: 'success', data: { ...data, otp: undefined } }],
    ['a code as a number', { status: 'success', data: { ...data, otp: 522726 } }],
    ['a shorter code', { status: 'success', data: { ...data, otp: '5227' } }],
    ['a longer code', { status: 'success', data: { ...data, otp: '5227261' } }],
    ['a code with letters', { status: 'success', data: { ...data, otp: '5227A6' } }],
    ['a code in other digits', { status: 'success', data: { ...data, otp: '٠١٢٣٤٥' } }],
    ['a code with a line break', { status: 'success', data: { ...data, otp: '12345\n' } }],
    ['another number', { status: 'success', data: { ...data, phone_number: '2348109477744' } }],
    ['an array of one', [{ status: 'success', data }]],
  ])('SEC-60: takes no code from %s', async (_, body) => {
    answered(body);

    await expect(provider.generate(wishes, within())).resolves.toEqual(notMade);
  });

  it.each([202, 206])('SEC-60: takes no code from status line %d', async (status) => {
    answered({ status: 'success', data }, status);

    await expect(provider.generate(wishes, within())).resolves.toEqual(notMade);
  });

  it('SEC-61: shows the exchange of a code without the code', async () => {
    const shown: string[] = [];
    provider = adapter({ onExchange: (exchange) => shown.push(JSON.stringify(exchange)) });
    await generate();
    await check(code!);
    await new Promise(setImmediate);

    expect(shown).toHaveLength(2);
    expect(shown[0]).toContain('\\"otp\\":\\"[secret]\\"');
    expect(shown.join()).not.toContain(code);
  });

  describe('options', () => {
    const account = { apiKey: 'key', baseUrl: 'https://api.ng.termii.com' };
    const sms = new TermiiSms({ ...account, sender: 'Acme' });

    it('declare what the vendor does, and what the one that brings the codes does', () => {
      expect(new TermiiInAppToken({ ...account, delivery: sms })).toMatchObject({
        name: 'termii-in-app-token',
        mode: 'generator',
        delivery: sms,
        capabilities: {
          correlation: 'provider_id',
          codeLength: [6, 8],
          ttlSeconds: [60, 600],
          maxAttempts: [1, 10],
          resendCooldown: 60,
          languages: 'any',
          fixedText: false,
          idempotent: false,
          reportsCost: false,
          distinguishesExpired: true,
          developmentOnly: false,
        },
      });
      const delivery = new ScriptedProvider();
      Object.assign(delivery, { capabilities: { ...delivery.capabilities, fixedText: true, languages: ['en'] } });
      expect(new TermiiInAppToken({ ...account, delivery }).capabilities).toMatchObject({
        fixedText: true,
        languages: ['en'],
      });
    });

    it('SEC-63: are for development only if either part is', () => {
      expect(adapter({ delivery: sms }).capabilities.developmentOnly).toBe(true);
      const delivery = new CapturingProvider();
      expect(new TermiiInAppToken({ ...account, delivery }).capabilities.developmentOnly).toBe(true);
    });

    it.each([
      ['nothing', undefined],
      ['null', null],
      ['a provider that makes codes itself', new TermiiSendToken({ ...account, sender: 'Acme' })],
      ['a provider of another mode that could send', Object.assign(new ScriptedProvider(), { mode: 'delegated' })],
      ['something that cannot send', { name: 'x', mode: 'delivery', capabilities: sms.capabilities }],
    ])('need somebody who brings the codes, and take no %s', (_, delivery) => {
      const make = () => new TermiiInAppToken({ ...account, delivery: delivery as DeliveryProvider });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(/^"delivery" must /);
    });

    it.each([
      ['apiKey', ''],
      ['baseUrl', undefined],
      ['cooldownSeconds', 0],
    ])('refuse the %s %j and say what to write', (option, value) => {
      const make = () => new TermiiInAppToken({ ...account, delivery: sms, [option]: value });

      expect(make).toThrow(OtpConfigError);
      expect(make).toThrow(new RegExp(`^"${option}" must `));
    });
  });
});
