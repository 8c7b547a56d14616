import { evidence } from '../support/evidence.js';
import { ask, Fleet, ISOLATION_LEVELS, type Operation, type Outcome, tally } from '../support/fleet.js';
import { newPhone } from '../support/otp-fixture.js';

const purpose = 'registration';
const client = { address: '203.0.113.7' };
const TTL = 300;
const CLOCKS_OFF_HOURS = [0, 1, -1];

let fleet: Fleet;
beforeAll(async () => (fleet = await Fleet.launch(CLOCKS_OFF_HOURS.map((hours) => hours * 3_600_000))));
afterAll(() => fleet.close());

describe.each(ISOLATION_LEVELS)('SEC-05: at %s', (isolation) => {
  beforeAll(() => fleet.open({ isolation, poolSize: 4 }));

  const subjectLock = "pg_advisory_xact_lock(hashtextextended(tier || encode(subject_hash, 'hex'), 1))"; // as lock_subject locks it

  it.each([
    ['locked its challenge and committed', 'SELECT FROM otp_challenges WHERE id = $1 FOR UPDATE', 'COMMIT'],
    ['changed its challenge and committed', 'UPDATE otp_challenges SET locale = locale WHERE id = $1', 'COMMIT'],
    ['changed its challenge and rolled back', 'UPDATE otp_challenges SET locale = locale WHERE id = $1', 'ROLLBACK'],
    ['held the lock of the subject and committed', `SELECT ${subjectLock} FROM otp_challenges WHERE id = $1`, 'COMMIT'],
    [
      'held the lock of the subject and rolled back',
      `SELECT ${subjectLock} FROM otp_challenges WHERE id = $1`,
      'ROLLBACK',
    ],
  ] as const)('refuses a right code that expired while it waited for a transaction that %s', async (_, hold, end) => {
    const { id, challenge, code } = await started();
    const row = 'otp_challenges WHERE id = $1';

    const outcome = await expiringMeanwhile({ row, id, hold, end }, ask.verify({ challenge, code, purpose }));

    expect(outcome).toMatchObject({ code: 'otp_unavailable' });
    expect(await fleet.sql(`SELECT attempts, ended_at FROM ${row}`, [id])).toEqual([{ attempts: 0, ended_at: null }]);
    expect(await fleet.sql('SELECT FROM otp_grants WHERE id = $1', [id])).toEqual([]);
    evidence('SEC-05', { isolation, expiredWhileWaiting: 1, successes: 0 });
  });

  it.each([
    ['locked it and committed', 'SELECT FROM otp_grants WHERE id = $1 FOR UPDATE', 'COMMIT'],
    ['used it and rolled back', 'UPDATE otp_grants SET consumed_at = now() WHERE id = $1', 'ROLLBACK'],
  ] as const)('refuses a grant that expired while it waited for a transaction that %s', async (_, hold, end) => {
    const { id, challenge, code } = await started();
    const { grant } = await fleet.do(ask.verify({ challenge, code, purpose }));
    const row = 'otp_grants WHERE id = $1';

    const outcome = await expiringMeanwhile({ row, id, hold, end }, ask.consume(grant, { purpose }));

    expect(outcome).toMatchObject({ code: 'grant_invalid' });
    expect(await fleet.sql(`SELECT consumed_at FROM ${row}`, [id])).toEqual([{ consumed_at: null }]);
  });
});

