import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { OtpProvider } from 'nestjs-phone-otp';
import type { SendReceipt } from 'nestjs-phone-otp/provider-kit';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { type Answer, headerCallers, post, seen } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { HeldProvider, ScriptedProvider } from '../support/providers.js';
import { until } from '../support/until.js';

const purpose = 'login';
const DEVICE = 'a-device-key-of-24-chars';

function fixtureWith(provider?: OtpProvider): Promise<Fixture> {
  const deviceKey = (request: unknown) => (request as { headers: Record<string, string> }).headers['x-device'];
  return otpFixture({
    adapter: new ExpressAdapter(),
    routes: { prefix: 'otp', deviceKey },
    metadata: { imports: [EventEmitterModule.forRoot()], providers: [headerCallers] },
    ...(provider && { provider }),
  });
}

/** A number that an account has in the ledger. */
async function activatedPhone({ dataSource, schema }: Fixture): Promise<string> {
  const phone = newPhone();
  await dataSource.query(
    `INSERT INTO ${schema}.otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
     VALUES ($1, $1, now(), now(), 'registration')`,
    [phone],
  );
  return phone;
}

describe('a known and an unknown number', () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await fixtureWith()));
  afterAll(() => fixture.close());

  it('SEC-30 get the same bytes from start, six wrong codes, a resend and a second start', async () => {
    const story = async (phone: string) => {
      const answers = [await post(fixture.app, '/otp/start', { phone, purpose })];
      const challenge = answers[0]!.json.challenge as string;
      await fixture.elapse(61);
      answers.push(await post(fixture.app, '/otp/resend', { challenge }));
      const code = wrongCode(fixture.sms.lastCode(phone) ?? '123456');
      for (let n = 0; n < 6; n++) answers.push(await post(fixture.app, '/otp/verify', { challenge, code, purpose }));
      answers.push(await post(fixture.app, '/otp/start', { phone, purpose }));
      return answers.map(seen);
    };

    const known = await activatedPhone(fixture);
    const [first, second] = [await story(known), await story(newPhone())];

    expect(fixture.sms.messages(known)).toHaveLength(2);
    expect(fixture.sms.messages()).toHaveLength(2);
    expect(second).toEqual(first);
    evidence('SEC-30', { answersEach: first.length, different: 0 });
    expect(first.map((text) => text.slice(0, 3))).toEqual([
      '202',
      '202',
      '400',
      '400',
      '400',
      '400',
      '400',
      '400',
      '429',
    ]);
  });

  it('SEC-30 get the same answer during a lockout', async () => {
    const story = async (phone: string) => {
      const answers: Answer[] = [];
      for (let started = 0; started < 3; started++) {
        const { json } = await post(fixture.app, '/otp/start', { phone, purpose });
        const code = wrongCode(fixture.sms.lastCode(phone) ?? '123456');
        for (let n = 0; n < 5; n++) {
          answers.push(await post(fixture.app, '/otp/verify', { challenge: json.challenge ?? 'none', code, purpose }));
        }
        if (started < 2) await fixture.elapse(61);
      }
      answers.push(await post(fixture.app, '/otp/start', { phone, purpose }));
      return answers.map((answer) => [answer.status, answer.json.code]);
    };

    const known = await activatedPhone(fixture);

    const first = await story(known);
    expect(await story(newPhone())).toEqual(first);
    expect(first.at(-1)).toEqual([429, 'locked_out']);
  });
});

