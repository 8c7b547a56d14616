import { TwilioVerify } from 'nestjs-phone-otp/twilio';
import { TwilioSimulator } from 'nestjs-phone-otp/simulators';

import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';
import { type LivingCode, itAcceptsCodesOfLostResponses, itLivesOnce, liveCode } from '../support/vendor-life.js';

const client = { address: '203.0.113.7' };

describe('Twilio Verify in the service', () => {
  let twilio: TwilioSimulator;
  let living: LivingCode;

  beforeEach(async () => {
    twilio = await new TwilioSimulator({ maxAttempts: 1000 }).start();
    const provider = new TwilioVerify(twilio.access);
    const isCheck = ({ path }: { path: string }) => path.endsWith('/VerificationCheck');
    living = await liveCode({ vendor: twilio, provider, newPhone, isCheck });
  });
  afterEach(async () => {
    await living.fixture.close();
    await twilio.stop();
  });

  itLivesOnce(() => living);
  itAcceptsCodesOfLostResponses(() => living);

  it('stores the verification’s SID and cancels it with the challenge', async () => {
    const { started, fixture } = living;
    const { challenge, phone } = await started();
    const [send] = await fixture.rows('otp_sends');
    expect(send).toMatchObject({ provider_ref: expect.stringMatching(/^VE[0-9a-f]{32}$/) });

    await fixture.otp.cancel({ challenge });

    const path = expect.stringMatching(new RegExp(`/Verifications/${send!.provider_ref as string}$`));
    await until('the vendor is called', () => twilio.requests.length === 2);
    expect(twilio.requests[0]).toMatchObject({ path, body: 'Status=canceled' });
    await fixture.elapse(61);
    const before = twilio.lastCode(phone);
    expect((await started(phone)).code).not.toBe(before); // fails once in a million runs
  });

  it('allows one challenge per number across all purposes, because the vendor repeats an unverified code', async () => {
    const { started, verify, fixture } = living;
    const { phone, challenge, code } = await started();
    await fixture.elapse(61);

    await fixture.otp.start({ phone, purpose: 'verify_number', client, subject: 'account-1' });

    expect(twilio.lastCode(phone)).toBe(code);
    await expect(verify(challenge, code)).rejects.toMatchObject({ code: 'otp_unavailable' });
    expect(living.checks()).toEqual([]);
  });

  it.each([60238, 60410, 60605])('keeps serving other numbers after refusals with %d', async (error) => {
    const { started, verify, fixture } = living;
    twilio.answerAlways(error);
    for (let blocked = 0; blocked < 6; blocked++) await started();
    expect((await fixture.rows('otp_challenges')).map(({ status }) => status)).toEqual(Array(6).fill('failed'));
    twilio.answerAlways(undefined);

    const { challenge, code } = await started();

    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
});
