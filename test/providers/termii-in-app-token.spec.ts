import { OtpConfigError } from 'nestjs-phone-otp';
import type { DeliveryProvider, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TermiiInAppToken, TermiiSendToken, TermiiSms } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import { ScriptedProvider } from '../support/providers.js';
import { receipts, vendorBench, within, withStatuses } from '../support/vendor-bench.js';

const PHONE = '+2348109477743';
const NUMBER = '2348109477743';
const PIN_ID = 'db34d5ce-9bd4-4f10-b8ec-8ee402ccd0';
const { incorrect, notSent, verified } = receipts;

describe('Termii In-App Token', () => {
  const bench = vendorBench(TermiiSimulator, TermiiInAppToken, {
    phone: PHONE,
    region: 'NG',
    options: (access) => ({ delivery: new TermiiSms(access) }),
  });
  const { adapter, answer, received } = bench;
  /** The id of the newest code. */
  let reference: string | undefined;
  let code: string | undefined;
  beforeEach(() => (reference = undefined));

  /** Requests a code; returns the receipt without it. */
  async function generate(request = {}): Promise<SendReceipt> {
    const { code: generated, ...receipt } = await bench.provider.generate({ ...bench.start(), ...request }, within());
    code = generated ?? code;
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (typed: string) => bench.provider.check({ ...bench.recipient, code: typed, reference }, within());

  it('generates a code, sends nothing, and accepts the code once', async () => {
    await expect(generate()).resolves.toEqual({ outcome: 'sent', reference: expect.any(String) });
    expect(code).toMatch(/^\d{6}$/);
    expect(bench.vendor.messages()).toEqual([]);

    await expect(check('000')).resolves.toEqual(incorrect);
    await expect(check(code!)).resolves.toEqual(verified);
    await expect(check(code!)).resolves.toEqual({ outcome: 'expired' });
  });

  it('sends the documented request', async () => {
    await generate();

    expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/generate' });
    expect(received()).toEqual({
      api_key: bench.vendor.access.apiKey,
      pin_type: 'NUMERIC',
      phone_number: NUMBER,
      pin_attempts: 5,
      pin_time_to_live: 5,
      pin_length: 6,
    });
  });

  it('generates no code with fewer than 6 digits', async () => {
    await generate({ codeLength: 4, ttlSeconds: 0 });

    expect(code).toMatch(/^\d{6}$/);
    expect(received()).toMatchObject({ pin_length: 6, pin_time_to_live: 1 });
  });

  bench.itMaps(
    'maps %d "%s" to "%s"',
    (status: number, message: string) => bench.vendor.answerAlways(status, message),
    () => generate(),
    [
      [400, 'Phone number is invalid', 'invalid_number'],
      [401, 'Unauthorized', 'unauthorized'],
      [403, 'Your account is not active', 'unauthorized'],
      [422, 'Insufficient balance', 'insufficient_balance'],
      [429, 'Too many requests', 'rate_limited'],
    ],
  );

  it.each([400, 404, 405, 422])('reports a %d as certainly not sent', async (status) => {
    bench.vendor.answerAlways(status, 'Bad request');

    await expect(generate()).resolves.toEqual(notSent);
  });

  const data = { pin_id: PIN_ID, otp: '012345', phone_number: NUMBER, phone_number_other: 'Termii' };

  it.each([
    ['the documented response', data],
    ['the alternative spelling of the id', { ...data, pin_id: undefined, pinId: PIN_ID }],
  ])('SEC-60: reads the code from %s', async (_, body) => {
    answer({ status: 'success', data: body });

    await expect(bench.provider.generate(bench.start(), within())).resolves.toEqual({
      outcome: 'sent',
      reference: PIN_ID,
      code: '012345',
    });
  });

  bench.itReads('SEC-60: reads no code from %s', () => bench.provider.generate(bench.start(), within()), notSent, [
    ['a different status', { status: 'error', data }],
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
    ['a different number', { status: 'success', data: { ...data, phone_number: '2348109477744' } }],
    ['an array with one element', [{ status: 'success', data }]],
  ]);

  bench.itReads(
    'SEC-60: reads no code from a response with status %s',
    () => bench.provider.generate(bench.start(), within()),
    notSent,
    withStatuses({ status: 'success', data }, 202, 206),
  );

  it('SEC-61: masks the code in exchanges', async () => {
    const shown: string[] = [];
    bench.provider = adapter({ onExchange: (exchange) => shown.push(JSON.stringify(exchange)) });
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

    it('combines the capabilities of the vendor and of the delivery provider', () => {
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

    it('SEC-63: is for development only if either part is', () => {
      expect(adapter({ delivery: sms }).capabilities.developmentOnly).toBe(true);
      const delivery = new CapturingProvider();
      expect(new TermiiInAppToken({ ...account, delivery }).capabilities.developmentOnly).toBe(true);
    });

    it.each([
      ['undefined', undefined],
      ['null', null],
      ['a provider that generates codes itself', new TermiiSendToken({ ...account, sender: 'Acme' })],
      ['a provider of another mode with a method "send"', Object.assign(new ScriptedProvider(), { mode: 'delegated' })],
      ['an object without a method "send"', { name: 'x', mode: 'delivery', capabilities: sms.capabilities }],
    ])('requires a delivery provider and refuses %s', (_, delivery) => {
      const create = () => new TermiiInAppToken({ ...account, delivery: delivery as DeliveryProvider });

      expect(create).toThrow(OtpConfigError);
      expect(create).toThrow(/^"delivery" must /);
    });

    bench.itRefusesOptions('apiKey', [
      ['apiKey', ''],
      ['baseUrl', undefined],
      ['cooldownSeconds', 0],
    ]);
  });
});
