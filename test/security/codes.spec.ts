import { createHash, hash } from 'node:crypto';

import { OTP_ENTITIES, PhoneAccounts } from 'nestjs-phone-otp';
import type { BuiltInPurpose } from 'nestjs-phone-otp/types';

import { evidence } from '../support/evidence.js';
import { ACTION, type Fixture, newPhone, otpFixture, PEPPER, wrongCode } from '../support/otp-fixture.js';
import { HeldProvider } from '../support/providers.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const purpose = 'registration';
const PURPOSES: BuiltInPurpose[] = [
  'login',
  'registration',
  'verify_number',
  'change_number',
  'password_reset',
  'second_factor',
  'transaction',
];

/** Every number has an account, so that each purpose can be started and none of the refusals below is a decoy's. */
const everybodyKnown = { provide: PhoneAccounts, useValue: { findByPhone: async () => ({ id: 'somebody' }) } };

describe('a code', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await otpFixture({ metadata: { providers: [everybodyKnown] } })));
  afterAll(() => fixture.close());

  async function start(phone = newPhone()) {
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    return { phone, challenge, code: await fixture.codeFor(phone) };
  }
  const verify = (challenge: unknown, code: unknown) =>
    fixture.otp.verify({ challenge: challenge as string, code: code as string, purpose });
  async function attempts(challenge: string) {
    const rows = await fixture.rows('otp_challenges');
    return rows.find(({ id }) => challenge.startsWith(id as string))!.attempts;
  }

  it('SEC-02 keeps its leading zero in the message and in the check, and is never a number', async () => {
    let started = await start();
    while (!started.code.startsWith('0')) started = await start();
    const { challenge, code, phone } = started;

    for (const typed of [Number(code), String(Number(code))]) {
      await expect(verify(challenge, typed)).rejects.toMatchObject({ code: 'code_malformed' });
    }

    expect(fixture.sms.messages(phone)[0]!.text).toContain(code);
    await expect(verify(challenge, code)).resolves.toMatchObject({ phone });
  });

  it("R3: stays counted when the host's transaction around the attempt rolls back", async () => {
    const { challenge, code } = await start();

    const hosts = fixture.dataSource.transaction(async (manager) => {
      await manager.query('SELECT 1');
      await verify(challenge, wrongCode(code));
    });

    await expect(hosts).rejects.toMatchObject({ code: 'otp_invalid' });
    expect(await attempts(challenge)).toBe(1);
  });

  it('SEC-03 cannot be found in a copy of the tables by trying all million codes', async () => {
    const { code } = await start();
    await until('the message is recorded', async () => (await fixture.rows('otp_sends')).length > 0);
    const tables = await Promise.all(
      OTP_ENTITIES.map((entity) => fixture.rows(fixture.dataSource.getMetadata(entity).tableName)),
    );
    const row = (await fixture.rows('otp_challenges')).at(-1)!;
    const salts = ['', row.id, row.phone, row.handle_hash].map((salt) => Buffer.from(salt as string));
    const careless = { mac: createHash('sha256').update(salts[3]!).update('271828').digest() };

    // The search does find carelessly stored codes, so an empty result means something.
    expect(search([...tables.flat(), careless], salts)).toEqual(['271828']);
    expect(JSON.stringify(tables)).not.toContain(`"${code}"`);
    evidence('SEC-03', { codesTried: 1_000_000, salts: salts.length, found: 0 });
  });

  it.each(['', '1', '12345', '1234567', '1'.repeat(10_000)])(
    'SEC-04 of a wrong length is refused without using an attempt (case %#)',
    async (typed) => {
      const { challenge, code } = await start();

      await expect(verify(challenge, typed)).rejects.toMatchObject({ name: 'OtpError', code: 'code_malformed' });

      expect(await attempts(challenge)).toBe(0);
      await expect(verify(challenge, code)).resolves.toBeDefined();
    },
  );

  it('SEC-04 SEC-54 uses an attempt for six wrong digits, and none for malformed input', async () => {
    const { challenge, code } = await start();

    for (const typed of ['①②③④⑤⑥', '+12345', '1.2345', '0x1E24', 'abcdef']) {
      await expect(verify(challenge, typed)).rejects.toMatchObject({ code: 'code_malformed' });
    }
    expect(await attempts(challenge)).toBe(0);
    await expect(verify(challenge, wrongCode(code))).rejects.toMatchObject({ code: 'otp_invalid' });
    expect(await attempts(challenge)).toBe(1);
  });

  it.each([
    ['Arabic', (code: string) => inDigitsFrom(0x660, code)],
    ['Persian', (code: string) => inDigitsFrom(0x6f0, code)],
    ['full-width', (code: string) => inDigitsFrom(0xff10, code)],
    ['spaced', (code: string) => ` ${code.slice(0, 3)}-${code.slice(3)} `],
    ['marked', (code: string) => `\u200F${code}\u200E`],
  ])('SEC-54 may be typed in %s digits', async (_, type) => {
    const { challenge, code, phone } = await start();

    await expect(verify(challenge, type(code))).resolves.toMatchObject({ phone });
  });

  it.each(PURPOSES)(
    'SEC-13 of the purpose %s works for no other purpose, and afterwards for its own',
    async (issued) => {
      const phone = newPhone();
      const subject = 'account-1';
      const action = issued === 'transaction' ? { action: ACTION } : {};
      await fixture.own(phone, subject);
      const { challenge } = await fixture.otp.start({ phone, purpose: issued, subject, client: 'server', ...action });
      const code = await fixture.codeFor(phone);

      for (const used of PURPOSES.filter((other) => other !== issued)) {
        await expect(fixture.otp.verify({ challenge, code, purpose: used, subject })).rejects.toMatchObject({
          code: 'otp_unavailable',
        });
      }

      expect(await attempts(challenge)).toBe(0);
      const { grant } = await fixture.otp.verify({ challenge, code, purpose: issued, subject });
      for (const used of PURPOSES.filter((other) => other !== issued)) {
        await expect(fixture.grants.consume(grant, { purpose: used, subject, ...action })).rejects.toMatchObject({
          code: 'grant_invalid',
        });
      }
      await expect(fixture.grants.consume(grant, { purpose: issued, subject, ...action })).resolves.toMatchObject({
        phone,
      });
    },
  );

  it('SEC-14 works only for the account that started it', async () => {
    const phone = newPhone();
    const mine = { purpose: 'verify_number', subject: 'account-a' };
    const { challenge } = await fixture.otp.start({ phone, client: 'server', ...mine });
    const code = await fixture.codeFor(phone);
    const unknown = await verify('0190b2c1-6f3a-7d86-9b2c-1e3f8f9c2ab1.4pX1vQm0S8mYw3d6m9y2Gg', code).catch(
      (error: Error) => error,
    );

    await expect(fixture.otp.verify({ challenge, code, ...mine, subject: 'account-b' })).rejects.toEqual(unknown);
    await expect(fixture.otp.verify({ challenge, code, purpose: mine.purpose })).rejects.toEqual(unknown);

    await expect(fixture.otp.verify({ challenge, code, ...mine })).resolves.toMatchObject({ subject: 'account-a' });
  });

  it('SEC-16 is not checked without the secret half of its handle, nor in another session', async () => {
    const phone = newPhone();
    const mine = { purpose: 'verify_number', subject: 'account-a', session: 'session-1' };
    const { challenge } = await fixture.otp.start({ phone, client: 'server', ...mine });
    const code = await fixture.codeFor(phone);
    const other = (await start()).challenge;
    const [id] = challenge.split('.');
    const [, otherSecret] = other.split('.');

    for (const handle of [phone, id, `${id}.`, `${id}.${otherSecret}`]) {
      await expect(fixture.otp.verify({ challenge: handle!, code, ...mine })).rejects.toMatchObject({
        code: 'otp_unavailable',
      });
    }
    const elsewhere = { challenge, code, purpose: mine.purpose, subject: mine.subject };
    for (const request of [elsewhere, { ...elsewhere, session: 'session-2' }]) {
      await expect(fixture.otp.verify(request)).rejects.toMatchObject({ code: 'otp_unavailable' });
    }

    expect(await attempts(challenge)).toBe(0);
    await expect(fixture.otp.verify({ challenge, code, ...mine })).resolves.toMatchObject({ phone });
  });
});

