import { ExpressAdapter } from '@nestjs/platform-express';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import { DataSource } from 'typeorm';

import { newSchema } from '../support/database.js';
import { evidence } from '../support/evidence.js';
import { post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const registration = (phone: string) => ({ phone, purpose: 'registration', client });
const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
const unavailable = { code: 'service_unavailable', retryAfterSeconds: expect.any(Number) };

/** A provider whose answer waits until the test releases it. */
class HeldProvider extends CapturingProvider {
  #release: () => void = () => undefined;
  readonly #held = new Promise<void>((resolve) => (this.#release = resolve));

  override async send(...message: Parameters<CapturingProvider['send']>) {
    const receipt = await super.send(...message);
    await this.#held;
    return receipt;
  }

  release(): void {
    this.#release();
  }
}

describe('when the database fails', () => {
  let proxy: TcpProxy;
  let fixture: Fixture;
  /** A connection to the same tables that no fault affects. */
  let direct: DataSource;

  async function open(provider?: CapturingProvider, schema?: string): Promise<void> {
    const inSchema = schema ?? (await newSchema());
    fixture = await otpFixture({ url: proxy.url, schema: inSchema, ...(provider && { provider }) });
  }
  beforeEach(async () => {
    proxy = await tcpProxy();
    direct = await new DataSource({ type: 'postgres', url: process.env.DATABASE_URL! }).initialize();
  });
  afterEach(async () => {
    proxy.cut(); // otherwise the pool waits for half-open connections of the stall
    await fixture.close();
    await direct.destroy();
    await proxy.close();
  });
  const rows = (table: string) => direct.query(`SELECT * FROM ${fixture.schema}.${table}`);

  it('FLT-01 answers service_unavailable and calls no provider if the database is down at start', async () => {
    await open();
    proxy.cut();

    await expect(fixture.otp.start(registration(newPhone()))).rejects.toMatchObject(unavailable);

    expect(fixture.sms.messages()).toEqual([]);
    evidence('FLT-01', { starts: 1, callsOfTheVendor: 0 });
    proxy.mend();
    await expect(fixture.otp.start(registration(newPhone()))).resolves.toHaveProperty('challenge');
  });

  it('FLT-01 survives connections that the server ends the moment they become usable', async () => {
    await open();
    proxy.cut();
    proxy.endEachAtOnce();

    const starts = await Promise.allSettled(times(20, () => fixture.otp.start(registration(newPhone()))));

    for (const { reason } of starts as PromiseRejectedResult[]) expect(reason).toMatchObject(unavailable);
    expect(fixture.sms.messages()).toEqual([]);
    proxy.mend();
    await expect(fixture.otp.start(registration(newPhone()))).resolves.toHaveProperty('challenge');
  });

  it("FLT-02 keeps handle and code valid if the database fails between the vendor's answer and its recording", async () => {
    const provider = new HeldProvider();
    await open(provider);
    const phone = newPhone();
    const { challenge } = await fixture.otp.start(registration(phone));
    proxy.cut();
    provider.release();
    await fixture.close(); // waits for the recording, which fails
    proxy.mend();
    await open(provider, fixture.schema);

    expect([await rows('otp_challenges'), await rows('otp_sends')]).toMatchObject([[{ status: 'pending' }], []]);
    await expect(fixture.otp.start(registration(phone))).rejects.toMatchObject({ code: 'otp_too_soon' });
    expect(provider.messages(phone)).toHaveLength(1);
    evidence('FLT-02', { messages: 1 });
    const code = provider.lastCode(phone)!;
    await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).resolves.toMatchObject({ phone });
  });

  it('FLT-02 counts a message as unknown if its delivery was not recorded', async () => {
    const provider = new HeldProvider();
    await open(provider);
    await fixture.otp.start(registration(newPhone()));
    proxy.cut();
    provider.release();
    await fixture.close();
    proxy.mend();
    await open(provider, fixture.schema);

    await fixture.operations.purge();
    expect([await rows('otp_challenges'), await rows('otp_sends')]).toMatchObject([[{ status: 'pending' }], []]);
    await fixture.elapse(60);
    await fixture.operations.purge();

    expect(await rows('otp_sends')).toMatchObject([{ outcome: 'no_answer', latency_ms: null }]);
    expect(await rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
  });

  it.each(['cut', 'stall'] as const)(
    'FLT-03 answers service_unavailable and grants nothing if the database fails at verify (%s)',
    async (fault) => {
      await open();
      const phone = newPhone();
      const { challenge } = await fixture.otp.start(registration(phone));
      const code = await fixture.codeFor(phone);
      proxy[fault]();

      await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).rejects.toMatchObject(unavailable);

      expect(await rows('otp_grants')).toEqual([]);
      proxy.mend();
      await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).resolves.toMatchObject({ phone });
    },
  );

  it('FLT-04 grants nothing and spends the code if the acknowledgement of the commit is lost', async () => {
    await open();
    const phone = newPhone();
    const { challenge } = await fixture.otp.start(registration(phone));
    const code = await fixture.codeFor(phone);
    proxy.cutBeforeNextAnswer();

    await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).rejects.toMatchObject(unavailable);

    proxy.mend();
    const again = fixture.otp.verify({ challenge, code, purpose: 'registration' });
    await expect(again).rejects.toMatchObject({ code: 'otp_unavailable' });
    // Both halves of the commit are stored, and nobody holds the unanswered grant.
    expect(await rows('otp_challenges')).toMatchObject([{ status: 'consumed' }]);
    expect(await rows('otp_grants')).toMatchObject([{ consumed_at: null }]);
  });

  it('FLT-04 sends nothing if the acknowledgement of a start is lost, and the next start waits for the cooldown', async () => {
    await open();
    const phone = newPhone();
    await fixture.otp.start(registration(newPhone())); // connects
    proxy.cutBeforeNextAnswer();

    await expect(fixture.otp.start(registration(phone))).rejects.toMatchObject(unavailable);

    proxy.mend();
    await expect(fixture.otp.start(registration(phone))).rejects.toMatchObject({ code: 'otp_too_soon' });
    expect(fixture.sms.messages(phone)).toEqual([]);
    await fixture.elapse(60);
    await expect(fixture.otp.start(registration(phone))).resolves.toHaveProperty('challenge');
    expect(fixture.sms.messages(phone)).toHaveLength(1);
  });

  it('FLT-05 answers service_unavailable and uses no attempt if another transaction holds the row', async () => {
    await open();
    const phone = newPhone();
    const { challenge } = await fixture.otp.start(registration(phone));
    const code = await fixture.codeFor(phone);

    await direct.transaction(async (manager) => {
      await manager.query(`SELECT * FROM ${fixture.schema}.otp_challenges FOR UPDATE`);
      await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).rejects.toMatchObject(unavailable);
    });

    expect(await rows('otp_challenges')).toMatchObject([{ attempts: 0 }]);
    evidence('FLT-05', { triesSpent: 0 });
    await expect(fixture.otp.verify({ challenge, code, purpose: 'registration' })).resolves.toMatchObject({ phone });
  });

  it('FLT-02 closes only after the message of a signed-in caller is recorded as well', async () => {
    const provider = new HeldProvider();
    await open(provider);
    const start = fixture.otp.start({ phone: newPhone(), purpose: 'verify_number', client, subject: 'account-1' });
    await until('the vendor has it', () => provider.messages().length === 1);

    const closed = fixture.close();
    await new Promise(setImmediate);
    provider.release();
    await Promise.all([start, closed]);

    expect(await rows('otp_sends')).toMatchObject([{ outcome: 'sent' }]);
  });

  it('FLT-06 holds no connection while fifty messages wait for a slow vendor', async () => {
    const provider = new HeldProvider();
    await open(provider);
    const starts = Array.from({ length: 50 }, (_, n) =>
      fixture.otp.start({ phone: newPhone(), purpose: 'verify_number', client, subject: `account-${n}` }),
    );
    let answered = 0;
    for (const start of starts) void start.then(() => answered++);
    while (provider.messages().length < 50) await fixture.dataSource.query('SELECT 1');

    // The pool has 10 connections and 50 calls are with the vendor, yet others still get a connection.
    await expect(fixture.dataSource.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    expect(answered).toBe(0);
    evidence('FLT-06', { callsAtTheVendor: 50, pool: 10, connectionsHeld: 0 });
    provider.release();
    await Promise.all(starts);
    await until('all messages are recorded', async () => (await rows('otp_sends')).length === 50);
  });

  it('FLT-06 answers 503 while all connections are in use elsewhere, and serves again when they are returned', async () => {
    fixture = await otpFixture({
      url: proxy.url,
      poolSize: 2,
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
    });
    const hogs = times(2, () => fixture.dataSource.createQueryRunner());
    for (const hog of hogs) await hog.query('SELECT 1');
    const start = () => post(fixture.app, '/otp/start', { phone: newPhone(), purpose: 'registration' });

    const answers = await Promise.all(times(100, start));
    for (const hog of hogs) await hog.release();

    for (const { status, json } of answers) {
      expect({ status, code: json.code }).toEqual({ status: 503, code: 'service_unavailable' });
    }
    expect(answers[0]!.headers.get('retry-after')).toBe('5');
    expect([await rows('otp_challenges'), fixture.sms.messages()]).toEqual([[], []]);
    const after = await Promise.all(times(100, start));
    expect(after.filter(({ status }) => status !== 202)).toEqual([]);
    await until('all messages are recorded', async () => (await rows('otp_sends')).length === after.length);
    evidence('FLT-06', { pool: 2, callers: 100, answered503: 100, stored: 0, sent: 0, servedAfterwards: after.length });
  });
});
