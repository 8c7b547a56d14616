import { CountryRouter, Failover, OtpConfigError, type OtpModuleOptions, type OtpProvider } from 'nestjs-phone-otp';

import { marked } from '../support/messages.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { ScriptedProvider } from '../support/providers.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';

const client = { address: '203.0.113.7' };
const purpose = 'registration';
const failing = (outcome: string, ambiguous = false) =>
  new ScriptedProvider(async () => ({ outcome: outcome as never, ambiguous }), 'first');

let fixture: Fixture;
afterEach(() => fixture?.close());

const open = async (provider: OtpProvider, options: Partial<OtpModuleOptions> = {}) =>
  (fixture = await otpFixture({ provider, options }));
const sends = async () =>
  (await fixture.dataSource.query(`SELECT provider, outcome FROM ${fixture.schema}.otp_sends ORDER BY at`)) as object[];

async function started(phone = newPhone(), more: object = {}) {
  const answer = await fixture.otp.start({ phone, purpose, client, ...more });
  await marked(fixture);
  return answer;
}

describe('CountryRouter', () => {
  it('uses the provider of each number’s region and records it with the challenge', async () => {
    const [saudi, others] = [new ScriptedProvider(undefined, 'saudi'), new ScriptedProvider(undefined, 'others')];
    await open(new CountryRouter({ SA: saudi, default: others }));

    await started();
    await started('+447400123456');

    expect(saudi.messages.map(({ region }) => region)).toEqual(['SA']);
    expect(others.messages.map(({ region }) => region)).toEqual(['GB']);
    expect((await fixture.rows('otp_challenges')).map((row) => row.provider)).toEqual(['saudi', 'others']);
  });

  it('combines vendors that check codes with vendors that only deliver them', async () => {
    const vendor = new ScriptedVendor({ codeLength: 4 }, 'vendor');
    const texts = new ScriptedProvider(undefined, 'texts');
    await open(new CountryRouter({ SA: vendor, default: texts }));
    const phone = newPhone();

    const theirs = await started(phone);
    expect(theirs.codeLength).toBe(4);
    const code = vendor.codeFor(phone).slice(0, 4);
    vendor.answerCheck = async () => ({ outcome: 'verified' });
    await expect(fixture.otp.verify({ challenge: theirs.challenge, code, purpose })).resolves.toMatchObject({ phone });

    const ours = await started('+447400123456');
    expect(ours.codeLength).toBe(6);
    await expect(
      fixture.otp.verify({ challenge: ours.challenge, code: wrongCode(texts.lastCode), purpose }),
    ).rejects.toMatchObject({ code: 'otp_invalid' });
    const right = { challenge: ours.challenge, code: texts.lastCode, purpose };
    await expect(fixture.otp.verify(right)).resolves.toHaveProperty('grant');
    expect(vendor.checks).toHaveLength(1);
  });

  it('fails at start-up if a region has no provider', async () => {
    const router = new CountryRouter({ SA: new ScriptedProvider() });

    await expect(otpFixture({ provider: router })).rejects.toThrow(/"regions" contains "GB", which no provider serves/);
    await open(router, { regions: ['SA'] });
  });

  it.each([
    ['no routes', {}],
    ['a route without a provider', { SA: undefined }],
    ['an invalid region', { Saudi: new ScriptedProvider() }],
  ])('refuses %s', (_, routes) => {
    expect(() => new CountryRouter(routes as never)).toThrow(OtpConfigError);
  });
});

