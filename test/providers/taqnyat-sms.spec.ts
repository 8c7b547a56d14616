import { TaqnyatSms } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+966512345678';
const TEXT = 'رمزك في أكمي: 012345. لا تشاركه & "أبدا"';
const cost = { amount: '0.0500', unit: 'SAR' };
const { notSent, unclear } = receipts;

describe('Taqnyat SMS', () => {
  const bench = vendorBench(TaqnyatSimulator, TaqnyatSms, {
    phone: PHONE,
    region: 'SA',
    options: () => ({ sender: 'Acme' }),
  });
  const { answer, received } = bench;
  const send = ({ of = bench.provider, phone = PHONE, text = TEXT } = {}) => of.send(bench.text(text, phone), within());

  it('delivers a text unchanged and reports its price', async () => {
    await expect(send()).resolves.toEqual({ outcome: 'sent', reference: '5452899971', cost });

    expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: TEXT, code: '012345' }]);
  });

  it('sends the documented request', async () => {
    await send();

    expect(bench.vendor.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/messages',
      headers: { authorization: `Bearer ${bench.vendor.access.apiKey}`, 'content-type': 'application/json' },
    });
    expect(received()).toEqual({ recipients: ['966512345678'], body: TEXT, sender: 'Acme' });
  });

  it('delivers texts to other countries', async () => {
    await expect(send({ phone: '+2348109477743' })).resolves.toMatchObject({ outcome: 'sent' });
    expect(bench.vendor.messages()).toMatchObject([{ phone: '+2348109477743' }]);
  });

  bench.itMaps(
    'FLT-10: maps %d "%s" to "%s"',
    (status: number, message: string) => bench.vendor.refuseTexts(status, message),
    () => send(),
    [
      [400, 'Sender name is not active', 'rejected_sender'],
      [403, 'This sender is not yours', 'rejected_sender'],
      [400, 'Your balance is not enough', 'insufficient_balance'],
      [401, 'Authentication Failed', 'unauthorized'],
      [402, 'Pay first', 'insufficient_balance'],
      [403, 'Forbidden', 'unauthorized'],
      [400, 'recipients is required', 'invalid_number'],
      [400, 'The mobile is wrong', 'invalid_number'],
      [429, 'Too many requests', 'rate_limited'],
    ],
  );

  const sent = { statusCode: 201, messageId: 7, cost: '0.0500', currency: 'SAR', accepted: '[966512345678,]' };

  it('reports an unknown refusal as certainly not sent', async () => {
    bench.vendor.refuseTexts(400, 'body is required');
    await expect(send()).resolves.toEqual(notSent);

    answer({ statusCode: 400, message: 'Sender name is not active' });
    await expect(send()).resolves.toEqual({ outcome: 'rejected_sender' });
  });

  it('recognizes the number in the list of rejected numbers', async () => {
    answer({ ...sent, accepted: '[]', rejected: '[966512345678,]' }, 201);
    await expect(send()).resolves.toEqual({ outcome: 'invalid_number' });

    answer({ ...sent, rejected: ['966512345678'] }, 201);
    await expect(send()).resolves.toEqual({ outcome: 'invalid_number' });
  });

  it.each<[string, unknown, object]>([
    ['the documented response', sent, { reference: '7', cost }],
    ['an empty list of rejected numbers', { ...sent, rejected: '[]' }, { reference: '7', cost }],
    ['an id as text', { ...sent, messageId: 'a-7' }, { reference: 'a-7', cost }],
    [
      'a cost that is a number',
      JSON.stringify(sent).replace('"0.0500"', '0.10'),
      { reference: '7', cost: { amount: '0.10', unit: 'SAR' } },
    ],
    ['no cost', { ...sent, cost: undefined }, { reference: '7' }],
    ['an invalid cost', { ...sent, cost: '-1' }, { reference: '7' }],
    ['no currency', { ...sent, currency: undefined }, { reference: '7' }],
    ['an invalid currency', { ...sent, currency: 'Saudi riyal' }, { reference: '7' }],
  ])('SEC-60: accepts %s as sent', async (_what, body, receipt) => {
    answer(body, 201);

    await expect(send()).resolves.toEqual({ outcome: 'sent', ...receipt });
  });

  bench.itReads(
    'SEC-60 FLT-12: reports %s as unknown',
    () => send(),
    unclear,
    [
      ['a different status', sent, 200],
      ['202', sent, 202],
      ['404', sent, 404],
      ['a different statusCode', { ...sent, statusCode: 200 }],
      ['a statusCode as text', { ...sent, statusCode: '201' }],
      ['no statusCode', { ...sent, statusCode: undefined }],
      ['no id', { ...sent, messageId: undefined }],
      ['an invalid name', { ...sent, messageId: [7] }],
      ['other rejected numbers', { ...sent, rejected: '[966512345679,]' }],
      ['an invalid list of rejected numbers', { ...sent, rejected: 1 }],
      ['an array', [sent]],
      ['a failure without a message', { statusCode: 400 }, 400],
      ['a failure with a statusCode as text', { statusCode: '400', message: 'sender' }, 400],
      ['a foreign page', '<h1>sender not found</h1>', 404],
      ['true', true],
    ],
    201,
  );

  it('declares the vendor’s capabilities', () => {
    bench.expectCapabilities('taqnyat-sms', 'delivery', { reportsCost: true });
  });

  it('calls the documented URL by default', async () => {
    await expect(bench.defaultUrls((of) => send({ of }))).resolves.toEqual(['https://api.taqnyat.sa/v1/messages']);
  });

  bench.itRefusesOptions('apiKey', [
    ['apiKey', ''],
    ['apiKey', 'key\r\nx: y'],
    ['baseUrl', 'http://api.taqnyat.sa'],
    ['sender', undefined],
    ['sender', ''],
    ['sender', 'Acme\n'],
    ['sender', 'much too long a sender'],
  ]);

  describe('the simulator', () => {
    const post = async (body: unknown, key = bench.vendor.access.apiKey) => {
      const headers = { authorization: `Bearer ${key}` };
      const answer = await fetch(`${bench.vendor.url}/v1/messages`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      const { statusCode, message, rejected } = (await answer.json()) as Record<string, unknown>;
      return [answer.status, statusCode, message ?? rejected];
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
      expect(bench.vendor.messages()).toHaveLength(answer[2] === '[]' ? 1 : 0);
    });

    it('checks the key', async () => {
      await expect(post(fields, 'other')).resolves.toEqual([401, 401, 'Authentication Failed']);
    });
  });
});
