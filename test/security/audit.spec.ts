import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import {
  BotCheck,
  Failover,
  Notices,
  OtpAudit,
  type OtpError,
  type OtpModuleOptions,
  PhoneAccounts,
  PhoneRisk,
} from 'nestjs-phone-otp';
import type { AuditEntry } from 'nestjs-phone-otp/entities';
import pg from 'pg';

import { elapse } from '../support/database.js';
import { evidence } from '../support/evidence.js';
import { EventLog } from '../support/events.js';
import { ACTION, type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { changeNumber, logIn, prove } from '../support/proofs.js';
import { ScriptedProvider } from '../support/providers.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const purpose = 'registration';
const SUBJECT = 'account-1';

/** The results of the host's own checks, as a test sets them. */
const host = { human: true, risky: false, account: null as { id: string } | null };
const HOST = [
  { provide: BotCheck, useValue: { isHuman: async () => host.human } },
  { provide: PhoneRisk, useValue: { assess: async () => ({ risky: host.risky }) } },
  {
    provide: PhoneAccounts,
    useValue: {
      findByPhone: async () => host.account,
      otherFactor: async () => 'missing',
    },
  },
];

const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: OtpError) => error.code,
  );
const told = (entry: Pick<AuditEntry, 'event' | 'outcome'>) =>
  entry.outcome === null ? entry.event : `${entry.event}: ${entry.outcome}`;

/** The public half of a handle. */
const idOf = (challenge: string) => challenge.split('.')[0]!;

