import { inspect } from 'node:util';

import { jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TaqnyatSms } from 'nestjs-phone-otp/taqnyat';
import { type SimulatedFault, TaqnyatSimulator } from 'nestjs-phone-otp/simulators';

import { evidence } from '../support/evidence.js';
import { EventLog } from '../support/events.js';
import { type Answer, post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, PEPPER, wrongCode } from '../support/otp-fixture.js';
import { logIn } from '../support/proofs.js';
import { until } from '../support/until.js';
import { Vault, vaultModule } from '../support/vault.js';

const API_KEY = 'canary-of-the-vendor-key-0123456789';
const DEVICE_KEY = 'canary-of-the-device-key-0123456789';
const BOT_TOKEN = 'canary-of-the-bot-token-0123456789';
const SESSION = 'canary-of-the-session-0123456789';
const FORGED = '\r\n[Nest] 1  - FORGED';
const LEVELS: LogLevel[] = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'];
const purpose = 'registration';
const client = { address: '203.0.113.7', deviceKey: DEVICE_KEY, botToken: BOT_TOKEN };

/** Every way in which a vendor can fail; failures with an answer echo the request. */
const FAULTS: SimulatedFault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 429, retryAfter: 5 },
  { kind: 'redirect', to: `http://127.0.0.1:1/?key=${API_KEY}` },
  { kind: 'reset' },
  { kind: 'garbage' },
  { kind: 'html' },
  { kind: 'empty' },
  { kind: 'truncated' },
  { kind: 'endless' },
  { kind: 'hang' },
];

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('a whole run at the most verbose log level, on %s,', (name, adapter) => {
  let fixture: Fixture;
  let events: EventLog;
  let taqnyat: TaqnyatSimulator;
  let provider: TaqnyatSms;
  const output: string[] = [];
  const answers: { text: string; allowed: string[] }[] = [];
  const errors: unknown[] = [];
  /** Everything that must not appear anywhere except where it belongs. */
  const secrets = new Set([API_KEY, PEPPER, DEVICE_KEY, BOT_TOKEN, SESSION]);
  const codes = new Set<string>();

  beforeAll(async () => {
    taqnyat = await new TaqnyatSimulator({ apiKey: API_KEY }).start();
    provider = new TaqnyatSms({ ...taqnyat.access, apiKey: API_KEY, sender: 'Acme' });
    const written = (text: unknown) => output.push(String(text)) > 0;
    jest.spyOn(process.stdout, 'write').mockImplementation(written);
    jest.spyOn(process.stderr, 'write').mockImplementation(written);
    fixture = await otpFixture({
      adapter: adapter(),
      provider,
      routes: { prefix: 'otp' },
      options: { codeLength: 8, providerTimeoutMs: 1500, purposes: { close_account: {} } },
      metadata: { ...vaultModule, imports: [EventEmitterModule.forRoot()] },
    });
    Logger.overrideLogger(LEVELS); // the module's requests,
    Logger.overrideLogger(new ConsoleLogger({ logLevels: LEVELS, colors: false })); // and the audit's writes
    events = new EventLog(fixture.app);
    await fixture.app.get(Vault).create();
    await run();
  });
  afterAll(async () => {
    await fixture.close();
    await taqnyat.stop();
    jest.restoreAllMocks();
    Logger.overrideLogger(true);
  });

  const phoneOf = () => {
    const phone = newPhone();
    secrets.add(phone.slice(-9)); // in any spelling
    return phone;
  };
  const keep = (...found: (string | undefined)[]) => found.forEach((one) => one !== undefined && secrets.add(one));
  const caught = <T>(call: Promise<T>) => call.catch((error: unknown) => void errors.push(error));
  /** With its secret half, which begins within a base64 character. */
  const keepGrant = (grant: string) => keep(grant, grant.slice(22));
  async function asked(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    belongs: (json: Record<string, unknown>) => unknown[] = () => [],
  ): Promise<Answer> {
    const answer = await post(fixture.app, path, body, headers);
    answers.push({
      text: JSON.stringify([...answer.headers]) + answer.text,
      allowed: belongs(answer.json).map(String),
    });
    return answer;
  }
  const handleOf = ({ challenge }: Record<string, unknown>) => {
    keep(String(challenge), String(challenge).split('.')[1]);
    return [challenge];
  };
  const grantOf = ({ grant }: Record<string, unknown>) => (keepGrant(String(grant)), [grant]);
  async function codeFor(phone: string): Promise<string> {
    await until(`a message to ${phone}`, () => taqnyat.lastCode(phone) !== undefined);
    const code = taqnyat.lastCode(phone)!;
    codes.add(code).add(wrongCode(code));
    return code;
  }

  /** Runs everything that a stranger, a customer and a vendor can do. */
  async function run(): Promise<void> {
    await life();
    await junk();
    await stepUp();
    await inProcess();
    await brokenDatabase();
    await brokenVendor();
    await fixture.operations.purge();
  }

  async function life(): Promise<void> {
    const phone = phoneOf();
    const started = await asked('/otp/start', { phone, purpose }, {}, handleOf);
    const challenge = String(started.json.challenge);
    const code = await codeFor(phone);
    await asked('/otp/start', { phone, purpose });
    await asked('/otp/verify', { challenge, code: wrongCode(code), purpose });
    await asked('/otp/verify', { challenge, code, purpose: 'login' });
    const verified = await asked('/otp/verify', { challenge, code, purpose }, {}, grantOf);
    expect(verified.status).toBe(200);
    await asked('/otp/verify', { challenge, code, purpose });
    await asked('/otp/resend', { challenge });
    const grant = String(verified.json.grant);
    await fixture.numbers.activate(grant, 'account-0');
    await caught(fixture.numbers.activate(grant, 'account-0'));
  }

  async function junk(): Promise<void> {
    const phone = phoneOf();
    const code = '13572468';
    codes.add(code);
    const handle = `0190b2c1-6f3a-7d86-9b2c-1e3f8f9c2ab1.canaryOfTheHandle12345`;
    keep(handle, handle.split('.')[1]);
    const full = { phone, purpose, challenge: handle, code };
    for (const path of ['/otp/start', '/otp/resend', '/otp/verify']) {
      // Text that a parser may quote when it cannot read it.
      await asked(path, `{"phone":"${phone}","challenge":"${handle}","code":"${code}",}`);
      await asked(path, `${phone} ${handle} ${code}`);
      await asked(path, JSON.stringify(`${handle} ${code}`));
      await asked(path, `{"code":"${code}","x":"${'x'.repeat(20_000)}"}`);
      await asked(path, JSON.stringify(full), { 'content-type': `text/plain; x="${code}"` });
      await asked(path, { ...full, [handle]: code });
      await asked(path, { phone: [phone], purpose: { [code]: handle }, challenge: [handle], code: Number(code) });
      for (const field of ['phone', 'purpose', 'challenge', 'code', 'locale']) {
        const honest =
          field === 'code' || path === '/otp/verify' ? { challenge: handle, code, purpose } : { phone, purpose };
        await asked(path, { ...honest, [field]: `${phone}${code}${FORGED}` });
      }
    }
  }

  async function stepUp(): Promise<void> {
    const phone = phoneOf();
    await fixture.own(phone, 'account-1');
    const id = await fixture.app.get(Vault).add({ owner: 'account-1', payee: `Sara${FORGED}` });
    const who = { 'x-account': 'account-1', 'x-session': SESSION };
    const path = `/vault/transfers/${id}/confirm`;
    const demanded = await asked(path, {}, who, handleOf);
    expect(demanded.status).toBe(401);
    const challenge = String(demanded.json.challenge);
    const code = await codeFor(phone);
    const { grant } = await fixture.otp.verify({
      challenge,
      code,
      purpose: 'transaction',
      subject: 'account-1',
      session: SESSION,
    });
    keepGrant(grant);
    for (const forged of [`${grant}x`, grant.slice(0, -1) + (grant.endsWith('x') ? 'y' : 'x')]) {
      await asked(path, {}, { ...who, 'otp-grant': forged });
    }
    await asked(path, {}, { ...who, 'x-session': 'another', 'otp-grant': grant });
    await fixture.app.get(Vault).change(id, { amount: '1.00' });
    await asked(path, {}, { ...who, 'otp-grant': grant });
  }

  async function inProcess(): Promise<void> {
    const phone = phoneOf();
    const { challenge } = await fixture.otp.start({ phone, purpose: 'login', client }); // a decoy
    handleOf({ challenge });
    await caught(fixture.otp.verify({ challenge, code: '98765432', purpose: 'login' }));
    codes.add('98765432');
    const forged = `${phone}${FORGED}`;
    for (const field of ['phone', 'purpose', 'subject', 'session', 'locale']) {
      await caught(fixture.otp.start({ phone, purpose, client, [field]: forged }));
    }
    await caught(fixture.otp.start({ phone, purpose, client: { ...client, address: forged } }));
    await caught(fixture.otp.verify({ challenge: forged, code: forged, purpose }));
    await caught(fixture.operations.unlock(forged));
    await caught(fixture.grants.consume(forged, { purpose: forged, subject: forged, session: forged }));
    await caught(fixture.grants.consume('A'.repeat(64), { purpose: forged, subject: forged }));
    await fixture.own(phone, `account${FORGED}`);
    await caught(fixture.numbers.release(phone, `account${FORGED}`, `asked for${FORGED}`));
    const next = phoneOf();
    const own = await fixture.otp.start({ phone: next, purpose, client: 'server' });
    const { grant } = await fixture.otp.verify({ challenge: own.challenge, code: await codeFor(next), purpose });
    keep(own.challenge);
    keepGrant(grant);
    await caught(logIn(fixture.app, grant));
    await fixture.numbers.activate(grant, `account${FORGED}`);
    await fixture.otp.cancel({ challenge: own.challenge });
  }

  /** PostgreSQL quotes the row that it refuses, and TypeORM keeps every parameter. */
  async function brokenDatabase(): Promise<void> {
    const { dataSource, schema, grants } = fixture;
    const started = await asked('/otp/start', { phone: phoneOf(), purpose }, {}, handleOf);
    const phone = phoneOf();
    const table = (name: string) => `${schema}.otp_${name}`;
    await dataSource.query(`ALTER TABLE ${table('challenges')} ADD CONSTRAINT none CHECK (false) NOT VALID`);
    await asked('/otp/start', { phone, purpose });
    await asked('/otp/verify', { challenge: started.json.challenge, code: '12345678', purpose });
    await caught(fixture.otp.start({ phone, purpose, client }));
    await dataSource.query(`ALTER TABLE ${table('challenges')} DROP CONSTRAINT none`);
    await dataSource.query(`ALTER TABLE ${table('grants')} RENAME TO gone`);
    const grant = `canaryOfTheGrant${'X'.repeat(10)}ThatTheDatabaseNeverSaw${'X'.repeat(15)}`;
    keepGrant(grant);
    await caught(grants.consume(grant, { purpose }));
    await caught(dataSource.transaction((manager) => fixture.numbers.activate(grant, 'account-9', manager)));
    await dataSource.query(`ALTER TABLE ${schema}.gone RENAME TO otp_grants`);
  }

  async function brokenVendor(): Promise<void> {
    for (const [index, fault] of FAULTS.entries()) {
      const [phone, subject] = [phoneOf(), `account-v${index}`];
      await fixture.own(phone, subject);
      taqnyat.fault(fault, 1);
      await caught(fixture.otp.start({ phone, purpose: 'change_number', client, subject }));
      // One success in between; otherwise the vendor would not be called after a few failures.
      const next = phoneOf();
      await fixture.otp.start({ phone: next, purpose, client });
      await codeFor(next);
    }
  }

  /** Returns the secrets that a text contains, except where they belong. */
  const leaks = (text: string, allowed: string[] = []) => {
    const rest = allowed.reduce((left, belongs) => left.replaceAll(belongs, ''), text);
    return [...secrets, ...codes].filter((secret) => rest.includes(secret));
  };
  const hex = (bytes: unknown) => (bytes as Buffer | null)?.toString('hex');

  it('SEC-62: logs no code, handle, grant, key, pepper or whole number', async () => {
    const log = output.join('');
    evidence('SEC-62', { secrets: secrets.size + codes.size, logLines: output.length, answers: answers.length });

    expect(log).toContain('verify refused: wrong_code'); // proves that there is a log,
    expect(log).toContain('otp.started {'); // down to the debug level
    expect(log).toContain('otp.sent {');
    expect(leaks(log)).toEqual([]);
  });

  it('SEC-62: writes one line per log entry, whatever was typed', () => {
    expect(output.join('')).toContain('FORGED'); // escaped, as part of a line
    const lines = output
      .join('')
      .split(/[\r\n\u2028\u2029]+/)
      .filter((line) => line !== '');
    expect(lines.filter((line) => !line.startsWith(`[Nest] ${process.pid} `))).toEqual([]);
  });

  it('SEC-61: throws no error that contains a secret, however it is printed', () => {
    expect(errors.length).toBeGreaterThan(15);
    evidence('SEC-61', { faults: FAULTS.length, errors: errors.length });
    for (const error of errors) {
      const { message, stack } = error as Error;
      const printed = [message, stack, JSON.stringify(error), String(error), inspect(error, DEEP)].join('\n');
      expect(leaks(printed)).toEqual([]);
      expect(message).not.toMatch(/[\r\n]/);
    }
    expect(leaks(inspect(provider, DEEP) + JSON.stringify(provider))).toEqual([]);
  });

  it('answers over HTTP with handles and grants only where they belong', () => {
    expect(answers.length).toBeGreaterThan(40);
    for (const { text, allowed } of answers) expect([leaks(text, allowed), text]).toEqual([[], text]);
  });

  it('passes no secret to listeners', () => {
    expect(events.all.length).toBeGreaterThan(20);
    expect(leaks(JSON.stringify(events.all) + inspect(events.all, DEEP))).toEqual([]);
  });

  it('SEC-62: writes no secret, nor its stored form, into the audit', async () => {
    const rows = await fixture.dataSource.query(`SELECT a::text FROM ${fixture.schema}.otp_audit a`);
    const text = rows.map(({ a }: { a: string }) => a).join('\n');
    const kept = [
      ...(await fixture.rows('otp_challenges')).flatMap((row) => [hex(row.handle_hash), hex(row.code_mac)]),
      ...(await fixture.rows('otp_grants')).map((row) => hex(row.hash)),
    ].filter((one) => one !== undefined);

    expect(rows.length).toBeGreaterThan(30);
    expect(leaks(text)).toEqual([]);
    expect(kept.length).toBeGreaterThan(5);
    for (const one of kept) expect(text).not.toContain(one.slice(0, 32));
    expect(text).not.toMatch(/\+?966\d{9}/);
    expect(text).not.toContain(client.address);
  });

  it(`keeps every secret out of the vendor’s URLs, on ${name}`, () => {
    for (const { path } of taqnyat.requests) expect(leaks(path)).toEqual([]);
  });
});

const DEEP = { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity } as const;
