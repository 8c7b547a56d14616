import { TwilioSms } from 'nestjs-phone-otp/twilio';
import { TwilioSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
const TEXT = 'رمزك في أكمي: 012345. لا تشاركه & "أبدا" +1%';
const SERVICE = `MG${'0f'.repeat(16)}`;
const { notSent, unclear } = receipts;

describe('Twilio Messaging', () => {
  const bench = vendorBench(TwilioSimulator, TwilioSms, { phone: PHONE, region: 'SA' });
  const { adapter, answer } = bench;
  const send = ({ of = bench.provider, phone = PHONE, text = TEXT } = {}) => of.send(bench.text(text, phone), within());
  const path = () => `/2010-04-01/Accounts/${bench.vendor.access.accountSid}/Messages.json`;

  it('delivers a text unchanged', async () => {
    const reference = expect.stringMatching(/^SM[0-9a-f]{32}$/);
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference });

    expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('sends the documented request: a URL-encoded form, with the key by HTTP Basic', async () => {
    await send();

    const { apiKeySid, secret, from } = bench.vendor.access;
    expect(bench.vendor.requests[0]).toMatchObject({
      method: 'POST',
      path: path(),
      headers: {
        authorization: `Basic ${Buffer.from(`${apiKeySid}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    expect(await bench.receivedForm()).toEqual({ To: PHONE, From: from, Body: TEXT });
  });

  it('lets a Messaging Service choose the sender', async () => {
    await send({ of: adapter({ from: undefined, messagingServiceSid: SERVICE }) });

    expect(await bench.receivedForm()).toEqual({ To: PHONE, MessagingServiceSid: SERVICE, Body: TEXT });
    expect(bench.vendor.messages()).toHaveLength(1);
  });

  const blocked = { outcome: 'invalid_number', detail: 'blocked' } as const;

  bench.itMaps(
    'FLT-10: maps %d to %j',
    (code: number) => bench.vendor.answerAlways(code),
    () => send(),
    [
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
    ],
  );

  const sent = { sid: `SM${'0f'.repeat(16)}`, to: PHONE, status: 'queued', price: null, error_code: null };

  it.each([
    sent,
    { ...sent, status: 'accepted' },
    { ...sent, status: 'sending' },
    { ...sent, status: 'sent' },
    { ...sent, status: 'delivered', price: '-0.05', price_unit: 'USD' },
    { ...sent, sid: sent.sid.replace('SM', 'MM') },
  ])('SEC-60: accepts %j as sent', async (body) => {
    answer(body, 201);

    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: body.sid });
  });

  bench.itReads(
    'SEC-60 FLT-12: reports %s as unknown',
    () => send(),
    unclear,
    [
      ['a different status', sent, 200],
      ['a failed message', { ...sent, status: 'failed' }],
      ['an undelivered message', { ...sent, status: 'undelivered' }],
      ['a message with an error', { ...sent, error_code: 30003 }],
      ['a status that is true', { ...sent, status: true }],
      ['a different phone', { ...sent, to: '+447700900123' }],
      ['no id', { ...sent, sid: undefined }],
      ['an id of another kind', { ...sent, sid: sent.sid.replace('SM', 'VE') }],
      ['an array', [sent]],
      ['an error code', { code: 21211 }],
    ],
    201,
  );

  it('declares the vendor’s capabilities', () => {
    bench.expectCapabilities('twilio-sms', 'delivery', {});
  });

  it('calls the documented URL by default', async () => {
    await expect(bench.defaultUrls((of) => send({ of }))).resolves.toEqual([`https://api.twilio.com${path()}`]);
  });

  it.each(['+15017122661', '12345', 'Acme', 'Acme & Co 1'])('accepts "%s" as a sender', (from) => {
    expect(() => adapter({ from })).not.toThrow();
  });

  bench.itRefusesOptions('accountSid', [
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
  ]);

  it('requires exactly one sender', () => {
    expect(() => adapter({ messagingServiceSid: SERVICE })).toThrow(
      /^"from" and "messagingServiceSid" exclude each other/,
    );
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
    ])('answers the test number %s with %j', async (phone, receipt) => {
      await expect(send({ phone })).resolves.toEqual(receipt);
      expect(bench.vendor.messages()).toEqual([]);
    });

    it('checks account, sender, number and text', async () => {
      await expect(send({ of: adapter({ secret: 'other' }) })).resolves.toEqual({ outcome: 'unauthorized' });
      await expect(send({ of: adapter({ from: 'Other' }) })).resolves.toEqual({ outcome: 'rejected_sender' });
      await expect(send({ phone: '0512345678' })).resolves.toEqual({ outcome: 'invalid_number' });
      await expect(send({ text: '' })).resolves.toEqual(notSent);
      expect(bench.vendor.messages()).toEqual([]);
    });
  });
});
