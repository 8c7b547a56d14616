import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Logger } from '@nestjs/common';

import { EventLog } from '../support/events.js';
import { fates, marked } from '../support/messages.js';
import { type Fixture, newPhone, otpFixture, PEPPER, wrongCode } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7', deviceKey: 'the-device-of-this-person' };
const purpose = 'registration';

describe('events', () => {
  let fixture: Fixture;
  let events: EventLog;
  const lines: string[] = [];
  beforeAll(async () => {
    fixture = await otpFixture({ metadata: { imports: [EventEmitterModule.forRoot()] } });
    const keep = (...line: unknown[]) => void lines.push(line.map(String).join(' '));
    Logger.overrideLogger(['debug', 'log', 'warn', 'error']);
    Logger.overrideLogger({ debug: keep, log: keep, warn: keep, error: keep });
    events = new EventLog(fixture.app);
  });
  beforeEach(() => {
    events.clear();
    fixture.sms.clear();
  });
  afterAll(async () => {
    await fixture.close();
    Logger.overrideLogger(true);
  });

  /** Runs the whole life of a challenge and returns every secret and the number that appeared in it. */
  async function life() {
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    const code = await fixture.codeFor(phone);
    await fixture.otp.verify({ challenge, code: wrongCode(code), purpose }).catch(() => undefined);
    await fixture.otp.start({ phone, purpose, client }).catch(() => undefined);
    const { grant } = await fixture.otp.verify({ challenge, code, purpose });
    await until('the vendor’s answer is reported', () => events.of('otp.sent').length === 1);
    const secrets = [phone, challenge, challenge.split('.')[1]!, grant, PEPPER, client.deviceKey];
    return { id: challenge.split('.')[0]!, phone, code, secrets };
  }

  it('report the life of a challenge under its id', async () => {
    const { id, phone } = await life();
    const masked = `+966*******${phone.slice(-2)}`;

    expect(events.all.map(({ name }) => name).toSorted()).toEqual([
      'otp.limited',
      'otp.refused',
      'otp.sent',
      'otp.started',
      'otp.verified',
    ]);
    expect(events.of('otp.started')).toEqual([
      { challengeId: id, purpose, phone: masked, tier: 'stranger', decoy: false },
    ]);
    expect(events.of('otp.sent')).toEqual([
      {
        challengeId: id,
        purpose,
        sendNumber: 1,
        provider: 'capturing',
        outcome: 'sent',
        latencyMs: expect.any(Number),
        segments: 1,
      },
    ]);
    expect(events.of('otp.refused')).toEqual([{ challengeId: id, purpose, reason: 'wrong_code' }]);
    expect(events.of('otp.limited')).toEqual([
      { purpose, phone: masked, code: 'otp_too_soon', retryAfterSeconds: expect.any(Number), limit: 'cooldown' },
    ]);
    expect(events.of('otp.verified')).toMatchObject([{ challengeId: id, purpose, phone: masked }]);
  });

  it('SEC-62 contain no code, handle, grant, pepper, device key or whole number, and neither does the log', async () => {
    const { code, secrets } = await life();
    const told = JSON.stringify(events.all) + lines.join('\n');

    for (const secret of secrets) expect(told).not.toContain(secret);
    expect(told).not.toMatch(new RegExp(`\\b${code}\\b`)); // an id may contain six digits alone by chance
    expect(lines.join('\n')).toContain('verify refused: wrong_code'); // proves that there is a log
    expect(lines.join('\n')).toContain('otp.verified {'); // down to the debug level
  });

  it('FLT-22 change no outcome when a listener throws', async () => {
    const emitter = fixture.app.get(EventEmitter2);
    const broken = () => {
      throw new Error('of the listener');
    };
    for (const name of ['otp.started', 'otp.sent', 'otp.refused', 'otp.verified', 'otp.limited'])
      emitter.on(name, broken);

    const { id } = await life();

    const row = (await fixture.rows('otp_challenges')).find((challenge) => challenge.id === id)!;
    expect(row.status).toBe('consumed');
    await until('the message was logged', async () =>
      (await fixture.rows('otp_sends')).some((sent) => sent.challenge_id === id),
    );
    expect(lines.join('\n')).toContain('a listener of "otp.verified" threw Error; the outcome stands');
    emitter.removeAllListeners();
  });
});

describe('the purge', () => {
  let fixture: Fixture;
  beforeEach(async () => (fixture = await otpFixture({ options: { retentionSeconds: 3600 } })));
  afterEach(() => fixture.close());

  const count = async (table: string) => (await fixture.rows(table)).length;
  async function start(phone = newPhone()) {
    fixture.sms.clear();
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    return { phone, challenge, code: await fixture.codeFor(phone) };
  }

  it('SEC-65 deletes expired rows and keeps the others, above all the ledger', async () => {
    const old = await start();
    const { grant } = await fixture.otp.verify({ ...old, purpose });
    await fixture.numbers.activate(grant, 'account-1');
    await fixture.elapse(86_400 + 60);
    const young = await start();
    await fixture.otp.verify({ ...young, purpose });
    await until('both messages were logged', async () => (await count('otp_sends')) === 2);

    const gone = await fixture.operations.purge();

    expect(gone).toBeGreaterThanOrEqual(2);
    expect((await fixture.rows('otp_challenges')).map(({ phone }) => phone)).toEqual([young.phone]);
    expect((await fixture.rows('otp_grants')).map(({ phone }) => phone)).toEqual([young.phone]);
    expect(await count('otp_sends')).toBe(2);
    expect(await fixture.numbers.ownerOf(old.phone)).toBe('account-1');
    expect(await fixture.operations.purge()).toBe(0);
  });

  it('continues batch by batch until nothing is left', async () => {
    const { dataSource, schema } = fixture;
    await dataSource.query(`INSERT INTO ${schema}.otp_unverified_sends (key, unverified, verified, ends_at)
      SELECT sha256(n::text::bytea), 1, 0, now() - interval '2 hours' FROM generate_series(1, 2500) n`);

    expect(await fixture.operations.purge()).toBe(2500);
    expect(await count('otp_unverified_sends')).toBe(0);
  });

  it('SEC-09 keeps a lockout with consecutive wrong codes at any age, so that time alone gives nobody new guesses', async () => {
    const { challenge, code } = await start();
    await fixture.otp.verify({ challenge, code: wrongCode(code), purpose }).catch(() => undefined);
    await fixture.elapse(400 * 86_400);

    await fixture.operations.purge();

    expect((await fixture.rows('otp_lockouts')).map((row) => row.failures_in_a_row)).toEqual([1]);
    expect(await count('otp_challenges')).toBe(0);
  });

  it('FLT-17 records a message as possibly sent if its process died before the vendor’s answer', async () => {
    const { challenge } = await start();
    await marked(fixture);
    await fixture.dataSource.query(`DELETE FROM ${fixture.schema}.otp_sends`);

    await fixture.operations.purge();
    expect(await count('otp_sends')).toBe(0);
    await fixture.elapse(41);
    await fixture.operations.purge();

    expect(await fixture.rows('otp_sends')).toMatchObject([
      { send_number: 1, provider: 'capturing', outcome: 'no_answer', latency_ms: null },
    ]);
    expect(await fates(fixture)).toEqual(['sent', 'unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    await fixture.operations.purge();
    expect(await count('otp_sends')).toBe(1);
    await fixture.elapse(20);
    await expect(fixture.otp.resend({ challenge, client })).resolves.toMatchObject({ challenge });
  });
});
