import { createHash, randomBytes } from 'node:crypto';

import { EventEmitterModule } from '@nestjs/event-emitter';
import { OTP_ERROR_CODES, OtpError } from 'nestjs-phone-otp';

import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

/** Values that a host may pass on from a request body unchecked. */
const JUNK: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['an empty string', ''],
  ['a number', 512345678],
  ['not a number', Number.NaN],
  ['true', true],
  ['a list', ['+966512345678']],
  ['an empty list', []],
  ['an object', {}],
  ['a query operator', { $ne: null }],
  ['an object that prints as text', { toString: () => '+966512345678' }],
  ['a foreign prototype', JSON.parse('{"__proto__":{"verified":true}}')],
  ['a function', () => '+966512345678'],
  ['a symbol', Symbol('phone')],
  ['a big integer', 1n],
  ['a megabyte', 'x'.repeat(1 << 20)],
  ['a NUL', '\u0000'],
  ['a text with a NUL', 'account\u0000'],
  ['a lone surrogate', 'account\ud800'],
];
const client = { address: '203.0.113.7' };
const COUNTERS = [
  'otp_send_counters',
  'otp_unverified_sends',
  'otp_budgets',
  'otp_lockouts',
  'otp_known_devices',
  'otp_sending_stops',
  'otp_wrong_codes',
];

describe('the service, called by a host that passes on unchecked values,', () => {
  let fixture: Fixture;
  let handle: string;
  beforeAll(async () => {
    fixture = await otpFixture({ metadata: { imports: [EventEmitterModule.forRoot()] } });
    const phone = newPhone();
    handle = (await fixture.otp.start({ phone, purpose: 'registration', client })).challenge;
    await fixture.codeFor(phone);
  });
  afterAll(() => fixture.close());

  /** Prints everything stored in a short form, so that any difference shows at once. */
  async function tables(): Promise<string> {
    const names = ['otp_challenges', ...COUNTERS, 'otp_grants', 'otp_verified_numbers'];
    const rows = await Promise.all(names.map((name) => fixture.rows(name)));
    return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
  }

  /** Every refusal is an `OtpError`, and a refused call left no trace. */
  async function refused(call: () => Promise<unknown>, code?: string) {
    const before = await tables();
    const messages = fixture.sms.messages().length;
    const error = await call().then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OtpError);
    expect(OTP_ERROR_CODES).toContain((error as OtpError).code);
    expect((error as OtpError).code).not.toBe('service_unavailable');
    if (code) expect((error as OtpError).code).toBe(code);
    expect(await tables()).toBe(before);
    expect(fixture.sms.messages()).toHaveLength(messages);
  }

  it('reads a number as start does, and refuses what start refuses', async () => {
    expect(fixture.otp.readPhone('0512345678')).toEqual({ e164: '+966512345678', region: 'SA' });
    expect(fixture.otp.readPhone('٠٥١ ٢٣٤ ٥٦٧٨')).toEqual({ e164: '+966512345678', region: 'SA' });
    await refused(async () => fixture.otp.readPhone('+12025550123'), 'phone_not_supported');
  });

  describe.each(JUNK)('SEC-57 given %s', (_, junk) => {
    it('as the whole request refuses every call', async () => {
      for (const method of ['start', 'resend', 'verify', 'cancel'] as const) {
        const call = fixture.otp[method].bind(fixture.otp) as (request: unknown) => Promise<unknown>;
        const isEmptyHandle = typeof junk === 'object' && junk !== null && !Array.isArray(junk);
        if (method === 'cancel' && isEmptyHandle) continue; // there is nothing to cancel, so the request is already fulfilled
        await refused(() => call(junk));
      }
      await refused(() => fixture.operations.unlock(junk as string));
    });

    it('as a number to read refuses it', () =>
      refused(async () => fixture.otp.readPhone(junk as string), 'phone_invalid'));

    it('as a field of start refuses it', async () => {
      const fields = ['phone', 'purpose', 'client', 'subject', 'session', 'locale', 'action'];
      for (const field of fields) {
        const optional = !['phone', 'purpose', 'client'].includes(field);
        if (junk === undefined && optional) continue;
        const request = { phone: newPhone(), purpose: 'verify_number', subject: 'account-1', client, [field]: junk };
        if (field === 'locale' && typeof junk === 'string') continue; // an unknown language is the default language
        await refused(() => fixture.otp.start(request as never));
      }
    });

    it('as a part of the client refuses it', async () => {
      const start = (who: object) =>
        fixture.otp.start({ phone: newPhone(), purpose: 'registration', client: who as never });
      const isAddress = typeof junk === 'string' && junk !== '' && junk.length <= 64;
      if (!isAddress) await refused(() => start({ address: junk }), 'request_invalid');
      if (junk !== undefined) await refused(() => start({ ...client, deviceKey: junk }), 'request_invalid');
    });

    it('as a field of verify refuses it', async () => {
      for (const field of ['challenge', 'code', 'purpose', 'subject', 'session']) {
        const optional = field === 'subject' || field === 'session';
        if (junk === undefined && optional) continue;
        const request = { challenge: handle, code: '000000', purpose: 'registration', [field]: junk };
        await refused(() => fixture.otp.verify(request as never));
      }
    });

    it('as a handle resends nothing', async () => {
      await refused(() => fixture.otp.resend({ challenge: junk as never, client }));
      await refused(() => fixture.otp.resend({ challenge: handle, client: junk as never }), 'request_invalid');
    });

    it('as a grant, or as its conditions, uses none', async () => {
      const some = randomBytes(48).toString('base64url');
      await refused(() => fixture.grants.consume(junk as never, { purpose: 'registration' }));
      if (junk !== undefined) await refused(() => fixture.grants.consume(some, junk as never));
      for (const field of ['purpose', 'subject', 'session', 'action']) {
        await refused(() => fixture.grants.consume(some, { purpose: 'registration', [field]: junk }));
      }
      await refused(() => fixture.grants.consume(some, undefined as never));
    });

    it('as an account or a number leaves the ledger alone', async () => {
      const some = randomBytes(48).toString('base64url');
      await refused(() => fixture.numbers.activate(some, junk as never));
      await refused(() => fixture.numbers.activate(junk as never, 'account-1'));
      if (junk !== undefined)
        await refused(() => fixture.numbers.activate(some, 'account-1', undefined, junk as never));
      const isPhone = typeof junk === 'string' && junk !== '' && !/\0|\ud800/.test(junk) && junk.length <= 256;
      if (!isPhone) await refused(() => fixture.numbers.ownerOf(junk as never), 'request_invalid');
    });
  });
});

