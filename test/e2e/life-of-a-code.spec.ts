import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

const client = { address: '203.0.113.7' };

describe('the life of a code', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await otpFixture()));
  afterAll(() => fixture.close());

  it('goes from start through the message to a grant that is used once', async () => {
    const phone = newPhone();
    const started = await fixture.otp.start({ phone, purpose: 'registration', client });
    const code = await fixture.codeFor(phone);

    const verified = await fixture.otp.verify({ challenge: started.challenge, code, purpose: 'registration' });

    expect(verified).toMatchObject({ phone, subject: phone, purpose: 'registration' });
    const owned = await fixture.numbers.activate(verified.grant, 'account-1');
    expect(owned).toMatchObject({ phone, owner: 'account-1' });
    await expect(fixture.grants.consume(verified.grant, { purpose: 'registration' })).rejects.toMatchObject({
      code: 'grant_invalid',
    });
  });

  it('uses an attempt for each wrong code and locks after the fifth', async () => {
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client });
    const code = await fixture.codeFor(phone);
    const verify = (typed: string) => fixture.otp.verify({ challenge, code: typed, purpose: 'registration' });

    for (let n = 1; n <= 5; n++) await expect(verify(wrongCode(code))).rejects.toMatchObject({ code: 'otp_invalid' });

    await expect(verify(code)).rejects.toMatchObject({ code: 'otp_unavailable' });
  });

  it('continues after a resend with the same handle and attempts, while the old code stops working', async () => {
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client });
    const old = await fixture.codeFor(phone);
    await expect(fixture.otp.resend({ challenge, client })).rejects.toMatchObject({ code: 'otp_too_soon' });
    await fixture.elapse(61);
    fixture.sms.clear();

    const again = await fixture.otp.resend({ challenge, client });

    expect(again.challenge).toBe(challenge);
    const code = await fixture.codeFor(phone);
    await expect(fixture.otp.verify({ challenge, code: old, purpose: 'registration' })).rejects.toMatchObject({
      code: 'otp_invalid',
    });
    await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).resolves.toMatchObject({ phone });
  });
});