describe('the audit', () => {
  let fixture: Fixture;
  let audit: OtpAudit;
  beforeAll(async () => {
    fixture = await otpFixture({
      options: { failuresPerHour: 6, maxSends: 2, cooldownSeconds: 30, dailySendBudget: 2200 },
      metadata: { imports: [EventEmitterModule.forRoot()], providers: HOST },
    });
    audit = fixture.app.get(OtpAudit);
  });
  beforeEach(() => {
    fixture.sms.clear();
    Object.assign(host, { human: true, risky: false, account: null });
  });
  afterAll(() => fixture.close());

  const start = async (phone = newPhone(), more: object = {}) => {
    fixture.sms.clear();
    const { challenge } = await fixture.otp.start({ phone, purpose, client, ...more });
    return { phone, challenge, code: await fixture.codeFor(phone) };
  };
  const verify = (challenge: string, code: string, more: object = {}) =>
    fixture.otp.verify({ challenge, code, purpose, ...more });
  /** Returns the entries about a number, oldest first; waits for entries that are written after an answer. */
  async function story(of: Parameters<OtpAudit['find']>[0], length: number): Promise<string[]> {
    let found: AuditEntry[] = [];
    await until(`${length} entries of ${Object.keys(of).join()}`, async () => {
      found = await audit.find(of);
      return found.length >= length;
    });
    return found.toReversed().map(told);
  }
  const storyOf = (phone: string, length: number) => story({ phone }, length);

  it("SEC-62: records the life of a code from start to number under one id, with the database's time", async () => {
    const sql = async () =>
      ((await fixture.dataSource.query('SELECT clock_timestamp() AS t')) as [{ t: Date }])[0].t.getTime();
    const before = await sql();
    jest.useFakeTimers({ now: Date.UTC(2001, 1, 1), doNotFake: FAKEABLE });
    const { phone, challenge, code } = await start();
    await until('it is sent', async () => (await audit.find({ phone })).length === 2);
    await outcome(verify(challenge, wrongCode(code)));
    const { grant } = await verify(challenge, code);
    await fixture.numbers.activate(grant, SUBJECT);
    jest.useRealTimers();

    const entries = (await audit.find({ challengeId: idOf(challenge) })).toReversed();

    expect(entries.map(told)).toEqual([
      'started',
      'sent: sent',
      'refused: wrong_code',
      'verified',
      'grant_used',
      'number_activated',
    ]);
    const hash = entries[0]!.phoneHash!;
    expect(hash).toHaveLength(16);
    for (const entry of entries) {
      expect(entry).toMatchObject({ purpose, phoneHash: hash, challengeId: idOf(challenge) });
      expect(entry.at.getTime()).toBeGreaterThanOrEqual(before);
      expect(entry.at.getTime()).toBeLessThanOrEqual(await sql());
    }
    expect(entries.map(({ account }) => account)).toEqual([null, null, null, null, null, SUBJECT]);
    expect(entries[0]).toMatchObject({ tier: 'stranger', provider: 'capturing' });
    expect(await audit.find({ phone })).toEqual(await audit.find({ challengeId: idOf(challenge) }));
  });

  describe('SEC-62: records', () => {
    const STORIES: Record<string, () => Promise<[string, string[]]>> = {
      async 'a start and a resend within the cooldown, a resend, and one too many'() {
        const { phone, challenge } = await start();
        await outcome(fixture.otp.start({ phone, purpose, client }));
        await outcome(fixture.otp.resend({ challenge, client }));
        await fixture.elapse(31);
        await fixture.otp.resend({ challenge, client });
        await fixture.elapse(31);
        await outcome(fixture.otp.resend({ challenge, client }));
        return [
          phone,
          [
            'started',
            'sent: sent',
            'limited: cooldown',
            'limited: cooldown',
            'resent',
            'sent: sent',
            'refused: no_resend',
          ],
        ];
      },
      async 'a decoy, its resend and its wrong code'() {
        const phone = newPhone();
        const { challenge } = await fixture.otp.start({ phone, purpose: 'login', client });
        await fixture.elapse(31);
        await fixture.otp.resend({ challenge, client });
        await outcome(verify(challenge, '123456', { purpose: 'login' }));
        return [phone, ['started: decoy', 'resent: decoy', 'refused: wrong_code']];
      },
      async 'a challenge cancelled and then tried, and a resend of it'() {
        const { phone, challenge, code } = await start();
        await storyOf(phone, 2);
        await fixture.otp.cancel({ challenge });
        await fixture.otp.cancel({ challenge });
        await outcome(verify(challenge, code));
        await outcome(fixture.otp.resend({ challenge, client }));
        return [phone, ['started', 'sent: sent', 'cancelled', 'refused: cancelled', 'refused: no_resend']];
      },
      async 'a challenge replaced by the same device'() {
        const phone = newPhone();
        const device = { client: { ...client, deviceKey: 'the-device-of-this-person' } };
        await start(phone, device);
        await storyOf(phone, 2);
        await fixture.elapse(31);
        await start(phone, device);
        return [phone, ['started', 'sent: sent', 'started', 'superseded', 'sent: sent']];
      },
      async 'attempts for another purpose, in another session, too late, and after the code was used'() {
        const { phone, challenge, code } = await start();
        await storyOf(phone, 2);
        await outcome(verify(challenge, code, { purpose: 'login' }));
        await outcome(verify(challenge, code, { subject: SUBJECT }));
        await fixture.elapse(301);
        await outcome(verify(challenge, code));
        const other = await start(phone);
        await verify(other.challenge, other.code);
        await storyOf(phone, 8);
        await outcome(verify(other.challenge, other.code));
        return [
          phone,
          [
            'started',
            'sent: sent',
            'refused: other_purpose',
            'refused: other_session',
            'refused: expired',
            'started',
            'sent: sent',
            'verified',
            'refused: consumed',
          ],
        ];
      },
      async 'a locked challenge, a locked-out subject, and an operator who unlocks it'() {
        const first = await start();
        const { phone } = first;
        await storyOf(phone, 2);
        for (let n = 0; n < 5; n++) await outcome(verify(first.challenge, wrongCode(first.code)));
        await fixture.elapse(31);
        const next = await start(phone);
        await storyOf(phone, 10);
        await outcome(verify(next.challenge, wrongCode(next.code)));
        await outcome(verify(next.challenge, next.code));
        await fixture.elapse(31);
        await outcome(fixture.otp.start({ phone, purpose, client }));
        await fixture.operations.unlock(phone);
        await fixture.operations.unlock(phone);
        return [
          phone,
          [
            'started',
            'sent: sent',
            ...Array(5).fill('refused: wrong_code'),
            'locked',
            'started',
            'sent: sent',
            'refused: wrong_code',
            'locked_out',
            'refused: locked_out',
            'limited: locked_out',
            'unlocked',
          ],
        ];
      },
      async 'a grant used for another purpose, used twice, and refused by the host'() {
        const { phone, grant } = await prove(fixture);
        await storyOf(phone, 3);
        await outcome(fixture.grants.consume(grant, { purpose: 'login' }));
        await storyOf(phone, 4);
        await fixture.grants.consume(grant, { purpose });
        await outcome(fixture.grants.consume(grant, { purpose }));
        return [phone, ['started', 'sent: sent', 'verified', 'refused: other_purpose', 'grant_used', 'refused: used']];
      },
      async 'a right code whose account may not use it'() {
        host.account = { id: SUBJECT };
        const { phone, challenge, code } = await start(newPhone(), { purpose: 'login' });
        await storyOf(phone, 2);
        host.account = null; // closed meanwhile
        await outcome(verify(challenge, code, { purpose: 'login' }));
        return [phone, ['started', 'sent: sent', 'verified', 'refused: account_refused']];
      },
      async 'numbers that change owners'() {
        const [phone, next] = [newPhone(), newPhone()];
        await fixture.own(phone, SUBJECT, 0);
        await changeNumber(fixture, SUBJECT, phone, next);
        await fixture.numbers.release(next, SUBJECT, 'account_closed');
        expect((await storyOf(next, 6)).slice(3)).toEqual([
          'grant_used',
          'number_activated',
          'number_released: account_closed',
        ]);
        return [phone, ['started', 'sent: sent', 'verified', 'grant_used', 'number_changed', 'notice: sent']];
      },
      async 'a number taken from its owner, and one that is not'() {
        const phone = newPhone();
        await fixture.own(phone, 'account-2', 200);
        const { grant } = await prove(fixture, { phone });
        await fixture.numbers.activate(grant, SUBJECT);
        await fixture.elapse(31);
        const again = await prove(fixture, { phone });
        await outcome(fixture.numbers.activate(again.grant, 'account-3'));
        const life = ['started', 'sent: sent', 'verified'];
        return [
          phone,
          [
            ...life,
            'grant_used',
            'number_activated',
            'number_transferred',
            ...life,
            'refused: phone_already_activated',
          ],
        ];
      },
      async 'refusals of the host’s own checks'() {
        const phone = newPhone();
        await fixture.own(phone, SUBJECT);
        host.human = false;
        await outcome(fixture.otp.start({ phone, purpose, client }));
        await storyOf(phone, 1);
        host.human = true;
        host.risky = true;
        await outcome(fixture.otp.start({ phone, purpose: 'change_number', client, subject: SUBJECT }));
        await storyOf(phone, 2);
        expect((await audit.find({ phone }))[0]).toMatchObject({ event: 'refused', account: SUBJECT });
        await fixture.otp.start({ phone, purpose: 'login', client }); // a decoy: no check is asked
        host.account = { id: SUBJECT };
        await fixture.elapse(31);
        await fixture.otp.start({ phone, purpose: 'login', client });
        return [
          phone,
          [
            'refused: bot_check_failed',
            'refused: other_factor_needed',
            'started: decoy',
            'started',
            'failed: withheld',
          ],
        ];
      },
      async 'an account that learns why its number cannot confirm this'() {
        const phone = newPhone();
        const ask = () => fixture.otp.start({ phone, purpose: 'change_number', client, subject: SUBJECT });
        await outcome(ask());
        await fixture.own(phone, SUBJECT, 200);
        await outcome(ask());
        return [phone, ['limited: phone_missing', 'limited: phone_unconfirmed']];
      },
      async 'a login that a dormant account is refused'() {
        const phone = newPhone();
        host.account = { id: SUBJECT };
        await fixture.own(phone, SUBJECT, 100);
        const { grant } = await prove(fixture, { phone, purpose: 'login' });
        await outcome(logIn(fixture.app, grant));
        return [phone, ['started', 'sent: sent', 'verified', 'grant_used', 'dormant_refused: other_factor_needed']];
      },
      async 'a record that changed under its challenge'() {
        const phone = newPhone();
        await fixture.own(phone, SUBJECT);
        const ask = (action: object) =>
          fixture.otp.start({
            phone,
            purpose: 'transaction',
            client,
            subject: SUBJECT,
            reuse: true,
            action: { ...ACTION, ...action },
          });
        await ask({});
        await outcome(ask({ amount: '300.00' }));
        return [phone, ['started', 'sent: sent', 'limited: cooldown', 'superseded: record_changed']];
      },
      async 'a message whose process died'() {
        const { phone } = await start();
        await storyOf(phone, 2);
        await fixture.dataSource.query(
          `DELETE FROM ${fixture.schema}.otp_sends
           WHERE challenge_id = (SELECT id FROM ${fixture.schema}.otp_challenges WHERE phone = $1)`,
          [phone],
        );
        await fixture.elapse(50);
        await fixture.operations.purge();
        return [phone, ['started', 'sent: sent', 'unknown: no_answer']];
      },
    };

    it.each(Object.entries(STORIES))('%s', async (_, tell) => {
      const [phone, expected] = await tell();
      const sorted = (entries: string[]) => entries.toSorted(); // a vendor's answer may overtake the following entry

      expect(sorted(await storyOf(phone, expected.length))).toEqual(sorted(expected));
    });

    it('attempts at unknown challenges and unissued grants', async () => {
      const id = '01980000-0000-7000-8000-000000000001';
      await outcome(verify(`${id}.${'A'.repeat(22)}`, '123456'));
      expect(await story({ challengeId: id }, 1)).toEqual(['refused: unknown']);

      await outcome(fixture.grants.consume('A'.repeat(64), { purpose }));
      await until('the grant is recorded', async () =>
        (await fixture.rows('otp_audit')).some((row) => row.outcome === 'unknown_grant'),
      );
    });

    it('a message refused by the full daily budget, but none refused by one full shard', async () => {
      const { dataSource, schema } = fixture;
      const starts = async () => {
        const phones = Array.from({ length: 12 }, newPhone);
        for (const phone of phones) await outcome(fixture.otp.start({ phone, purpose, client: 'server' }));
        return Promise.all(phones.map(async (phone) => (await storyOf(phone, 1))[0]));
      };
      const isFull = `UPDATE ${schema}.otp_budgets SET day_sends = 1000000, day_ends_at = now() + interval '1 hour' WHERE scope = ''`;
      await starts(); // at random, so that both shards of the budget exist

      await dataSource.query(`${isFull} AND shard = 0`);
      expect(await starts()).toEqual(Array(12).fill('started'));
      await dataSource.query(isFull);
      expect(await starts()).toEqual(Array(12).fill('limited: service_day'));
      await dataSource.query(`UPDATE ${schema}.otp_budgets SET day_sends = 0 WHERE day_sends = 1000000`);
    });
  });

  it('SEC-62: records a grant’s use and a number if and only if the host’s transaction commits', async () => {
    const { phone, grant } = await prove(fixture);
    const before = await storyOf(phone, 3);
    const inTransaction = (end: () => void) =>
      fixture.dataSource.transaction(async (manager) => {
        await fixture.numbers.activate(grant, SUBJECT, manager);
        await fixture.numbers.release(phone, SUBJECT, 'mistake', manager);
        end();
      });
    const rollsBack = inTransaction(() => {
      throw new Error('of the host');
    });

    await expect(rollsBack).rejects.toThrow('of the host');
    expect((await audit.find({ phone })).toReversed().map(told)).toEqual(before);

    await inTransaction(() => undefined);
    expect((await audit.find({ phone })).toReversed().map(told)).toEqual([
      ...before,
      'grant_used',
      'number_activated',
      'number_released: mistake',
    ]);
  });

  it('SEC-62: records that an operator stopped sending, the refused starts, and the resumption', async () => {
    const stop = { region: 'GB', provider: 'capturing' } as const;
    await fixture.operations.stopSending({ ...stop, reason: 'a flood from +447400123456' });
    await fixture.operations.stopSending(stop);
    expect(await outcome(fixture.otp.start({ phone: '+447400123456', purpose, client }))).toBe('send_unavailable');
    await fixture.operations.resumeSending(stop);
    await fixture.operations.resumeSending(stop);

    const rows = await fixture.dataSource.query(
      `SELECT event, outcome, provider FROM ${fixture.schema}.otp_audit ORDER BY id DESC LIMIT 3`,
    );

    expect(rows).toEqual([
      { event: 'sending_resumed', outcome: 'GB', provider: 'capturing' },
      { event: 'limited', outcome: 'provider_stopped', provider: null },
      { event: 'sending_stopped', outcome: 'GB', provider: 'capturing' },
    ]);
  });

  it('SEC-62: has no entry for a start that fails as a whole', async () => {
    const { dataSource, schema } = fixture;
    await dataSource.query(`ALTER TABLE ${schema}.otp_challenges ADD CONSTRAINT none CHECK (region <> 'GB')`);

    expect(await outcome(fixture.otp.start({ phone: '+447400999999', purpose, client }))).toBe('service_unavailable');

    expect(await audit.find({ phone: '+447400999999' })).toEqual([]);
    await dataSource.query(`ALTER TABLE ${schema}.otp_challenges DROP CONSTRAINT none`);
  });

  it('waits for the disk for all that counts, but not for refusals that change nothing else', async () => {
    const { dataSource, schema } = fixture;
    await dataSource.query(`CREATE TABLE ${schema}.commits (id bigint, fact text, waits text)`);
    await dataSource.query(`CREATE FUNCTION ${schema}.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO ${schema}.commits VALUES (NEW.id, concat_ws(': ', NEW.event, NEW.outcome), current_setting('synchronous_commit'));
      RETURN NULL; END $$`);
    await dataSource.query(`CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON ${schema}.otp_audit
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${schema}.at_commit()`);
    const { phone, challenge, code } = await start();
    await storyOf(phone, 2);
    await outcome(fixture.otp.start({ phone, purpose, client }));
    await outcome(verify(challenge, wrongCode(code)));
    await outcome(verify(challenge, code, { purpose: 'login' }));
    const { grant } = await verify(challenge, code);
    await outcome(fixture.otp.resend({ challenge, client }));
    await fixture.numbers.activate(grant, SUBJECT);
    await dataSource.query(`DROP TRIGGER at_commit ON ${schema}.otp_audit`);

    const commits = await dataSource.query(`SELECT fact, waits FROM ${schema}.commits ORDER BY id`);

    expect(commits.map(({ fact, waits }: { fact: string; waits: string }) => `${fact} (${waits})`)).toEqual([
      'started (on)',
      'sent: sent (off)', // the result of a message, which may be lost
      'limited: cooldown (off)',
      'refused: wrong_code (on)',
      'refused: other_purpose (off)',
      'verified (on)',
      'refused: no_resend (off)',
      'grant_used (on)',
      'number_activated (on)',
    ]);
  });

  it("SEC-62: cannot be changed, and recent entries cannot be deleted, even by the table's owner or a superuser", async () => {
    await start();
    const { dataSource, schema } = fixture;
    const table = `${schema}.otp_audit`;
    const before = await fixture.rows('otp_audit');

    for (const sql of [
      `UPDATE ${table} SET outcome = 'sent'`,
      `UPDATE ${table} SET at = now() - interval '31 days'`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `INSERT INTO ${table} (id, event) OVERRIDING SYSTEM VALUE SELECT id, event FROM ${table}
        ON CONFLICT (id) DO UPDATE SET event = 'sent'`,
    ]) {
      await expect(dataSource.query(sql)).rejects.toMatchObject({ code: '42501' });
    }

    expect((await fixture.rows('otp_audit')).length).toBeGreaterThanOrEqual(before.length);
  });

  it('never takes a number for an account, even if a host uses numbers as account ids', async () => {
    const [phone, old] = [newPhone(), newPhone()];
    await fixture.own(phone, old);
    await fixture.otp.start({ phone, purpose: 'change_number', client, subject: old });
    await fixture.operations.unlock(old);

    expect(await audit.find({ account: old })).toEqual([]);
    expect(JSON.stringify(await fixture.rows('otp_audit'))).not.toContain(old);
  });

  it("keeps a host's release reason only if it is a single word", async () => {
    const phone = newPhone();
    await fixture.own(phone, SUBJECT);
    await fixture.numbers.release(phone, SUBJECT, `asked for by ${phone}\nby phone`);

    expect((await audit.find({ phone })).map(told)).toEqual(['number_released']);
  });

  describe('a query of the audit', () => {
    it('returns pages, newest first, between two times', async () => {
      const { phone, challenge, code } = await start();
      await storyOf(phone, 2);
      await outcome(verify(challenge, wrongCode(code)));
      const all = await audit.find({ phone });

      const [newest] = await audit.find({ phone, limit: 1 });
      const rest = await audit.find({ phone, before: newest!.id });
      const [oldest] = all.slice(-1);

      expect([newest, ...rest]).toEqual(all);
      expect(await audit.find({ phone, since: newest!.at })).toContainEqual(newest);
      expect(await audit.find({ phone, since: new Date(newest!.at.getTime() + 1) })).toEqual([]);
      expect(await audit.find({ phone, until: oldest!.at })).toEqual([]);
      expect(await audit.find({ phone: newPhone() })).toEqual([]);
    });

    it.each([
      ['nothing', {}],
      ['two at once', { phone: '+966512345678', account: 'a' }],
    ])('SEC-57: is rejected for %s', async (_, query) => {
      await expect(audit.find(query as never)).rejects.toMatchObject({
        code: 'request_invalid',
        message: 'Pass exactly one of "phone", "account" and "challengeId".',
      });
    });

    it.each([
      ['nothing by name', { phone: undefined }],
      ['an invalid challenge', { challengeId: 'x' }],
      ['an invalid number of entries', { account: 'a', limit: 0 }],
      ['too many entries', { account: 'a', limit: 1001 }],
      ['an invalid page', { account: 'a', before: '1; DROP TABLE' }],
      ['an invalid date', { account: 'a', since: new Date(Number.NaN) }],
    ])('SEC-57: is rejected for %s', async (_, query) => {
      await expect(audit.find(query as never)).rejects.toMatchObject({ code: 'request_invalid' });
    });
  });
});