describe('the answer to a caller who is not signed in', () => {
  it("SEC-31 precedes the vendor's answer, after the same statements for a known and an unknown number", async () => {
    const vendor = new HeldProvider();
    const fixture = await fixtureWith(vendor);
    const pool = (fixture.dataSource.driver as unknown as { master: { Client: { prototype: { query(): unknown } } } })
      .master;
    const query = jest.spyOn(pool.Client.prototype, 'query');
    const statements = async (phone: string) => {
      await fixture.otp.start({ phone: newPhone(), purpose, client: 'server' }); // prepares the statements, whichever number comes first
      query.mockClear();
      await fixture.otp.start({ phone, purpose, client: 'server' });
      return query.mock.calls.map((call) => (call as unknown as { name: string }[])[0]!.name);
    };

    const known = await statements(await activatedPhone(fixture));
    const unknown = await statements(newPhone());

    expect(known).toHaveLength(2);
    expect(unknown).toEqual(known);
    evidence('SEC-31', { statementsKnown: known.length, statementsUnknown: unknown.length, waitsForTheVendor: 0 });
    await until('the vendor got the one message', () => vendor.messages.length === 1);
    expect(await fixture.rows('otp_sends')).toEqual([]);
    vendor.releaseAll();
    query.mockRestore();
    await fixture.close();
    expect(vendor.messages).toHaveLength(1);
  });

  it.each<[string, () => Promise<SendReceipt>]>([
    ['refuses', async () => ({ outcome: 'insufficient_balance' })],
    ['does not know', async () => ({ outcome: 'unknown' })],
    ['throws', async () => Promise.reject(new Error('of the vendor'))],
    ['answers nothing', async () => undefined as never],
  ])('SEC-31 is the same for a known and an unknown number if the vendor %s', async (_, answer) => {
    const vendor = new ScriptedProvider(answer);
    const fixture = await fixtureWith(vendor);
    const story = async (phone: string) => {
      const started = await post(fixture.app, '/otp/start', { phone, purpose });
      const again = await post(fixture.app, '/otp/start', { phone, purpose });
      const { challenge } = started.json;
      const code = vendor.messages.length > 0 ? wrongCode(vendor.lastCode) : '123456';
      const verified = await post(fixture.app, '/otp/verify', { challenge, code, purpose });
      await fixture.elapse(61);
      return [started, again, verified, await post(fixture.app, '/otp/resend', { challenge })].map(seen);
    };

    const unknown = await story(newPhone());
    expect(vendor.messages).toEqual([]);
    const known = await story(await activatedPhone(fixture));

    expect(known).toEqual(unknown);
    expect(known[0]!.slice(0, 3)).toBe('202');
    await until('both messages were logged', async () => (await fixture.rows('otp_sends')).length === 2);
    await fixture.close();
  });
});

describe('a challenge that cannot be used', () => {
  let fixture: Fixture;
  let events: EventLog;
  beforeAll(async () => {
    fixture = await fixtureWith();
    events = new EventLog(fixture.app);
  });
  afterAll(() => fixture.close());

  async function start(as: Record<string, string> = {}, of = 'registration') {
    const phone = newPhone();
    const { json } = await post(fixture.app, '/otp/start', { phone, purpose: of }, as);
    const body = { challenge: json.challenge as string, code: await fixture.codeFor(phone), purpose: of };
    return { phone, body };
  }
  const verify = (body: object, as: Record<string, string> = {}) => post(fixture.app, '/otp/verify', body, as);

  it('SEC-32 gets the same bytes for any reason; only the events reveal it', async () => {
    const alice = { 'x-account': 'alice' };
    const answers: [string, Answer][] = [];

    const used = await start();
    await verify(used.body);
    answers.push(['consumed', await verify(used.body)]);

    const locked = await start();
    for (let n = 0; n < 5; n++) await verify({ ...locked.body, code: wrongCode(locked.body.code) });
    answers.push(['locked', await verify(locked.body)]);

    const cancelled = await start();
    await fixture.otp.cancel(cancelled.body);
    answers.push(['cancelled', await verify(cancelled.body)]);

    const superseded = await start({ 'x-device': DEVICE });
    await fixture.elapse(61);
    await post(fixture.app, '/otp/start', { phone: superseded.phone, purpose: 'registration' }, { 'x-device': DEVICE });
    answers.push(['superseded', await verify(superseded.body)]);

    const foreign = await start(alice, 'verify_number');
    answers.push(['other_session', await verify(foreign.body, { 'x-account': 'bob' })]);

    const other = await start();
    answers.push(['other_purpose', await verify({ ...other.body, purpose: 'login' })]);

    const [id] = other.body.challenge.split('.');
    answers.push(['unknown', await verify({ ...other.body, challenge: `${id}.${'A'.repeat(22)}` })]);

    const expired = await start();
    await fixture.elapse(301);
    answers.push(['expired', await verify(expired.body)]);

    const reasons = events.of('otp.refused').map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason !== 'wrong_code')).toEqual(answers.map(([reason]) => reason));
    expect(new Set(answers.map(([, answer]) => seen(answer))).size).toBe(1);
    evidence('SEC-32', { reasons: answers.length, answers: 1 });
    expect(answers[0]![1].json).toEqual({
      type: 'urn:nestjs-phone-otp:problem:otp_unavailable',
      title: 'Bad Request',
      status: 400,
      code: 'otp_unavailable',
      detail: 'This code can no longer be used. Start again.',
    });
  });
});
