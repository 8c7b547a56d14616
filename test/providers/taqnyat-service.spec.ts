import { PhoneAccounts } from 'nestjs-phone-otp';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { type SimulatedFault, TaqnyatSimulator, type TaqnyatSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { fates, marked } from '../support/messages.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';

// The whole way: service, PostgreSQL, the adapter, a socket, and a vendor that makes, sends and checks the codes itself.

const client = { address: '203.0.113.7' };
const purpose = 'registration';

describe('the life of a code at Taqnyat', () => {
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

  it('goes from start over the vendor’s message and check to a verified number', async () => {
    await open();
    const { phone, challenge, code } = await started();

    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    expect(await fixture.rows('otp_sends')).toMatchObject([{ provider: 'taqnyat-verify', outcome: 'sent' }]);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ checked_by: 'provider', code_mac: null }]);
  });

  it('SEC-02: carries a leading zero from the phone to the vendor', async () => {
    await open();
    for (;;) {
      const { challenge, code } = await started();
      if (!code.startsWith('0')) continue; // one code in ten

      await expect(fixture.otp.verify({ challenge, code: code as never, purpose })).resolves.toHaveProperty('grant');
      return;
    }
  });

  it.each([13, 19])('does not take the vendor’s %i, "this number is activated", for a right code', async (result) => {
    await open();
    const { challenge, code } = await started();
    taqnyat.answerAlways(result, 'This number is activated');

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('FLT-15: needs a new challenge when the answer to a right code is lost', async () => {
    await open();
    const { challenge, code } = await started();
    taqnyat.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its answer never comes

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it.each<[string, SimulatedFault]>([
    ['FLT-07: hangs after accepting', { kind: 'hang' }],
    ['FLT-12: sends garbage', { kind: 'garbage' }],
    ['FLT-12: answers a page of HTML', { kind: 'html' }],
    ['FLT-13: sends a body without end', { kind: 'endless' }],
  ])(
    '%s: the start counts as unknown, nothing is sent twice, and the code that arrives is good',
    async (_id, fault) => {
      await open();
      taqnyat.fault(fault, 1);
      const { phone, challenge, code } = await started();

      expect(await fates(fixture)).toEqual(['unknown']);
      expect(await status()).toEqual(['pending']);
      expect(sends()).toHaveLength(1);
      await expect(fixture.otp.start({ phone, purpose, client })).rejects.toEqual(refused('otp_too_soon'));
      await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
    },
  );

  it('FLT-08: ends the challenge and gives the cooldown back when the vendor cannot be reached, for a signed-in caller', async () => {
    await open();
    const request = { phone: newPhone(), purpose: 'verify_number', client, subject: 'account-1' };
    await taqnyat.stop();

    await expect(fixture.otp.start(request)).rejects.toEqual(refused('send_unavailable'));

    expect(await status()).toEqual(['failed']);
    await taqnyat.start();
    await expect(fixture.otp.start(request)).resolves.toHaveProperty('challenge');
  });

  it('FLT-10: tells nobody of an empty account', async () => {
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
    ['lies', () => taqnyat.fault({ kind: 'garbage' })],
    ['is gone', () => taqnyat.stop()],
  ])('SEC-31 SEC-32: answers alike for a known and an unknown account while the vendor %s', async (_what, fail) => {
    taqnyat = await new TaqnyatSimulator({ codeLength: 6 }).start();
    const accounts: PhoneAccounts = {
      findByPhone: async (phone) => (phone.endsWith('1') ? { id: 'account-1' } : null),
    };
    fixture = await otpFixture({
      provider: new TaqnyatVerify({ ...taqnyat.access, codeLength: 6 }),
      metadata: { providers: [{ provide: PhoneAccounts, useValue: accounts }] },
    });
    await fail();

    // Two wrong codes each: five faults would open the breaker, which then speaks to everybody.
    const story = async (phone: string) => {
      const { challenge, codeLength } = await fixture.otp.start({ phone, purpose: 'login', client });
      const guess = () => fixture.otp.verify({ challenge, code: '000001', purpose: 'login' });
      return [challenge.length, codeLength, await guess().catch(String), await guess().catch(String)];
    };

    expect(await story('+966512345671')).toEqual(await story('+966512345670'));
  });

  it('loses nothing when the plug is pulled in the middle, and the next attempt works after the wait', async () => {
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

  it('SEC-63: refuses a simulator in production', async () => {
    taqnyat = await new TaqnyatSimulator().start();
    const provider = new TaqnyatVerify(taqnyat.access);

    await expect(otpFixture({ provider, options: { production: true } })).rejects.toThrow(
      /taqnyat-verify.*development/,
    );

    fixture = await otpFixture();
  });
});