/** Everything that fake timers could replace, except the date. */
const FAKEABLE = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const as never;

describe('the audit of vendors', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());
  const story = async () =>
    ((await fixture.dataSource.query(`SELECT * FROM ${fixture.schema}.otp_audit ORDER BY id`)) as AuditEntry[]).map(
      (entry) => `${told(entry)}${entry.provider ? ` @${entry.provider}` : ''}`,
    );

  it('SEC-62: records attempts at the vendor’s codes before the vendor is asked, and their results', async () => {
    const vendor = new ScriptedVendor({}, 'vendor');
    fixture = await otpFixture({ provider: vendor });
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    await until('it is sent', async () => (await story()).length === 2);
    const code = vendor.codeFor(phone);
    await outcome(fixture.otp.verify({ challenge, code: wrongCode(code), purpose }));
    await until('the refusal is recorded', async () => (await story()).length === 4);
    await fixture.otp.verify({ challenge, code, purpose });
    await outcome(fixture.otp.verify({ challenge, code, purpose }));

    expect(await story()).toEqual([
      'started @vendor',
      'sent: sent @vendor',
      'attempted @vendor',
      'refused: wrong_code @vendor',
      'attempted @vendor',
      'verified @vendor',
      'refused: consumed @vendor',
    ]);
  });

  it('SEC-62: records a right code that came too late because another message was requested meanwhile', async () => {
    const vendor = new ScriptedVendor({}, 'vendor');
    fixture = await otpFixture({ provider: vendor });
    const phone = newPhone();
    const { challenge } = await fixture.otp.start({ phone, purpose, client });
    await until('it is sent', async () => (await story()).length === 2);
    vendor.answerCheck = async (receipt) => {
      await fixture.otp.cancel({ challenge });
      return receipt;
    };

    expect(await outcome(fixture.otp.verify({ challenge, code: vendor.codeFor(phone), purpose }))).toBe('otp_invalid');

    expect((await story()).slice(2)).toEqual(['attempted @vendor', 'cancelled @vendor', 'refused: overtaken @vendor']);
  });

  it('SEC-62: records each provider that was asked, and a failure reported to an account', async () => {
    const first = new ScriptedProvider(async () => ({ outcome: 'unauthorized' }), 'first');
    const second = new ScriptedProvider(async () => ({ outcome: 'invalid_number' }), 'second');
    fixture = await otpFixture({ provider: new Failover([first, second]) });
    const phone = newPhone();
    await fixture.own(phone, SUBJECT);
    const asked = { phone, purpose: 'change_number', client, subject: SUBJECT };

    expect(await outcome(fixture.otp.start(asked))).toBe('send_unavailable');

    expect(await story()).toEqual(['started @first', 'failed: unauthorized @first', 'failed: invalid_number @second']);
  });
});

