import { UnifonicAuthenticate } from 'nestjs-phone-otp/unifonic';
import { UnifonicSimulator } from 'nestjs-phone-otp/simulators';

import { fates } from '../support/messages.js';
import { newPhone } from '../support/otp-fixture.js';
import { itLivesOnce, liveCode, type LivingCode } from '../support/vendor-life.js';

describe('the life of a code at Unifonic', () => {
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

  it('does not take the vendor’s 110, "already verified", for a right code', async () => {
    const { started, verify, fixture } = living;
    const { challenge, code } = await started();
    unifonic.answerAlways(110);

    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_invalid' });

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });

  it('has one challenge per number, over all purposes: the vendor could not tell their codes apart', async () => {
    const { started, verify, fixture } = living;
    const { phone, challenge } = await started();
    await fixture.elapse(61);
    const request = { phone, purpose: 'verify_number', client: { address: '203.0.113.7' }, subject: 'account-1' };

    await fixture.otp.start(request);

    await expect(verify(challenge, unifonic.lastCode(phone)!)).rejects.toMatchObject({ code: 'otp_unavailable' });
    expect(living.checks()).toEqual([]);
  });

  it('FLT-07: counts a lost answer as unknown, sends nothing twice, and takes the code that arrives', async () => {
    const { started, verify, fixture } = living;
    unifonic.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    expect(unifonic.requests).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
});