describe('Failover', () => {
  it.each(['unauthorized', 'insufficient_balance', 'rejected_sender', 'rate_limited', 'provider_unavailable'])(
    'uses the next provider if the first certainly sent nothing because of "%s"',
    async (outcome) => {
      const second = new ScriptedProvider(undefined, 'second');
      await open(new Failover([failing(outcome), second]));

      const { challenge } = await started();

      expect(await sends()).toEqual([
        { provider: 'first', outcome },
        { provider: 'second', outcome: 'sent' },
      ]);
      expect(await fixture.rows('otp_challenges')).toMatchObject([{ provider: 'second', status: 'pending', sends: 1 }]);
      await expect(fixture.otp.verify({ challenge, code: second.lastCode, purpose })).resolves.toHaveProperty('grant');
    },
  );

  it.each([
    ['a time-out, after which the message may arrive', 'unknown', true],
    ['an outage after the request was sent', 'provider_unavailable', true],
    ['a refusal of the number', 'invalid_number', false],
    ['the vendor’s own wait for this number', 'resend_too_soon', false],
  ])('FLT-07: uses no other provider after %s', async (_, outcome, ambiguous) => {
    const second = new ScriptedProvider(undefined, 'second');
    await open(new Failover([failing(outcome, ambiguous), second]));

    await started();

    expect(second.messages).toHaveLength(0);
    expect(await sends()).toEqual([{ provider: 'first', outcome }]);
  });

  it('uses no other provider for a message that a vendor’s fraud guard blocks', async () => {
    const first = new ScriptedProvider(async () => ({ outcome: 'rate_limited', detail: 'blocked' }), 'first');
    const second = new ScriptedProvider(undefined, 'second');
    await open(new Failover([first, second]));

    await started();

    expect(second.messages).toHaveLength(0);
    expect(await sends()).toEqual([{ provider: 'first', outcome: 'rate_limited' }]);
  });

  it('fails over between a vendor that checks codes and one that only delivers them', async () => {
    for (const order of [0, 1]) {
      const vendor = new ScriptedVendor({}, 'vendor');
      const texts = new ScriptedProvider(undefined, 'texts');
      const refuse = async () => ({ outcome: 'insufficient_balance' }) as const;
      if (order === 0) vendor.answerStart = refuse;
      else texts.answer = refuse;
      await fixture?.close();
      await open(new Failover(order === 0 ? [vendor, texts] : [texts, vendor]));

      const phone = newPhone();
      const { challenge } = await started(phone);

      const checkedBy = order === 0 ? 'library' : 'provider';
      expect(await fixture.rows('otp_challenges')).toMatchObject([
        { checked_by: checkedBy, code_mac: order === 0 ? expect.anything() : null },
      ]);
      const code = order === 0 ? texts.lastCode : vendor.codeFor(phone);
      await expect(fixture.otp.verify({ challenge, code: wrongCode(code), purpose })).rejects.toMatchObject({
        code: 'otp_invalid',
      });
      await expect(fixture.otp.verify({ challenge, code, purpose })).resolves.toMatchObject({ phone });
    }
  });

  it('reports a failure to a signed-in caller only after the last provider, and releases the cooldown', async () => {
    const second = failing('insufficient_balance');
    await open(new Failover([new ScriptedProvider(async () => ({ outcome: 'unauthorized' }), 'zero'), second]));
    const ask = () =>
      fixture.otp.start({ phone: newPhone(), purpose: 'verify_number', subject: 'account-1', client: 'server' });

    await expect(ask()).rejects.toMatchObject({ code: 'send_unavailable' });
    second.answer = async () => ({ outcome: 'sent' });
    await expect(ask()).resolves.toHaveProperty('challenge');
  });

  it('resends a new code by the next provider, and after the last by the first', async () => {
    const [first, second] = [new ScriptedProvider(undefined, 'first'), new ScriptedProvider(undefined, 'second')];
    await open(new Failover([first, second]));
    const { challenge } = await started();
    const old = first.lastCode;

    for (const provider of [second, first]) {
      await fixture.elapse(61);
      provider.messages.length = 0;
      await fixture.otp.resend({ challenge, client });
      await marked(fixture);
      expect(provider.messages).toHaveLength(1);
    }

    expect(await sends()).toMatchObject([{ provider: 'first' }, { provider: 'second' }, { provider: 'first' }]);
    if (old !== first.lastCode) {
      await expect(fixture.otp.verify({ challenge, code: old, purpose })).rejects.toMatchObject({
        code: 'otp_invalid',
      });
    }
    await expect(fixture.otp.verify({ challenge, code: first.lastCode, purpose })).resolves.toHaveProperty('grant');
  });

  it('skips a provider with an open breaker, and refuses every caller if all breakers are open', async () => {
    const down = failing('provider_unavailable', true);
    const second = new ScriptedProvider(undefined, 'second');
    await open(new Failover([down, second]));
    for (let fault = 0; fault < 5; fault++) await started();
    expect(second.messages).toHaveLength(0);

    await started();
    expect([down.messages.length, second.messages.length]).toEqual([5, 1]);

    second.answer = async () => ({ outcome: 'provider_unavailable', ambiguous: true });
    for (let fault = 0; fault < 5; fault++) await started();
    await expect(started()).rejects.toMatchObject({ code: 'send_unavailable' });
  });

  it('skips providers with short codes for sensitive purposes', async () => {
    const short = new ScriptedVendor({ codeLength: 4, fixedText: true }, 'short');
    const texts = new ScriptedProvider(undefined, 'texts');
    await open(new Failover([short, texts]));
    const phone = newPhone();
    await fixture.own(phone, 'account-1');

    await started();
    await started(phone, { purpose: 'transaction', subject: 'account-1', action: ACTION });

    expect(short.starts).toHaveLength(1);
    expect(texts.messages).toHaveLength(1);
  });

  it('uses no provider for a decoy', async () => {
    const second = new ScriptedProvider(undefined, 'second');
    await open(new Failover([failing('unauthorized'), second]));

    await started(newPhone(), { purpose: 'login' });

    expect(second.messages).toHaveLength(0);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ checked_by: 'nobody', status: 'decoy' }]);
  });

  it('refuses fewer than two providers, and different providers of one name', async () => {
    const one = new ScriptedProvider();
    expect(() => new Failover([one])).toThrow(OtpConfigError);
    expect(() => new Failover(undefined as never)).toThrow(OtpConfigError);
    await expect(otpFixture({ provider: new Failover([one, new ScriptedProvider()]) })).rejects.toThrow(
      /Two different providers are named "scripted"/,
    );
  });

  it('can be nested with CountryRouter, in both directions', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new ScriptedProvider(undefined, name)) as [
      ScriptedProvider,
      ScriptedProvider,
      ScriptedProvider,
    ];
    a.answer = b.answer = async () => ({ outcome: 'unauthorized' });
    await open(new CountryRouter({ SA: new Failover([a, new CountryRouter({ SA: b, GB: a })]), default: c }), {
      regions: ['SA', 'GB'],
    });

    await started();
    await started('+447400123456');

    expect([a, b, c].map(({ messages }) => messages.length)).toEqual([1, 1, 1]);
  });
});