describe('an audit that is off', () => {
  /** Calls everything that the module offers, once. @returns the results */
  async function everything(options: Partial<OtpModuleOptions>) {
    const fixture = await otpFixture({ options, metadata: { imports: [EventEmitterModule.forRoot()] } });
    const events = new EventLog(fixture.app);
    const answers: unknown[] = [];
    const trips: Record<string, number> = {};
    const queries = jest.spyOn(pg.Client.prototype, 'query');
    const textOf = ([query]: unknown[]) => (query as { text?: string }).text ?? String(query);
    const count = async <T>(name: string, call: () => Promise<T>): Promise<T | undefined> => {
      queries.mockClear();
      const value = await call().catch((error: OtpError) => void answers.push([name, error.code, error.message]));
      // Excludes the result of a message, which is written after the answer, and the set-up of a new connection.
      const others = /otp_log_sends|otp_warm_up|^ROLLBACK$/;
      trips[name] = queries.mock.calls.map(textOf).filter((text) => !others.test(text)).length;
      answers.push([name, Object.keys(value ?? {})]);
      return value as T | undefined;
    };
    const phone = newPhone();
    try {
      const started = (await count('start', () => fixture.otp.start({ phone, purpose, client })))!;
      const { challenge } = started;
      await until('it is sent', async () => events.of('otp.sent').length === 1);
      await count('start, limited', () => fixture.otp.start({ phone, purpose, client }));
      await elapse(fixture.dataSource, 61);
      await count('resend', () => fixture.otp.resend({ challenge, client }));
      await until('it is sent again', async () => events.of('otp.sent').length === 2);
      const code = fixture.sms.lastCode(phone)!;
      await count('verify, wrong', () => fixture.otp.verify({ challenge, code: wrongCode(code), purpose }));
      const { grant } = (await count('verify', () => fixture.otp.verify({ challenge, code, purpose })))!;
      await count('verify, used', () => fixture.otp.verify({ challenge, code, purpose }));
      await count('cancel', () => fixture.otp.cancel({ challenge }));
      await count('unlock', () => fixture.operations.unlock(phone));
      await fixture.dataSource.transaction(async (manager) => {
        await count('activate', () => fixture.numbers.activate(grant, SUBJECT, manager));
        await count('release', () => fixture.numbers.release(phone, SUBJECT, 'test', manager));
      });
      fixture.app.get(Notices).send('number_changed', phone);
      return { answers, trips, told: events.all.map(({ name }) => name), rows: await fixture.rows('otp_audit') };
    } finally {
      queries.mockRestore();
      await fixture.close();
    }
  }

  it('SEC-62: writes nothing and changes neither answers nor round trips', async () => {
    const on = await everything({});
    const off = await everything({ audit: false });

    expect(off.rows).toEqual([]);
    expect(on.rows.length).toBeGreaterThan(10);
    expect(off.answers).toEqual(on.answers);
    expect(off.told).toEqual(on.told);
    expect(off.trips).toEqual(on.trips);
    expect(on.trips).toMatchObject({ start: 1, 'start, limited': 1, verify: 1, 'verify, wrong': 1, activate: 1 });
    evidence('SEC-62', {
      entries: on.rows.length,
      roundTripsOfStart: on.trips.start!,
      roundTripsOff: off.trips.start!,
    });
  });
});
