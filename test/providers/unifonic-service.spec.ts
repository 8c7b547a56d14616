import { UnifonicAuthenticate } from 'nestjs-phone-otp/unifonic';
import { UnifonicSimulator } from 'nestjs-phone-otp/simulators';

import { newPhone } from '../support/otp-fixture.js';
import {
  type LivingCode,
  itAcceptsCodesOfLostResponses,
  itHasOneChallengePerNumber,
  itLivesOnce,
  liveCode,
} from '../support/vendor-life.js';

describe('Unifonic Authenticate in the service', () => {
  let unifonic: UnifonicSimulator;
  let living: LivingCode;

  beforeEach(async () => {
    unifonic = await new UnifonicSimulator({ maxAttempts: 1000 }).start();
    const provider = new UnifonicAuthenticate({ ...unifonic.access, maxAttempts: 5 });
    const isCheck = ({ path }: { path: string }) => path.endsWith('/check');
    living = await liveCode({ vendor: unifonic, provider, newPhone, isCheck });
  });
  afterEach(async () => {
    await living.fixture.close();
    await unifonic.stop();
  });

  itLivesOnce(() => living);
  itAcceptsCodesOfLostResponses(() => living);
  itHasOneChallengePerNumber(() => living);

  it('does not treat the vendor’s 110, "already verified", as a correct code', async () => {
    const { started, verify, fixture } = living;
    const { challenge, code } = await started();
    unifonic.answerAlways(110);

    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_invalid' });

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });
});
