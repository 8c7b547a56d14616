import { SgateOtp } from 'nestjs-phone-otp/sgate';
import { SgateSimulator } from 'nestjs-phone-otp/simulators';

import { fates, marked } from '../support/messages.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

// The whole way: service, PostgreSQL, the adapter, a socket, and a vendor that makes, sends and checks the codes itself.

const client = { address: '203.0.113.7' };
const purpose = 'registration';

describe('the life of a code at SGate', () => {
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

  it('goes from start over a wrong code and the right one to a verified number', async () => {
    const { phone, challenge, code } = await started();

    await expect(verify(challenge, wrongCode(code))).rejects.toEqual(refused('otp_invalid'));
    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    const reference = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(await fixture.rows('otp_sends')).toMatchObject([
      { provider: 'sgate-otp', provider_ref: reference, outcome: 'sent' },
    ]);
  });

  it('FLT-07: cannot check a code whose session was lost: the vendor is not asked', async () => {
    sgate.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await status()).toEqual(['pending']);
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(checks()).toEqual([]);
  });

  it('FLT-15: needs a new challenge when the answer to a right code is lost', async () => {
    const { challenge, code } = await started();
    sgate.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its answer never comes

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('FLT-10: writes down an empty account, and tells nobody', async () => {
    sgate.answerAlways(1402);
    await started();

    expect(await status()).toEqual(['failed']);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance', provider_ref: null }]);
  });
});
