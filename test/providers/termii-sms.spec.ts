import { TermiiSms } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+2348109477743';
const TEXT = '012345 is your Acme code. \u2066Do "not" share it\u2069 \\o/';
const { unclear } = receipts;

describe('Termii Messaging', () => {
  const bench = vendorBench(TermiiSimulator, TermiiSms, { phone: PHONE, region: 'NG' });
  const { answer, received } = bench;
  const send = () => bench.provider.send(bench.text(TEXT, PHONE), within());

  it('delivers a text unchanged by the documented request', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: expect.stringMatching(/^\d{20}$/) });

    expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
    expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/send' });
    expect(received()).toEqual({
      api_key: bench.vendor.access.apiKey,
      to: '2348109477743',
      from: 'Acme',
      channel: 'dnd',
      type: 'plain',
      sms: TEXT,
    });
  });

  bench.itMaps(
    'maps %d "%s" to "%s"',
    (status: number, message: string) => bench.vendor.answerAlways(status, message),
    () => send(),
    [
      [400, 'Invalid Sender Id', 'rejected_sender'],
      [400, 'Bad request', 'unknown'],
      [401, 'Unauthorized', 'unauthorized'],
      [400, 'Your device has reached the daily limit', 'rate_limited'],
      [422, 'The phone number is wrong', 'invalid_number'],
      [400, 'Insufficient balance', 'insufficient_balance'],
      [429, 'Too many requests', 'rate_limited'],
    ],
  );

  const sent = { code: 'ok', message_id: '9122821270554876574', message: 'Successfully Sent', balance: 9 };

  bench.itReads('SEC-60: accepts %s as sent', () => send(), { outcome: 'sent', reference: '9122821270554876574' }, [
    ['the documented response', sent],
    ['an older response without a code', { ...sent, code: undefined }],
  ]);

  it('keeps every digit of an id that is a number', async () => {
    answer(JSON.stringify(sent).replace('"9122821270554876574"', '9122821270554876574'));

    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '9122821270554876574' });
  });

  bench.itReads('SEC-60: reports %s as unknown', () => send(), unclear, [
    ['a different code', { ...sent, code: 'error' }],
    ['a different message', { ...sent, message: 'Insufficient balance' }],
    ['no message', { ...sent, message: undefined }],
    ['no id', { ...sent, message_id: undefined }],
    ['the response to a code', { pinId: 'x', to: '2348109477743', smsStatus: 'Message Sent' }],
    ['an array with one element', [sent]],
    ['true', true],
  ]);

  it('declares the vendor’s capabilities', () => {
    bench.expectCapabilities('termii-sms', 'delivery', {});
  });

  bench.itRefusesOptions('apiKey', [
    ['apiKey', 'two words'],
    ['baseUrl', 'http://api.ng.termii.com'],
    ['sender', 'Ac'],
    ['sender', undefined],
    ['channel', 'whatsapp'],
  ]);
});