describe('the pepper', () => {
  const old = { id: '1', secret: PEPPER };
  const fresh = { id: '2', secret: `${PEPPER}-of-the-next-year` };
  let before: Fixture;
  let during: Fixture;
  let after: Fixture;
  beforeAll(async () => {
    before = await otpFixture({ options: { pepper: [old] } });
    during = await otpFixture({ schema: before.schema, options: { pepper: [fresh, old] } });
    after = await otpFixture({ schema: before.schema, options: { pepper: [fresh] } });
  });
  afterAll(() => Promise.all([before, during, after].map((fixture) => fixture.close())));

  it('SEC-66 may change between a message and its check', async () => {
    const phone = newPhone();
    const { challenge } = await before.otp.start({ phone, purpose, client });
    const code = await before.codeFor(phone);

    await expect(during.otp.verify({ challenge, code, purpose })).resolves.toMatchObject({ phone });
  });

  it('SEC-66 invalidates its codes when it is removed, and breaks nothing', async () => {
    const phone = newPhone();
    const { challenge } = await before.otp.start({ phone, purpose, client });
    const code = await before.codeFor(phone);

    await expect(after.otp.verify({ challenge, code, purpose })).rejects.toMatchObject({ code: 'otp_invalid' });
    await expect(during.otp.verify({ challenge, code, purpose })).resolves.toMatchObject({ phone });
  });

  it('SEC-66 leaves the counters unchanged when another one is added in front', async () => {
    const phone = newPhone();
    await before.otp.start({ phone, purpose, client });

    await expect(during.otp.start({ phone, purpose, client })).rejects.toMatchObject({ code: 'otp_too_soon' });
  });
});

