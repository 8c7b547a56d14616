import { SgateOtp } from 'nestjs-phone-otp/sgate';
import { SgateSimulator } from 'nestjs-phone-otp/simulators';

import { newPhone } from '../support/otp-fixture.js';
import { itLivesOnce, itRefusesCodesOfLostResponses, liveCode, type LivingCode } from '../support/vendor-life.js';

describe('SGate OTP in the service', () => {
  let sgate: SgateSimulator;
  let living: LivingCode;

  beforeEach(async () => {
    sgate = await new SgateSimulator().start();
    const isCheck = ({ path }: { path: string }) => path.endsWith('/checkOtp');
    living = await liveCode({ vendor: sgate, provider: new SgateOtp(sgate.access), newPhone, isCheck });
  });
  afterEach(async () => {
    await living.fixture.close();
    await sgate.stop();
  });

  itLivesOnce(() => living);
  itRefusesCodesOfLostResponses(() => living);

  it('stores the vendor’s session', async () => {
    await living.started();

    const session = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(await living.fixture.rows('otp_sends')).toMatchObject([{ provider: 'sgate-otp', provider_ref: session }]);
  });

  it('FLT-10: records an insufficient balance but does not reveal it', async () => {
    const { fixture, started } = living;
    sgate.answerAlways(1402);
    await started();

    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'failed' }]);
    expect(await fixture.rows('otp_sends')).toMatchObject([{ outcome: 'insufficient_balance', provider_ref: null }]);
  });
});
