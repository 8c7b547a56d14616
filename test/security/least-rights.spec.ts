import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { TypeOrmModule } from '@nestjs/typeorm';
import {
  Grants,
  OtpModule,
  OtpOperations,
  OtpService,
  RecoveryCodes,
  TrustedDevices,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';

import { databaseOptions, elapse, newSchema } from '../support/database.js';
import { PURGE_BATCH } from '../../src/operations/otp.operations.js';
import { evidence } from '../support/evidence.js';
import { ask, Fleet, tally } from '../support/fleet.js';
import { GENEROUS, newPhone, wrongCode } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7', deviceKey: 'the-device-of-this-person' };
const purpose = 'registration';
const DAY = 86_400;

/** The statements that SECURITY.md tells readers to run, for a schema and a role of this test. */
function pasted(schema: string, role: string): string {
  const document = readFileSync(path.resolve(import.meta.dirname, '../../SECURITY.md'), 'utf8');
  const sql = /## Least rights[\s\S]*?```sql\n([\s\S]*?)```/.exec(document)![1]!;
  return sql
    .replaceAll('public', schema)
    .replaceAll('otp_app', role)
    .replace(/PASSWORD '[^']+'/, "PASSWORD 'secret'");
}

describe('an application with exactly the rights of SECURITY.md', () => {
  const role = `r_${randomBytes(6).toString('hex')}`;
  const sms = new CapturingProvider();
  let schema: string;
  let owner: DataSource;
  let app: INestApplication;
  let otp: OtpService;
  let operations: OtpOperations;

  beforeAll(async () => {
    schema = await newSchema();
    owner = await new DataSource(databaseOptions(schema, 2)).initialize();
    await owner.query(pasted(schema, role));
    const url = new URL(process.env.DATABASE_URL!);
    [url.username, url.password] = [role, 'secret'];
    const module = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ ...databaseOptions(schema, 4, url.href), migrationsRun: false, extra: {} }),
        OtpModule.forRoot(sms, GENEROUS),
      ],
    }).compile();
    app = await module.createNestApplication({ logger: ['error'] }).init();
    otp = app.get(OtpService);
    operations = app.get(OtpOperations);
  });
  afterAll(async () => {
    await app.close();
    await owner.query(`DROP OWNED BY ${role}`);
    await owner.query(`DROP ROLE ${role}`);
    await owner.destroy();
  });
  const asRole = (sql: string) => app.get(DataSource).query(sql);

  async function grantFor(phone: string, of: string, subject?: string) {
    sms.clear();
    const who = subject === undefined ? {} : { subject };
    const { challenge } = await otp.start({ phone, purpose: of, client, ...who });
    await until('the code', () => sms.lastCode(phone) !== undefined);
    const code = sms.lastCode(phone)!;
    await otp.verify({ challenge, code: wrongCode(code), purpose: of, ...who }).catch(() => undefined);
    return { challenge, ...(await otp.verify({ challenge, code, purpose: of, ...who })) };
  }

  it('SEC-65: runs a whole life: start, resend, verify, use, activate, change, release, unlock, purge', async () => {
    const [phone, next] = [newPhone(), newPhone()];
    const numbers = app.get(VerifiedNumbers);
    const { grant } = await grantFor(phone, purpose);
    await numbers.activate(grant, 'account-1');
    const current = await grantFor(phone, 'change_number', 'account-1');
    const fresh = await grantFor(next, 'verify_number', 'account-1');
    await numbers.change('account-1', { currentNumberGrant: current.grant, newNumberGrant: fresh.grant });
    await numbers.release(next, 'account-1', 'account_closed');
    const used = await grantFor(newPhone(), purpose);
    await app.get(Grants).consume(used.grant, { purpose });
    const { challenge } = await otp.start({ phone: newPhone(), purpose, client });
    await elapse(owner, 61);
    await otp.resend({ challenge, client });
    await otp.cancel({ challenge });
    await operations.unlock(phone);
    await until('everything is recorded', async () => (await asRole(`SELECT FROM ${schema}.otp_sends`)).length === 6);
    await elapse(owner, 500 * DAY);

    await operations.purge();

    const left = async (table: string) => (await asRole(`SELECT FROM ${schema}.otp_${table}`)).length;
    expect(await Promise.all(['challenges', 'grants', 'sends', 'audit'].map(left))).toEqual([0, 0, 0, 0]);
    expect(await left('verified_numbers')).toBe(2);
  });

  it('SEC-65: issues, uses and replaces recovery codes, and trusts, recognises and forgets devices', async () => {
    const [recovery, devices, account] = [app.get(RecoveryCodes), app.get(TrustedDevices), 'account-2'];
    const { grant: registration, phone } = await grantFor(newPhone(), purpose);
    await app.get(VerifiedNumbers).activate(registration, account);
    const [code] = await recovery.issue(account);
    const { grant } = await recovery.use(account, code!, { purpose: 'second_factor' });
    await app.get(Grants).consume(grant, { purpose: 'second_factor', subject: account });
    expect(await recovery.replaceUsed(account)).toHaveLength(1);
    const second = await grantFor(phone, 'second_factor', account);
    const proof = await app.get(Grants).consume(second.grant, { purpose: 'second_factor', subject: account });
    const { token } = await devices.trust(account, { proof });

    expect(await devices.recognise(account, token)).toMatchObject({ token: expect.any(String) });
    expect(await devices.revokeAll(account)).toBe(1);
    expect(await recovery.revoke(account)).toBe(true);
    expect(await operations.purge()).toBeGreaterThanOrEqual(0);
  });

  it('SEC-65: cannot alter any table, any history, or the audit', async () => {
    await otp.start({ phone: newPhone(), purpose, client });
    const t = (table: string) => `${schema}.otp_${table}`;
    const byRights = [
      `ALTER TABLE ${t('challenges')} ADD COLUMN x int`,
      `ALTER TABLE ${t('audit')} DISABLE TRIGGER ALL`,
      `DROP TRIGGER audit_no_change ON ${t('audit')}`,
      `DROP FUNCTION ${schema}.otp_append_only CASCADE`,
      `ALTER FUNCTION ${schema}.otp_verify SET lock_timeout TO '1h'`,
      `CREATE OR REPLACE FUNCTION ${schema}.otp_verify(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$`,
      `SET session_replication_role = replica`,
      `CREATE TABLE ${schema}.x ()`,
      `CREATE INDEX ON ${t('budgets')} (day_sends)`,
      `DROP TABLE ${t('sends')}`,
      ...['challenges', 'lockouts', 'grants', 'sends', 'verified_numbers', 'audit'].map((of) => `TRUNCATE ${t(of)}`),
      `DELETE FROM ${t('verified_numbers')}`,
      `UPDATE ${t('sends')} SET outcome = 'sent'`,
      `UPDATE ${t('audit')} SET outcome = 'sent'`,
      `INSERT INTO ${t('audit')} (event, at) VALUES ('verified', now() - interval '31 days')`,
    ];
    for (const sql of byRights) await expect(asRole(sql)).rejects.toThrow(/permission denied|must be owner/);
    // The purge needs these rights; the trigger refuses them here.
    const byTrigger = [`UPDATE ${t('audit')} SET id = DEFAULT`, `DELETE FROM ${t('audit')}`];
    for (const sql of byTrigger) await expect(asRole(sql)).rejects.toThrow('append-only');
    evidence('SEC-65', { refused: byRights.length + byTrigger.length });
    expect((await asRole(`SELECT FROM ${t('audit')}`)).length).toBeGreaterThan(0);
  });
});

