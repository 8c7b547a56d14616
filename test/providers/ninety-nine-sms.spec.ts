import { OtpConfigError } from 'nestjs-phone-otp';
import { NinetyNineSms, type NinetyNineSmsOptions } from 'nestjs-phone-otp/ninety-nine';
import type { SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { NinetyNineSimulator, type NinetyNineSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { formOf } from '../support/vendor-wire.js';

const PHONE = '+972502345678';
const message = {
  phone: PHONE,
  region: 'IL',
  attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1',
  purpose: 'login',
  locale: 'he',
} as const;
const TEXT = 'הקוד שלך באקמי: 012345. אין למסור אותו לאיש & "לא" +1';

describe('99 Digital SMS', () => {
  let vendor: NinetyNineSimulator;
  let provider: NinetyNineSms;

  async function open(options: NinetyNineSimulatorOptions = {}): Promise<void> {
    await vendor?.stop();
    vendor = await new NinetyNineSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => vendor.stop());

  const adapter = (options: Partial<NinetyNineSmsOptions> = {}) => new NinetyNineSms({ ...vendor.access, ...options });
  const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) });
  const send = ({ ms = 5_000, phone = PHONE, text = TEXT } = {}) =>
    provider.send({ ...message, phone, text }, within(ms));
  const unclear = { outcome: 'unknown', ambiguous: true };

  it('brings a text as it is', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '63433453' });

    expect(vendor.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('asks as the vendor documents', async () => {
    await send();

    expect(vendor.requests[0]).toMatchObject({
      method: 'POST',
      path: '/sms/sendMessage',
      headers: { 'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/) },
    });
    expect(await formOf(vendor.requests[0]!)).toEqual({
      apiKey: vendor.access.apiKey,
      from: 'Acme',
      to: '0502345678',
      text: TEXT,
    });
  });

  it.each(['+966512345678', '+97221234567'])('refuses %s without a call', async (phone) => {
    await expect(send({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
    expect(vendor.requests).toEqual([]);
  });

  it.each([
    [2, { outcome: 'rejected_sender' }],
    [3, { outcome: 'rejected_sender' }],
    [4, { outcome: 'unknown', ambiguous: false }],
    [5, { outcome: 'unknown' }],
    [6, { outcome: 'unauthorized' }],
    [7, { outcome: 'invalid_number' }],
    [8, { outcome: 'unknown', ambiguous: false }],
    [9, { outcome: 'rejected_sender' }],
    [99, { outcome: 'unknown', ambiguous: true }],
  ] satisfies [number, SendReceipt][])('takes reason %d for %j', async (reason, receipt) => {
    vendor.answerAlways({ reason });

    await expect(send()).resolves.toEqual(receipt);
  });

  it.each([
    '{"status":"OK","reason":"1"}',
    '{"status":"OK","reason":6}',
    '{"status":"OK"}',
    '{"status":1,"reason":1}',
    '[{"status":"OK","reason":1}]',
    '1',
  ])('SEC-60: makes no success of %s', async (body) => {
    vendor.fault({ kind: 'answer', body });

    await expect(send()).resolves.toEqual(unclear);
  });

  it('has an empty text refused', async () => {
    await expect(send({ text: '' })).resolves.toEqual({ outcome: 'unknown', ambiguous: false });
  });

  it('tells what became of a message', async () => {
    const { reference } = await send();

    await expect(provider.deliveryStatus({ phone: PHONE, reference }, within())).resolves.toEqual({
      outcome: 'delivered',
      code: 102,
      operator: 'Cellcom',
    });
  });

  it('declares what the vendor does', () => {
    expect(new NinetyNineSms({ apiKey: 'key', sender: 'Acme' })).toMatchObject({
      name: 'ninety-nine-sms',
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
    ['apiKey', ''],
    ['baseUrl', 'http://api.99digital.co.il'],
    ['sender', ''],
    ['sender', '+972501234'],
  ])('refuses the %s %j and says what to write', (option, value) => {
    const make = () => new NinetyNineSms({ apiKey: 'key', sender: 'Acme', [option]: value });

    expect(make).toThrow(OtpConfigError);
    expect(make).toThrow(new RegExp(`^"${option}" must `));
  });
});
