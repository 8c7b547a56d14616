import { SgateOtp } from 'nestjs-phone-otp/sgate';
import { SgateSimulator } from 'nestjs-phone-otp/simulators';

import { fates, marked } from '../support/messages.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

// Runs the complete path: service, PostgreSQL, adapter, socket, and the simulator of a vendor that generates and checks codes.

const client = { address: '203.0.113.7' };
const purpose = 'registration';

describe('SGate OTP in the service', () => {
  let sgate: SgateSimulator;
  let fixture: Fixture;

  beforeEach(async () => {
    sgate = await new SgateSimulator().start();
    fixture = await otpFixture({ provider: new SgateOtp(sgate.access), options: { providerTimeoutMs: 300 } });
  });
  afterEach(async () => {
    await fixture.close();
    await sgate.stop();
  });
  const verify = (challenge: string, code: string) => fixture.otp.verify({ challenge, code, purpose });
  const refused = (code: string) => expect.objectContaining({ name: 'OtpError', code });
  const checks = () => sgate.requests.filter(({ path }) => path.endsWith('/checkOtp'));
  const status = async () => (await fixture.rows('otp_challenges')).map((row) => row.status);

  async function started(phone = newPhone()) {
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    await marked(fixture);
    return { phone, challenge, code: sgate.lastCode(phone) ?? '000000' };
  }

  it('verifies a number after a wrong and a correct code', async () => {
    const { phone, challenge, code } = await started();

    await expect(verify(challenge, wrongCode(code))).rejects.toEqual(refused('otp_invalid'));
    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    const reference = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(await fixture.rows('otp_sends')).toMatchObject([
      { provider: 'sgate-otp', provider_ref: reference, outcome: 'sent' },
    ]);
  });

  it('FLT-07: refuses a code without calling the vendor if the response with its session was lost', async () => {
    sgate.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await status()).toEqual(['pending']);
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(checks()).toEqual([]);
  });

  it('FLT-15: requires a new challenge if the response to a correct code is lost', async () => {
    const { challenge, code } = await started();
    sgate.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its response is lost

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('FLT-10: records an insufficient balance but does not reveal it', async () => {
    sgate.answerAlways(1402);
    await started();

    expect(await status()).toEqual(['failed']);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance', provider_ref: null }]);
  });
});