describe('FLT-20: with one process an hour ahead and one an hour behind, the module', () => {
  beforeAll(async () => {
    await fleet.open({ poolSize: 4 });

    const clocks = await Promise.all(fleet.members.map((member) => member.call<number>('clock')));

    expect(clocks.map((clock) => Math.floor((clock - Date.now()) / 3_600_000 + 0.5))).toEqual(CLOCKS_OFF_HOURS);
  });

  it('lets any process verify the code of any other, and a third one use its grant', async () => {
    for (const starting of fleet.members) {
      for (const verifying of fleet.members) {
        const { challenge, code } = await started(starting);
        const verified = await verifying.outcomeOf(ask.verify({ challenge, code, purpose }));

        const used = await fleet.outcomeOf(ask.consume(verified.value!.grant, { purpose }));

        expect(tally([verified, used])).toEqual({ ok: 2 });
      }
    }
    evidence('FLT-20', { clocksOffInHours: CLOCKS_OFF_HOURS.join(' '), pairs: 9, verified: 9, granted: 9 });
  });

  it("returns the database's times", async () => {
    for (const member of fleet.members) {
      const { id, expiresAt, resendAt } = await started(member);

      const [row] = await fleet.sql(
        `SELECT expires_at, created_at + interval '60 s' AS resend_at, expires_at - created_at = interval '300 s' AS lives,
          created_at BETWEEN clock_timestamp() - interval '1 min' AND clock_timestamp() AS made_now
        FROM otp_challenges WHERE id = $1`,
        [id],
      );
      expect({ expiresAt, resendAt }).toEqual({ expiresAt: row!.expires_at, resendAt: row!.resend_at });
      expect(row).toMatchObject({ lives: true, made_now: true });
    }
  });

  it('applies the cooldown in every process', async () => {
    const { phone } = await started();

    const outcomes = await fleet.race(fleet.members.map(() => ask.start({ phone, purpose, client })));

    expect(tally(outcomes)).toEqual({ otp_too_soon: 3 });
    evidence('FLT-20', { startsWithinTheCooldown: 3, messages: 0 });
    for (const { retryAfterSeconds } of outcomes) expect(retryAfterSeconds).toBeLessThanOrEqual(60);
  });

  it('refuses an expired code and an expired grant in every process', async () => {
    const { challenge, code } = await started();
    const other = await started();
    const { grant } = await fleet.do(ask.verify({ challenge: other.challenge, code: other.code, purpose }));
    await fleet.elapse(TTL);

    const verified = await fleet.race(fleet.members.map(() => ask.verify({ challenge, code, purpose })));
    const used = await fleet.race(fleet.members.map(() => ask.consume(grant, { purpose })));

    expect(tally([...verified, ...used])).toEqual({ otp_unavailable: 3, grant_invalid: 3 });
    evidence('FLT-20', { usesOfWhatExpired: 6, successes: 0 });
  });

  it('purges nothing that is alive in any process', async () => {
    const { challenge, code } = await started();

    await fleet.race(fleet.members.map(() => ask.purge()));

    expect(await fleet.outcomeOf(ask.verify({ challenge, code, purpose }))).toMatchObject({ code: 'ok' });
  });
});

/** Starts a challenge, by default at the first process, and returns it with its code. */
async function started(member = fleet.members[0]!) {
  const phone = newPhone();
  const { value } = await member.outcomeOf(ask.start({ phone, purpose, client }));
  const id = value!.challenge.split('.')[0]!;
  return { ...value!, id, phone, code: await fleet.codeFor(phone) };
}

interface Holding {
  /** The row that expires, as it follows FROM; `$1` is `id`, here and in `hold`. */
  row: string;
  id: string;
  hold: string;
  end: 'COMMIT' | 'ROLLBACK';
}

/** Runs an operation against locked rows and releases them only after the row has expired. */
async function expiringMeanwhile<T>({ row, id, hold, end }: Holding, operation: Operation<T>): Promise<Outcome<T>> {
  const [table] = row.split(' ');
  const soon = `clock_timestamp() + interval '0.4 s'`; // well below the 2 seconds that a statement waits for a lock
  await fleet.sql(`UPDATE ${table} SET expires_at = ${soon} WHERE ${row.slice(row.indexOf('WHERE') + 6)}`, [id]);
  const holder = fleet.database.createQueryRunner();
  await holder.startTransaction();
  await holder.query(hold, [id]);

  const running = fleet.outcomeOf(operation);
  await fleet.waiting(1);
  await holder.query(`SELECT pg_sleep_until(expires_at) FROM ${row}`, [id]);
  await (end === 'COMMIT' ? holder.commitTransaction() : holder.rollbackTransaction());
  await holder.release();
  return running;
}
