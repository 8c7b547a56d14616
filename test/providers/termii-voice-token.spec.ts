import { TermiiVoiceToken } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';

import { receipts, vendorBench, within } from '../support/vendor-bench.js';

const PHONE = '+2348109477743';
const PIN_ID = '29ae67c2-c8e1-4165-8a51-8d3d7c298081';
const { incorrect, unclear, verified } = receipts;

describe('Termii Voice Token', () => {
  const bench = vendorBench(TermiiSimulator, TermiiVoiceToken, { phone: PHONE, region: 'NG' });
  const { adapter, answer, code, received } = bench;
  let reference: string | undefined;
  beforeEach(() => (reference = undefined));

  async function start() {
    const receipt = await bench.provider.start(bench.start(), within());
    reference = receipt.reference ?? reference;
    return receipt;
  }
  const check = (code: string) => bench.provider.check({ ...bench.recipient, code, reference }, within());

  it('reads out a code and accepts it once', async () => {
    await expect(start()).resolves.toEqual({ outcome: 'sent', reference: expect.any(String) });
    expect(bench.vendor.messages()).toMatchObject([{ phone: PHONE, text: `(a call) Your pin is ${code()}` }]);

    await expect(check('000')).resolves.toEqual(incorrect);
    await expect(check(code())).resolves.toEqual(verified);
    await expect(check(code())).resolves.toEqual({ outcome: 'expired' });
  });

  it('sends the documented request', async () => {
    await start();

    expect(bench.vendor.requests[0]).toMatchObject({ method: 'POST', path: '/api/sms/otp/send/voice' });
    expect(received()).toEqual({
      api_key: bench.vendor.access.apiKey,
      phone_number: '2348109477743',
      pin_attempts: 5,
      pin_time_to_live: 5,
      pin_length: 6,
    });
  });

  bench.itMaps(
    'maps %d "%s" to "%s"',
    (status: number, message: string) => bench.vendor.answerAlways(status, message),
    () => start(),
    [
      [400, 'Phone number is invalid', 'invalid_number'],
      [401, 'Unauthorized', 'unauthorized'],
      [404, 'Not found', 'unknown'],
      [400, 'You are not set up on this route', 'rejected_sender'],
      [422, 'Insufficient balance', 'insufficient_balance'],
      [429, 'Too many requests', 'rate_limited'],
    ],
  );

  const sent = {
    code: 'ok',
    message_id: '453166532802459832',
    pinId: PIN_ID,
    message: 'Successfully Sent',
    balance: 77.5,
  };

  bench.itReads('SEC-60: accepts %s as sent', () => start(), { outcome: 'sent', reference: PIN_ID }, [
    ['the documented response', sent],
    ['the alternative spelling of the id', { ...sent, pinId: undefined, pin_id: PIN_ID }],
  ]);

  it.each([
    ['a different code', { ...sent, code: 'error' }, PIN_ID],
    ['a code that is true', { ...sent, code: true }, PIN_ID],
    ['a code in a different case', { ...sent, code: 'OK' }, PIN_ID],
    ['a different message', { ...sent, message: 'Successfully Queued' }, PIN_ID],
    ['no message', { ...sent, message: undefined }, PIN_ID],
    ['no id', { ...sent, pinId: undefined }, undefined],
    ['an array with one element', [sent], undefined],
  ])('SEC-60: reports a call with %s as unknown', async (_, body, id) => {
    answer(body);

    await expect(start()).resolves.toEqual({ ...unclear, ...(id && { reference: id }) });
  });

  it('declares the vendor’s capabilities', () => {
    bench.expectCapabilities('termii-voice-token', 'delegated', {
      correlation: 'provider_id',
      codeLength: [6, 8],
      ttlSeconds: [60, 600],
      maxAttempts: [1, 10],
      resendCooldown: 60,
      languages: ['en'],
    });
    expect(adapter({ cooldownSeconds: 90 }).capabilities.resendCooldown).toBe(90);
  });

  bench.itRefusesOptions('apiKey', [
    ['apiKey', ''],
    ['baseUrl', undefined],
    ['cooldownSeconds', 0],
  ]);
});
