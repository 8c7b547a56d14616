import { VonageVerify } from 'nestjs-phone-otp/vonage';
import { VonageSimulator } from 'nestjs-phone-otp/simulators';

import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';
import { type LivingCode, itLivesOnce, itRefusesCodesOfLostResponses, liveCode } from '../support/vendor-life.js';

const client = { address: '203.0.113.7' };

describe('Vonage Verify in the service', () => {
  let vonage: VonageSimulator;
  let living: LivingCode;

  beforeEach(async () => {
    vonage = await new VonageSimulator({ maxAttempts: 1000 }).start();
    const provider = new VonageVerify({ ...vonage.access, maxAttempts: 5 });
    const isCheck = ({ method, path }: { method: string; path: string }) => method === 'POST' && path !== '/v2/verify';
    living = await liveCode({ vendor: vonage, provider, newPhone, isCheck });
  });
  afterEach(async () => {
    await living.fixture.close();
    await vonage.stop();
  });

  itLivesOnce(() => living);
  itRefusesCodesOfLostResponses(() => living);

  it('refuses a resend during the lifetime of a code, as the vendor would', async () => {
    const { started, fixture } = living;
    const { challenge } = await started();
    await fixture.elapse(61);

    await expect(fixture.otp.resend({ challenge, client })).rejects.toMatchObject({ code: 'otp_too_soon' });

    expect(vonage.requests).toHaveLength(1);
  });

  it('cancels a cancelled challenge at the vendor', async () => {
    const { started, fixture } = living;
    const { challenge } = await started();
    const [send] = await fixture.rows('otp_sends');

    await fixture.otp.cancel({ challenge });

    await until('the vendor is called', () => vonage.requests.length === 2);
    expect(vonage.requests[0]).toMatchObject({
      method: 'DELETE',
      path: `/v2/verify/${send!.provider_ref as string}`,
    });
  });
});
