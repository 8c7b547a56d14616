import { UnifonicAuthenticate } from 'nestjs-phone-otp/unifonic';
import { UnifonicSimulator } from 'nestjs-phone-otp/simulators';

import { fates } from '../support/messages.js';
import { newPhone } from '../support/otp-fixture.js';
import { itLivesOnce, liveCode, type LivingCode } from '../support/vendor-life.js';

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

  it('does not treat the vendor’s 110, "already verified", as a correct code', async () => {
    const { started, verify, fixture } = living;
    const { challenge, code } = await started();
    unifonic.answerAlways(110);

    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_invalid' });

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('allows one challenge per number across all purposes, because the vendor cannot tell codes apart', async () => {
    const { started, verify, fixture } = living;
    const { phone, challenge } = await started();
    await fixture.elapse(61);
    const request = { phone, purpose: 'verify_number', client: { address: '203.0.113.7' }, subject: 'account-1' };

    await fixture.otp.start(request);

    await expect(verify(challenge, unifonic.lastCode(phone)!)).rejects.toMatchObject({ code: 'otp_unavailable' });
    expect(living.checks()).toEqual([]);
  });

  it('FLT-07: records a lost response as unknown, sends nothing twice, and accepts the code that arrives', async () => {
    const { started, verify, fixture } = living;
    unifonic.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    expect(unifonic.requests).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
});
