import { LamahOtp } from 'nestjs-phone-otp/lamah';
import { LamahSimulator, type LamahSimulatorOptions } from 'nestjs-phone-otp/simulators';

import { fates, marked } from '../support/messages.js';
import { type Fixture, otpFixture, wrongCode } from '../support/otp-fixture.js';

// Runs the complete path: service, PostgreSQL, adapter, socket, and the simulator of a vendor that generates and checks codes.

const client = { address: '203.0.113.7' };
const purpose = 'registration';
let phones = 1_000_000;
const newPhone = () => `+21891${++phones}`;

describe('Lamah OTP in the service', () => {
  let lamah: LamahSimulator;
  let fixture: Fixture;

  async function open(options: LamahSimulatorOptions = {}): Promise<void> {
    lamah = await new LamahSimulator({ cost: 0.045, ...options }).start();
    fixture = await otpFixture({ provider: new LamahOtp(lamah.access), options: { providerTimeoutMs: 300 } });
  }
  afterEach(async () => {
    await fixture.close();
    await lamah.stop();
  });
  const verify = (challenge: string, code: string) => fixture.otp.verify({ challenge, code, purpose });
  const refused = (code: string) => expect.objectContaining({ name: 'OtpError', code });
  const checks = () => lamah.requests.filter(({ path }) => path.endsWith('/verify'));
  const status = async () => (await fixture.rows('otp_challenges')).map((row) => row.status);

  async function started(phone = newPhone()) {
    const { challenge, resendAt } = await fixture.otp.start({ phone, purpose, client });
    await marked(fixture);
    return { phone, challenge, resendAt, code: lamah.lastCode(phone) ?? '000000' };
  }

  it('verifies a number after a wrong and a correct code, and records the cost', async () => {
    await open();
    const { phone, challenge, code } = await started();

    await expect(verify(challenge, wrongCode(code))).rejects.toEqual(refused('otp_invalid'));
    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    expect(await fixture.rows('otp_sends')).toMatchObject([
      {
        provider: 'lamah-otp',
        provider_ref: expect.stringMatching(/^[0-9a-f-]{36}$/),
        outcome: 'sent',
        cost: '0.045 LYD',
      },
    ]);
  });

  it('refuses a resend during the lifetime of a code', async () => {
    await open();
    const { challenge, resendAt } = await started();

    expect(resendAt.getTime() - Date.now()).toBeGreaterThan(295_000);
    await fixture.elapse(61);
    await expect(fixture.otp.resend({ challenge, client })).rejects.toEqual(refused('otp_too_soon'));
  });

  it('FLT-07: repeats a send once with the same key if its response is lost, so one message arrives', async () => {
    await open();
    lamah.fault({ kind: 'hang' }, 1);
    const { phone, challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['sent']);
    expect(lamah.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
      expect.anything(),
      expect.anything(),
    ]);
    expect(new Set(lamah.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(lamah.messages(phone)).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toMatchObject({ phone });
  });

  it('FLT-07: refuses a code without calling the vendor if both responses with its reference were lost', async () => {
    await open();
    lamah.fault({ kind: 'hang' }, 2);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await status()).toEqual(['pending']);
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(checks()).toEqual([]);
  });

  it.each(['gateway', 'docs'] as const)(
    'FLT-15: requires a new challenge if the response to a correct code is lost, in the "%s" dialect',
    async (dialect) => {
      await open({ dialect });
      const { challenge, code } = await started();
      lamah.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its response is lost

      await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
      await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
      expect(await fixture.rows('otp_grants')).toEqual([]);
    },
  );

  it('FLT-10: records an insufficient balance but does not reveal it', async () => {
    await open();
    lamah.answerAlways(400, 'Insufficient balance');
    await started();

    expect(await status()).toEqual(['failed']);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance', cost: null }]);
  });
});