describe('the service, asked to send to a number', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await otpFixture()));
  afterAll(() => fixture.close());

  const start = (phone: string) => fixture.otp.start({ phone, purpose: 'registration', client });

  it.each([
    ['a premium line, +1 900', '+19002345678'],
    ['a satellite phone, +870', '+870773111632'],
    ['a satellite phone, +881', '+881612345678'],
    ['an international premium line, +979', '+979123456789'],
    ['a country that is not listed', '+33612345678'],
    ['a neighbour on the same calling code', '+447781123456'],
  ])('SEC-21 that is %s refuses it and sends nothing', async (_, phone) => {
    await expect(start(phone)).rejects.toMatchObject({ code: 'phone_not_supported' });

    expect(fixture.sms.messages()).toEqual([]);
  });

  it.each([
    ['FIXED_LINE', '+441212345678'],
    ['PREMIUM_RATE', '+449012345678'],
    ['TOLL_FREE', '+448001234567'],
    ['SHARED_COST', '+966920012345'],
    ['VOIP', '+445612345678'],
    ['PERSONAL_NUMBER', '+447012345678'],
    ['PAGER', '+447640123456'],
    ['UAN', '+445512345678'],
  ])('SEC-22 of the type %s refuses it and sends nothing', async (_, phone) => {
    await expect(start(phone)).rejects.toMatchObject({ code: 'phone_not_supported' });

    expect(fixture.sms.messages()).toEqual([]);
  });

  it.each([
    '+966512345678;ext=12',
    'tel:+966512345678',
    'call +966512345678',
    '+966512345678\r\nTo: +966512345679',
    '+966512345678\0',
    '📞+966512345678',
    '+966512345678 +966512345679',
    '+96651234567',
  ])('SEC-24 written as %j refuses it and sends nothing', async (phone) => {
    await expect(start(phone)).rejects.toMatchObject({ code: 'phone_invalid' });

    expect(fixture.sms.messages()).toEqual([]);
    for (const table of COUNTERS) expect(await fixture.rows(table)).toEqual([]);
  });

  it('SEC-23 counts eight spellings as one number', async () => {
    await start('+966512345678');

    for (const spelling of [
      '0512345678',
      '512345678',
      '00966512345678',
      '+966 (0) 51 234 5678',
      '٠٥١٢٣٤٥٦٧٨',
      '۰۵۱۲۳۴۵۶۷۸',
      '＋９６６５１２３４５６７８',
      '\u200F٠٥١\u200B٢٣٤\u200D٥٦٧٨\uFEFF',
    ]) {
      await expect(start(spelling)).rejects.toMatchObject({ code: 'otp_too_soon' });
    }
    expect(await fixture.rows('otp_challenges')).toHaveLength(1);
  });

  it('SEC-53 reads only the fields that it knows', async () => {
    const phone = newPhone();
    const more = { verified: true, attempts: -1, maxAttempts: -1, userId: 'a', expiresAt: new Date(), codeMac: null };

    const { challenge } = await fixture.otp.start({ phone, purpose: 'registration', client, ...more } as never);
    const code = await fixture.codeFor(phone);
    const request = { challenge, code: wrongCode(code), purpose: 'registration', ...more, phone: '+966500000000' };

    await expect(fixture.otp.verify(request)).rejects.toMatchObject({ code: 'otp_invalid' });
    await expect(fixture.otp.verify({ ...request, code })).resolves.toMatchObject({ phone, subject: phone });
  });
});
