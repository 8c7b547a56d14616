import { NinetyNineSms } from 'nestjs-phone-otp/ninety-nine';
import { NinetyNineSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+972502345678';
const TEXT = 'הקוד שלך באקמי: 012345. אין למסור אותו לאיש & "לא" +1';
const { notSent, unclear } = receipts;

describe('99 Digital SMS', () => {
  const bench = vendorBench(NinetyNineSimulator, NinetyNineSms, { phone: PHONE, region: 'IL' });
  const { answer } = bench;
  const send = ({ phone = PHONE, text = TEXT } = {}) => bench.provider.send(bench.text(text, phone), within());

  it('delivers a text unchanged', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '63433453' });

    expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('sends the documented request', async () => {
    await send();

    expect(bench.vendor.requests[0]).toMatchObject({
      method: 'POST',
      path: '/sms/sendMessage',
      headers: { 'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/) },
    });
    expect(await bench.receivedForm()).toEqual({
      apiKey: bench.vendor.access.apiKey,
      from: 'Acme',
      to: '0502345678',
      text: TEXT,
    });
  });

  it.each(['+966512345678', '+97221234567'])('refuses %s without a call', async (phone) => {
    await expect(send({ phone })).resolves.toEqual({ outcome: 'invalid_number' });
    expect(bench.vendor.requests).toEqual([]);
  });

  bench.itMaps(
    'maps reason %d to %j',
    (reason: number) => bench.vendor.answerAlways({ reason }),
    () => send(),
    [
      [2, { outcome: 'rejected_sender' }],
      [3, { outcome: 'rejected_sender' }],
      [4, { outcome: 'unknown', ambiguous: false }],
      [5, { outcome: 'unknown' }],
      [6, { outcome: 'unauthorized' }],
      [7, { outcome: 'invalid_number' }],
      [8, { outcome: 'unknown', ambiguous: false }],
      [9, { outcome: 'rejected_sender' }],
      [99, { outcome: 'unknown', ambiguous: true }],
    ],
  );

  it.each([
    '{"status":"OK","reason":"1"}',
    '{"status":"OK","reason":6}',
    '{"status":"OK"}',
    '{"status":1,"reason":1}',
    '[{"status":"OK","reason":1}]',
    '1',
  ])('SEC-60: reports %s as unknown', async (body) => {
    answer(body);

    await expect(send()).resolves.toEqual(unclear);
  });

  it('reports the vendor’s refusal of an empty text', async () => {
    await expect(send({ text: '' })).resolves.toEqual(notSent);
  });

  it('reports the delivery status of a message', async () => {
    const { reference } = await send();

    await expect(bench.provider.deliveryStatus({ phone: PHONE, reference }, within())).resolves.toEqual({
      outcome: 'delivered',
      code: 102,
      operator: 'Cellcom',
    });
  });

  it('declares the vendor’s capabilities', () => {
    bench.expectCapabilities('ninety-nine-sms', 'delivery', {});
  });

  bench.itRefusesOptions('apiKey', [
    ['apiKey', ''],
    ['baseUrl', 'http://api.99digital.co.il'],
    ['sender', ''],
    ['sender', '+972501234'],
  ]);
});
