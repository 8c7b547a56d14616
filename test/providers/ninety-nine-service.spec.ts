import { NinetyNineVerify } from 'nestjs-phone-otp/ninety-nine';
import { NinetyNineSimulator } from 'nestjs-phone-otp/simulators';

import { fates } from '../support/messages.js';
import { itLivesOnce, liveCode, type LivingCode } from '../support/vendor-life.js';

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

  it('allows one challenge per number across all purposes, because the vendor cannot tell codes apart', async () => {
    const { started, verify, fixture } = living;
    const { phone, challenge } = await started();
    await fixture.elapse(61);
    const request = { phone, purpose: 'verify_number', client: { address: '203.0.113.7' }, subject: 'account-1' };

    await fixture.otp.start(request);

    const code = vendor.lastCode(phone)!;
    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_unavailable' });
    expect(living.checks()).toEqual([]);
  });

  it('FLT-07: records a lost response as unknown, sends nothing twice, and accepts the code that arrives', async () => {
    const { started, verify, fixture } = living;
    vendor.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    expect(vendor.requests).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
});
