import { OtpConfigError } from 'nestjs-phone-otp';
import type { SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TwilioSms, type TwilioSmsOptions } from 'nestjs-phone-otp/twilio';
import { TwilioSimulator, type TwilioSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { formOf } from '../support/vendor-wire.js';

const PHONE = '+966512345678';
const TEXT = 'رمزك في أكمي: 012345. لا تشاركه & "أبدا" +1%';
const message = {
  region: 'SA',
  attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1',
  purpose: 'login',
  locale: 'ar',
} as const;
const SERVICE = `MG${'0f'.repeat(16)}`;

describe('Twilio Messaging', () => {
  let twilio: TwilioSimulator;
  let provider: TwilioSms;

  async function open(options: TwilioSimulatorOptions = {}): Promise<void> {
    await twilio?.stop();
    twilio = await new TwilioSimulator(options).start();
    provider = adapter();
  }
  beforeEach(() => open());
  afterEach(() => twilio.stop());

  const adapter = (options: Partial<TwilioSmsOptions> = {}) => new TwilioSms({ ...twilio.access, ...options });
  const send = ({ of = provider, ms = 5_000, phone = PHONE, text = TEXT } = {}) =>
    of.send({ ...message, phone, text }, { signal: AbortSignal.timeout(ms) });
  const path = () => `/2010-04-01/Accounts/${twilio.access.accountSid}/Messages.json`;

  it('brings a text as it is', async () => {
    const reference = expect.stringMatching(/^SM[0-9a-f]{32}$/);
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference });

    expect(twilio.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('asks as the vendor documents: a URL-encoded form, and a key by HTTP Basic', async () => {
    await send();

    const { apiKeySid, secret, from } = twilio.access;
    expect(twilio.requests[0]).toMatchObject({
      method: 'POST',
      path: path(),
      headers: {
        authorization: `Basic ${Buffer.from(`${apiKeySid}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    expect(await formOf(twilio.requests[0]!)).toEqual({ To: PHONE, From: from, Body: TEXT });
  });

  it('lets a Messaging Service pick the sender', async () => {
    await send({ of: adapter({ from: undefined, messagingServiceSid: SERVICE }) });

    expect(await formOf(twilio.requests[0]!)).toEqual({ To: PHONE, MessagingServiceSid: SERVICE, Body: TEXT });
    expect(twilio.messages()).toHaveLength(1);
  });

  const blocked = { outcome: 'invalid_number', detail: 'blocked' } as const;

  it.each<[code: number, SendReceipt]>([
    [20003, { outcome: 'unauthorized' }],
    [20404, { outcome: 'unknown', ambiguous: false }],
    [20429, { outcome: 'rate_limited' }],
    [21211, { outcome: 'invalid_number' }],
    [21212, { outcome: 'rejected_sender' }],
    [21408, blocked],
    [21602, { outcome: 'unknown', ambiguous: false }],
    [21606, { outcome: 'rejected_sender' }],
    [21608, { outcome: 'unauthorized' }],
    [21610, blocked],
    [21611, { outcome: 'rate_limited' }],
    [21612, { outcome: 'invalid_number' }],
    [21614, { outcome: 'invalid_number' }],
    [99999, { outcome: 'unknown', ambiguous: false }],
  ])('FLT-10: takes %d for %j', async (code, receipt) => {
    twilio.answerAlways(code);

    await expect(send()).resolves.toEqual(receipt);
  });

  const sent = { sid: `SM${'0f'.repeat(16)}`, to: PHONE, status: 'queued', price: null, error_code: null };
  const answered = (status: number, body: unknown) =>
    twilio.fault({ kind: 'answer', status, body: JSON.stringify(body) });

  it.each([
    sent,
    { ...sent, status: 'accepted' },
    { ...sent, status: 'sending' },
    { ...sent, status: 'sent' },
    { ...sent, status: 'delivered', price: '-0.05', price_unit: 'USD' },
    { ...sent, sid: sent.sid.replace('SM', 'MM') },
  ])('SEC-60: takes %j for sent', async (body) => {
    answered(201, body);

    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: body.sid });
  });

  it.each<[string, number, unknown]>([
    ['another status', 200, sent],
    ['a message that failed', 201, { ...sent, status: 'failed' }],
    ['one that was not delivered', 201, { ...sent, status: 'undelivered' }],
    ['one with an error', 201, { ...sent, error_code: 30003 }],
    ['true for a status', 201, { ...sent, status: true }],
    ['another phone', 201, { ...sent, to: '+447700900123' }],
    ['no name', 201, { ...sent, sid: undefined }],
    ['the name of something else', 201, { ...sent, sid: sent.sid.replace('SM', 'VE') }],
    ['an array', 201, [sent]],
    ['the code of an error', 201, { code: 21211 }],
  ])('SEC-60 FLT-12: is not sure of %s', async (_what, status, body) => {
    answered(status, body);

    await expect(send()).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
  });

  it('declares what the vendor does', () => {
    expect(adapter()).toMatchObject({
      name: 'twilio-sms',
      mode: 'delivery',
      capabilities: {
        correlation: 'none',
        languages: 'any',
        fixedText: false,
        idempotent: false,
        reportsCost: false,
        developmentOnly: true,
      },
    });
    expect(adapter({ testMode: undefined, baseUrl: undefined }).capabilities.developmentOnly).toBe(false);
  });

  it('calls the documented address by default', async () => {
    const urls: unknown[] = [];
    const fetching = async (url: unknown) => {
      urls.push(url);
      return new Response('{}');
    };
    await send({ of: adapter({ baseUrl: undefined, testMode: undefined, fetch: fetching }) });

    expect(urls).toEqual([`https://api.twilio.com${path()}`]);
  });

  it.each(['+15017122661', '12345', 'Acme', 'Acme & Co 1'])('takes "%s" for a sender', (from) => {
    expect(() => adapter({ from })).not.toThrow();
  });

  it.each([
    ['accountSid', 'AC/../0'],
    ['apiKeySid', 'key'],
    ['secret', 'two words'],
    ['baseUrl', 'http://api.twilio.com'],
    ['from', undefined],
    ['from', ''],
    ['from', 'twelve chars'],
    ['from', 'Acme\n'],
    ['from', 'أكمي'],
    ['from', '+1501'],
    ['from', '1234567890'],
  ])('refuses the %s %j and says what to write', (option, value) => {
    const make = () => adapter({ [option]: value });

    expect(make).toThrow(OtpConfigError);
    expect(make).toThrow(new RegExp(`^"${option}" must `));
  });

  it('wants one sender, and not two', () => {
    expect(() => adapter({ messagingServiceSid: SERVICE })).toThrow(/^"from" must be left out/);
    expect(() => adapter({ from: undefined, messagingServiceSid: 'MG' })).toThrow(/^"messagingServiceSid" must /);
    expect(() => new TwilioSms(undefined as never)).toThrow(/^"accountSid" must /);
  });

  describe('the simulator', () => {
    it.each([
      ['+15005550001', { outcome: 'invalid_number' }],
      ['+15005550002', { outcome: 'invalid_number' }],
      ['+15005550003', blocked],
      ['+15005550004', blocked],
      ['+15005550009', { outcome: 'invalid_number' }],
    ])('refuses to send to %s, as to all test numbers: %j', async (phone, receipt) => {
      await expect(send({ phone })).resolves.toEqual(receipt);
      expect(twilio.messages()).toEqual([]);
    });

    it('knows its account, its number, and what a message needs', async () => {
      await expect(send({ of: adapter({ secret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(send({ of: adapter({ from: 'Other' }) })).resolves.toEqual({ outcome: 'rejected_sender' });
      await expect(send({ phone: '0512345678' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(send({ text: '' })).resolves.toEqual({ outcome: 'unknown', ambiguous: false });
      expect(twilio.messages()).toEqual([]);
    });
  });
});
