import { NinetyNineVerify } from 'nestjs-phone-otp/ninety-nine';
import { NinetyNineSimulator } from 'nestjs-phone-otp/simulators';

import {
  type LivingCode,
  itAcceptsCodesOfLostResponses,
  itHasOneChallengePerNumber,
  itLivesOnce,
  liveCode,
} from '../support/vendor-life.js';

describe('99 Digital Verify in the service', () => {
  let vendor: NinetyNineSimulator;
  let living: LivingCode;
  let phones = 2_000_000;

  beforeEach(async () => {
    vendor = await new NinetyNineSimulator({ maxAttempts: 1000 }).start();
    living = await liveCode({
      vendor,
      provider: new NinetyNineVerify(vendor.access),
      newPhone: () => `+97250${++phones}`,
      isCheck: ({ body }) => body.includes('name="code"'),
    });
  });
  afterEach(async () => {
    await living.fixture.close();
    await vendor.stop();
  });

  itLivesOnce(() => living);
  itAcceptsCodesOfLostResponses(() => living);
  itHasOneChallengePerNumber(() => living);
});
