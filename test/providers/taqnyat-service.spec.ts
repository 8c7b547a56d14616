import { PhoneAccounts } from 'nestjs-phone-otp';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { type SimulatedFault, TaqnyatSimulator, type TaqnyatSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { fates, marked } from '../support/messages.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';

// Runs the complete path: service, PostgreSQL, adapter, socket, and the simulator of a vendor that generates and checks codes.

const client = { address: '203.0.113.7' };
const purpose = 'registration';

describe('Taqnyat Verify in the service', () => {
  let taqnyat: TaqnyatSimulator;
  let fixture: Fixture;

  async function open(options: TaqnyatSimulatorOptions = {}): Promise<void> {
    taqnyat = await new TaqnyatSimulator({ codeLength: 6, ...options }).start();
    fixture = await otpFixture({
      provider: new TaqnyatVerify({ ...taqnyat.access, codeLength: 6, maxAttempts: 5 }),
      options: { providerTimeoutMs: 300 },
    });
  }
  afterEach(async () => {
    await fixture.close();
    await taqnyat.stop();
  });
  const verify = (challenge: string, code: string) => fixture.otp.verify({ challenge, code, purpose });
  const refused = (code: string) => expect.objectContaining({ name: 'OtpError', code });
  const sends = () => taqnyat.requests.filter(({ body }) => !body.includes('activeKey'));
  const status = async () => (await fixture.rows('otp_challenges')).map((row) => row.status);

  async function started(phone = newPhone()) {
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    await marked(fixture);
    return { phone, challenge, code: taqnyat.lastCode(phone) ?? '000000' };
  }

  it('verifies a number with the vendor’s message and check', async () => {
    await open();
    const { phone, challenge, code } = await started();

    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    expect(await fixture.rows('otp_sends')).toMatchObject([{ provider: 'taqnyat-verify', outcome: 'sent' }]);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ checked_by: 'provider', code_mac: null }]);
  });

  it('SEC-02: passes a leading zero to the vendor', async () => {
    await open();
    for (;;) {
      const { challenge, code } = await started();
      if (!code.startsWith('0')) continue; // one code in ten

      await expect(fixture.otp.verify({ challenge, code: code as never, purpose })).resolves.toHaveProperty('grant');
      return;
    }
  });

  it.each([13, 19])('does not treat the vendor’s %i, "this number is activated", as a correct code', async (result) => {
    await open();
    const { challenge, code } = await started();
    taqnyat.answerAlways(result, 'This number is activated');

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('FLT-15: requires a new challenge if the response to a correct code is lost', async () => {
    await open();
    const { challenge, code } = await started();
    taqnyat.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its response is lost

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it.each<[string, SimulatedFault]>([
    ['FLT-07: after a hang', { kind: 'hang' }],
    ['FLT-12: after garbage', { kind: 'garbage' }],
    ['FLT-12: after a page of HTML', { kind: 'html' }],
    ['FLT-13: after an endless body', { kind: 'endless' }],
  ])('%s, records the start as unknown, sends nothing twice, and accepts the code that arrives', async (_id, fault) => {
    await open();
    taqnyat.fault(fault, 1);
    const { phone, challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await status()).toEqual(['pending']);
    expect(sends()).toHaveLength(1);
    await expect(fixture.otp.start({ phone, purpose, client })).rejects.toEqual(refused('otp_too_soon'));
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });

  it('FLT-08: ends a signed-in caller’s challenge and releases the cooldown if the vendor is unreachable', async () => {
    await open();
    const request = { phone: newPhone(), purpose: 'verify_number', client, subject: 'account-1' };
    await taqnyat.stop();

    await expect(fixture.otp.start(request)).rejects.toEqual(refused('send_unavailable'));

    expect(await status()).toEqual(['failed']);
    await taqnyat.start();
    await expect(fixture.otp.start(request)).resolves.toHaveProperty('challenge');
  });

  it('FLT-10: does not reveal an insufficient balance', async () => {
    await open();
    taqnyat.answerAlways(4);
    const { challenge } = await started();

    expect(await status()).toEqual(['failed']);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance' }]);
    taqnyat.answerAlways(undefined);
    await expect(verify(challenge, '123456')).rejects.toEqual(refused('otp_invalid'));
  });

  it.each<[string, () => unknown]>([
    ['refuses', () => taqnyat.answerAlways(4)],
    ['returns garbage', () => taqnyat.fault({ kind: 'garbage' })],
    ['is unreachable', () => taqnyat.stop()],
  ])('SEC-31 SEC-32: responds alike for a known and an unknown account while the vendor %s', async (_what, fail) => {
    taqnyat = await new TaqnyatSimulator({ codeLength: 6 }).start();
    const accounts: PhoneAccounts = {
      findByPhone: async (phone) => (phone.endsWith('1') ? { id: 'account-1' } : null),
    };
    fixture = await otpFixture({
      provider: new TaqnyatVerify({ ...taqnyat.access, codeLength: 6 }),
      metadata: { providers: [{ provide: PhoneAccounts, useValue: accounts }] },
    });
    await fail();

    // Two wrong codes each: five faults would open the breaker, which refuses every caller.
    const story = async (phone: string) => {
      const { challenge, codeLength } = await fixture.otp.start({ phone, purpose: 'login', client });
      const guess = () => fixture.otp.verify({ challenge, code: '000001', purpose: 'login' });
      return [challenge.length, codeLength, await guess().catch(String), await guess().catch(String)];
    };

    expect(await story('+966512345671')).toEqual(await story('+966512345670'));
  });

  it('keeps challenges during an outage of the vendor, and sends again after the cooldown', async () => {
    await open();
    const before = await started();
    await taqnyat.stop();
    await expect(verify(before.challenge, before.code)).rejects.toEqual(refused('otp_invalid'));
    const during = await fixture.otp.start({ phone: newPhone(), purpose, client });
    await marked(fixture);

    await taqnyat.start();

    await expect(verify(before.challenge, before.code)).resolves.toHaveProperty('grant');
    await fixture.elapse(61);
    await expect(fixture.otp.resend({ challenge: during.challenge, client })).resolves.toHaveProperty('challenge');
  });

  it('SEC-63: does not start with a simulator in production', async () => {
    taqnyat = await new TaqnyatSimulator().start();
    const provider = new TaqnyatVerify(taqnyat.access);

    await expect(otpFixture({ provider, options: { production: true } })).rejects.toThrow(
      /taqnyat-verify.*development/,
    );

    fixture = await otpFixture();
  });
});
