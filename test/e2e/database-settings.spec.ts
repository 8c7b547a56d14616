import { OtpAudit, RecoveryCodes, TrustedDevices } from 'nestjs-phone-otp';
import pg from 'pg';

import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';

/** Settings that an administrator may have chosen, or that other code of the host may have changed. */
const SETTINGS = ['DateStyle=German', 'IntervalStyle=sql_standard', 'bytea_output=escape', 'TimeZone=Asia/Kathmandu'];
const { BOOL, BYTEA, INT8, JSON: JSON_TYPE, JSONB, TIMESTAMPTZ, UUID } = pg.types.builtins;
const TYPES = [BOOL, BYTEA, INT8, JSON_TYPE, JSONB, TIMESTAMPTZ, UUID];

const client = { address: '203.0.113.7', deviceKey: 'the-device-of-this-person' };

describe("works with any settings of the database and of pg's type parsers", () => {
  const parsers = new Map(TYPES.map((type) => [type, pg.types.getTypeParser(type)]));
  let fixture: Fixture;
  beforeAll(async () => {
    const url = new URL(process.env.DATABASE_URL!);
    url.searchParams.set('options', SETTINGS.map((setting) => `-c ${setting}`).join(' '));
    fixture = await otpFixture({ url: url.href });
    // Set after TypeORM has read the catalogue with its own settings.
    for (const type of TYPES) pg.types.setTypeParser(type, () => "the host's own format");
  });
  afterAll(async () => {
    for (const [type, parser] of parsers) pg.types.setTypeParser(type, parser);
    await fixture.close();
  });

  it('reads codes, grants, numbers, devices, recovery codes and the audit unchanged', async () => {
    const { otp, grants, numbers, app } = fixture;
    const [phone, account] = [newPhone(), 'anna'];
    const before = Date.now();

    const started = await otp.start({ phone, purpose: 'registration', client });
    const wrong = otp.verify({ challenge: started.challenge, code: '000000', purpose: 'registration' });
    await expect(wrong).rejects.toMatchObject({ code: 'otp_invalid' });
    const code = await fixture.codeFor(phone);
    const verified = await otp.verify({ challenge: started.challenge, code, purpose: 'registration' });
    const number = await numbers.activate(verified.grant, account);
    const again = { phone, purpose: 'second_factor', subject: account, client, reuse: true };
    const first = await otp.start(again);
    const same = await otp.start(again);
    const factor = { purpose: 'second_factor', subject: account };
    const { grant } = await otp.verify({ ...factor, challenge: first.challenge, code: await fixture.codeFor(phone) });
    const proof = await grants.consume(grant, factor);
    const { device } = await app.get(TrustedDevices).trust(account, { proof, label: 'Firefox' });
    const [printed] = await app.get(RecoveryCodes).issue(account);
    const recovered = await app.get(RecoveryCodes).use(account, printed!, { purpose: 'second_factor' });
    const [entry] = await app.get(OtpAudit).find({ phone, limit: 1 });

    expect(same.challenge).toBe(first.challenge);
    expect(recovered.remaining).toBe(9);
    expect(entry).toMatchObject({ id: expect.stringMatching(/^\d+$/), phoneHash: expect.any(Buffer) });
    const dates = {
      expiresAt: started.expiresAt,
      resendAt: started.resendAt,
      grantExpiresAt: verified.expiresAt,
      verifiedAt: number.verifiedAt,
      provedAt: proof.provedAt,
      trustedAt: device.trustedAt,
      at: entry!.at,
    };
    for (const [name, date] of Object.entries(dates)) {
      expect([name, Math.abs(date.getTime() - before) < 600_000]).toEqual([name, true]);
    }
  });

  it('refuses a text that no database can store before it reaches the database', async () => {
    const odd = [`anna\0`, `anna\ud800`];
    for (const account of odd) {
      const calls = [
        fixture.numbers.numbersOf(account),
        fixture.otp.start({ phone: newPhone(), purpose: 'second_factor', subject: account, client }),
        fixture.operations.stopSending({ reason: account }),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
    }
  });
});