describe('the purge in four processes at once', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.launch();
    await fleet.open({ poolSize: 4, options: { sendLogDays: 30, auditDays: 30 } });
  });
  afterAll(() => fleet.close());

  it('SEC-65: deletes expired rows and nothing else while codes are sent and verified', async () => {
    const old = 20_000;
    await fleet.sql(`
      INSERT INTO otp_challenges (id, handle_hash, purpose, phone, phone_hash, subject_hash, tier, region, locale, unverified_keys,
        provider, checked_by, key_id, status, attempts, max_attempts, sends, created_at, last_send_at, expires_at)
      SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '', 'login', 'old', '', '', 'stranger', 'SA', 'en', '{}',
        'fleet', 'library', '1', 'pending', 0, 5, 1, t, t, t
      FROM generate_series(1, ${old}) n, (SELECT now() - interval '40 days' AS t) x`);
    await fleet.sql(`INSERT INTO otp_grants (id, hash, purpose, phone, source, created_at, expires_at)
      SELECT id, '', 'login', 'old', 'code', created_at, expires_at FROM otp_challenges`);
    await fleet.sql(`INSERT INTO otp_send_counters (party, tier, next_send_at, hour_sends, hour_ends_at, day_sends, day_ends_at)
      SELECT sha256(id::text::bytea), 'stranger', created_at, 1, created_at, 1, created_at FROM otp_challenges`);
    await fleet.sql(`INSERT INTO otp_sends (challenge_id, send_number, provider, outcome, latency_ms, at)
      SELECT id, 1, 'old', 'sent', 1, created_at FROM otp_challenges`);
    await fleet.sql(`INSERT INTO otp_audit (event, challenge_id, provider, at)
      SELECT 'sent', id, 'old', created_at FROM otp_challenges`);
    const started = await fleet.race(
      Array.from({ length: 40 }, () => ask.start({ phone: newPhone(), purpose, client: 'server' })),
    );
    // Each statement deletes at most one batch.
    await fleet.sql(`CREATE FUNCTION bounded() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF (SELECT count(*) FROM gone) > ${PURGE_BATCH} THEN RAISE 'too many at once'; END IF; RETURN NULL; END $$`);
    for (const table of ['challenges', 'grants', 'send_counters', 'sends', 'audit']) {
      await fleet.sql(`CREATE TRIGGER bounded AFTER DELETE ON otp_${table} REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION bounded()`);
    }
    const rows = async (table: string, where = 'true') =>
      (await fleet.sql<{ n: number }>(`SELECT count(*)::int AS n FROM otp_${table} WHERE ${where}`))[0]!.n;
    await until('the messages are recorded', async () => (await rows('sends', `provider = 'fleet'`)) === 40);
    const young = {
      challenges: await rows('challenges', `phone <> 'old'`),
      counters: await rows('send_counters', 'day_ends_at > now()'),
    };

    const outcomes = await fleet.race<unknown>([
      ...Array.from({ length: 4 }, () => ask.purge()),
      ...Array.from({ length: 40 }, () => ask.start({ phone: newPhone(), purpose, client: 'server' })),
      ...started.map(({ value }) => ask.verify({ challenge: value!.challenge, code: '000000', purpose })),
    ]);

    const deleted = outcomes.slice(0, 4).map(({ value }) => value as number);
    expect(tally(outcomes)).toEqual({ ok: 44, otp_invalid: 40 });
    await until('the messages are recorded', async () => (await rows('sends', `provider = 'fleet'`)) === 80);
    expect(deleted.reduce((sum, rows_) => sum + rows_)).toBe(5 * old);
    expect({
      challenges: await rows('challenges', `phone = 'old'`),
      grants: await rows('grants', `phone = 'old'`),
      counters: await rows('send_counters', `day_ends_at < now() - interval '1 hour'`),
      sends: await rows('sends', `provider = 'old'`),
      audit: await rows('audit', `provider = 'old'`),
    }).toEqual({ challenges: 0, grants: 0, counters: 0, sends: 0, audit: 0 });
    expect(await rows('challenges')).toBe(young.challenges + 40);
    expect(await rows('send_counters')).toBe(young.counters + 40);
    expect(await rows('audit')).toBe(200); // 80 started, 80 sent, 40 wrong codes
    evidence('SEC-65', { old: 5 * old, deleted: deleted.join(' + '), left: 0 });
  });
});