describe('a message whose vendor has not answered yet', () => {
  const vendor = new HeldProvider();
  let fixture: Fixture;
  beforeAll(async () => (fixture = await otpFixture({ provider: vendor })));
  beforeEach(() => (vendor.messages.length = 0));
  afterAll(() => fixture.close());

  async function start(deviceKey = 'a-device-key-of-24-chars', phone = newPhone()) {
    const count = vendor.messages.length + 1;
    const { challenge } = await fixture.otp.start({ phone, purpose, client: { ...client, deviceKey } });
    await until('the vendor got the message', () => vendor.messages.length === count);
    return { phone, challenge };
  }
  async function logged(count: number) {
    await until('the answers were logged', async () => (await fixture.rows('otp_sends')).length === count);
  }
  async function statusOf(challenge: string) {
    const rows = await fixture.rows('otp_challenges');
    return rows.find(({ id }) => challenge.startsWith(id as string))!.status;
  }

  async function outcomesOf(challenge: string) {
    const rows = (await fixture.rows('otp_sends')).filter(({ challenge_id: id }) => challenge.startsWith(id as string));
    return rows.toSorted((a, b) => Number(a.send_number) - Number(b.send_number)).map(({ outcome }) => outcome);
  }

  it('SEC-67 has a code that can be verified already, and the late answer does not revive the used code', async () => {
    const { challenge } = await start();
    const code = vendor.lastCode;
    const before = (await fixture.rows('otp_sends')).length;

    await expect(fixture.otp.verify({ challenge, code, purpose })).resolves.toBeDefined();
    vendor.release();
    await logged(before + 1);

    expect(await statusOf(challenge)).toBe('consumed');
    await expect(fixture.otp.verify({ challenge, code, purpose })).rejects.toMatchObject({ code: 'otp_unavailable' });
  });

  it('SEC-67 stays superseded when the answer comes after the next start', async () => {
    const first = await start();
    await fixture.elapse(61);
    const second = await start(undefined, first.phone);
    const before = (await fixture.rows('otp_sends')).length;

    vendor.releaseAll();
    await logged(before + 2);

    expect(await statusOf(first.challenge)).toBe('superseded');
    expect(await statusOf(second.challenge)).toBe('pending');
  });

  it('SEC-67 is not recorded by the late answer to an earlier message of the same challenge', async () => {
    const { challenge } = await start();
    await fixture.elapse(61);
    await fixture.otp.resend({ challenge, client });
    await until('the vendor got the second message', () => vendor.messages.length === 2);
    const before = (await fixture.rows('otp_sends')).length;

    vendor.release({ outcome: 'invalid_number' });
    await logged(before + 1);
    expect(await statusOf(challenge)).toBe('pending');

    vendor.release({ outcome: 'sent' });
    await logged(before + 2);
    expect(await statusOf(challenge)).toBe('pending');
    expect(await outcomesOf(challenge)).toEqual(['invalid_number', 'sent']);
  });
});

/** Hashes every code with every salt and searches the columns for the result. */
function search(rows: object[], salts: Buffer[]): string[] {
  const columns = rows.flatMap((row) => Object.values(row));
  const stored = new Set(columns.filter((value) => Buffer.isBuffer(value)).map((value) => value.toString('hex')));
  const found = [];
  for (const salt of salts) {
    const salted = Buffer.concat([salt, Buffer.alloc(6)]);
    for (let n = 0; n < 1_000_000; n++) {
      const code = String(n).padStart(6, '0');
      salted.write(code, salt.length, 'latin1');
      if (stored.has(hash('sha256', salted, 'hex'))) found.push(code);
    }
  }
  return found;
}

function inDigitsFrom(zero: number, code: string): string {
  return code.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
}
