import { evidence } from '../support/evidence.js';
import { ask, Fleet, type Member, tally } from '../support/fleet.js';
import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

const purpose = 'registration';
const client = { address: '203.0.113.7' };
const COOLDOWN = 60;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.launch([0, 0]); // each test kills a third of them
  await fleet.open({ poolSize: 4 });
});
afterAll(() => fleet.close());

describe('FLT-17: a process killed between its commit and the call to the provider', () => {
  it('has no effect if its statement had not run: the next start need not wait', async () => {
    const request = { phone: newPhone(), purpose, client };
    const doomed = await fleet.join('before_start');
    const answer = doomed.outcomeOf(ask.start(request));
    await killAtItsMoment(doomed);

    await fleet.do(ask.start(request));

    expect(await answer).toEqual({ code: 'lost' });
    expect(await fleet.messages(1, request.phone)).toHaveLength(1);
    expect(await statusesOf(request.phone)).toHaveLength(1);
  });

  it('has sent nothing, and the challenge can be resent after the cooldown', async () => {
    const phone = newPhone();
    const doomed = await fleet.join('before_send');
    const { challenge } = (await doomed.outcomeOf(ask.start({ phone, purpose, client }))).value!;
    await killAtItsMoment(doomed);

    const early = await fleet.outcomeOf(ask.resend({ challenge, client }));
    await fleet.elapse(COOLDOWN);
    await fleet.do(ask.purge());
    const forgotten = [await statusesOf(phone), await outcomesOf(phone)];
    await fleet.do(ask.resend({ challenge, client }));

    expect(early).toMatchObject({ code: 'otp_too_soon' });
    evidence('FLT-17', { messagesOfTheKilled: 0, messagesAfterTheCooldown: 1 });
    expect(forgotten).toEqual([['pending'], ['no_answer']]);
    expect(await fleet.messages(1, phone)).toHaveLength(1);
    const code = await fleet.codeFor(phone);
    expect(await fleet.outcomeOf(ask.verify({ challenge, code, purpose }))).toMatchObject({ code: 'ok' });
  });

  it('does not block a new start if its answer was lost as well', async () => {
    const request = { phone: newPhone(), purpose: 'verify_number', subject: 'account-1', client };
    const { phone } = request;
    const doomed = await fleet.join('before_send');
    const answer = doomed.outcomeOf(ask.start(request));
    await killAtItsMoment(doomed);

    await fleet.elapse(COOLDOWN);
    const { challenge } = await fleet.do(ask.start(request));

    expect(await answer).toEqual({ code: 'lost' });
    const code = await fleet.codeFor(phone);
    expect(await fleet.messages(1, phone)).toHaveLength(1);
    await until('the message is recorded', async () => (await outcomesOf(phone)).length > 0);
    expect(await outcomesOf(phone)).toEqual(['sent']);
    expect(await statusesOf(phone)).toEqual(['superseded', 'pending']);
    const verify = ask.verify({ challenge, code, purpose: 'verify_number', subject: 'account-1' });
    expect(await fleet.outcomeOf(verify)).toMatchObject({ code: 'ok' });
  });
});

describe('FLT-18: a process killed between the call to the provider and its recording', () => {
  it('leaves a code that can be verified, while the message still counts as pending', async () => {
    const { phone, challenge, code } = await startedByTheKilled();

    const before = [await statusesOf(phone), await outcomesOf(phone)];
    const verified = await fleet.outcomeOf(ask.verify({ challenge, code, purpose }));

    expect(before).toEqual([['pending'], []]);
    expect(verified).toMatchObject({ code: 'ok' });
  });

  it('leaves a message that neither a purge nor new processes send a second time', async () => {
    const { phone, challenge, code } = await startedByTheKilled();

    await fleet.do(ask.purge());
    const early = await outcomesOf(phone);
    await fleet.elapse(COOLDOWN);
    await fleet.restart();
    await fleet.do(ask.purge());

    expect(early).toEqual([]);
    expect(await outcomesOf(phone)).toEqual(['no_answer']);
    expect(await statusesOf(phone)).toEqual(['pending']);
    expect(fleet.sms.messages(phone)).toHaveLength(1);
    evidence('FLT-18', { restarts: 1, messages: 1 });
    expect(await fleet.outcomeOf(ask.verify({ challenge, code, purpose }))).toMatchObject({ code: 'ok' });
  });

  async function startedByTheKilled() {
    const phone = newPhone();
    const doomed = await fleet.join('after_send');
    const { challenge } = (await doomed.outcomeOf(ask.start({ phone, purpose, client }))).value!;
    await killAtItsMoment(doomed);
    return { phone, challenge, code: await fleet.codeFor(phone) };
  }
});

describe('FLT-19: a process killed between the commit of a verified code and its answer', () => {
  it('has spent the code: nobody can verify it again, and a new start works', async () => {
    const phone = newPhone();
    const { challenge } = await fleet.do(ask.start({ phone, purpose, client }));
    const code = await fleet.codeFor(phone);
    const doomed = await fleet.join('after_verify');
    const answer = doomed.outcomeOf(ask.verify({ challenge, code, purpose }));
    await killAtItsMoment(doomed);

    const again = await fleet.race(Array.from({ length: 8 }, () => ask.verify({ challenge, code, purpose })));

    expect(await answer).toEqual({ code: 'lost' });
    expect(tally(again)).toEqual({ otp_unavailable: 8 });
    evidence('FLT-19', { rightCodesAfterIt: 8, successes: 0 });
    expect(await statusesOf(phone)).toEqual(['consumed']);
    const grants = await fleet.sql('SELECT consumed_at FROM otp_grants WHERE phone = $1', [phone]);
    expect(grants).toEqual([{ consumed_at: null }]); // made, but nobody holds it
    await fleet.elapse(COOLDOWN);
    const next = await fleet.do(ask.start({ phone, purpose, client }));
    await fleet.messages(2, phone);
    const verify = ask.verify({ challenge: next.challenge, code: await fleet.codeFor(phone), purpose });
    expect(await fleet.outcomeOf(verify)).toMatchObject({ code: 'ok' });
  });
});

describe('FLT-19: a process killed while its verify waits in the database', () => {
  it('spends the code at most, even if the server still executes the statement', async () => {
    const phone = newPhone();
    const { challenge } = await fleet.do(ask.start({ phone, purpose, client }));
    const code = await fleet.codeFor(phone);
    const doomed = await fleet.join();
    const holder = fleet.database.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT FROM otp_challenges WHERE phone = $1 FOR UPDATE', [phone]);
    const answer = doomed.outcomeOf(ask.verify({ challenge, code, purpose }));
    await fleet.waiting(1);

    await fleet.kill(doomed);
    await holder.rollbackTransaction();
    await holder.release();
    const again = await fleet.race(Array.from({ length: 8 }, () => ask.verify({ challenge, code, purpose })));

    expect(await answer).toEqual({ code: 'lost' });
    const grants = await fleet.sql('SELECT consumed_at FROM otp_grants WHERE phone = $1', [phone]);
    expect(grants).toEqual([{ consumed_at: null }]);
    expect(tally(again).ok ?? 0).toBeLessThanOrEqual(1); // none, unless the server noticed in time that nobody waits
    expect(Object.keys(tally(again)).filter((each) => !['ok', 'otp_unavailable'].includes(each))).toEqual([]);
  });
});

async function killAtItsMoment(member: Member): Promise<void> {
  await member.held;
  await fleet.kill(member);
}

async function statusesOf(phone: string): Promise<unknown[]> {
  const rows = await fleet.sql('SELECT status FROM otp_challenges WHERE phone = $1 ORDER BY created_at', [phone]);
  return rows.map(({ status }) => status);
}

/** The records of the messages. */
async function outcomesOf(phone: string): Promise<unknown[]> {
  const rows = await fleet.sql(
    'SELECT s.outcome FROM otp_sends s JOIN otp_challenges c ON c.id = s.challenge_id WHERE c.phone = $1 ORDER BY s.at',
    [phone],
  );
  return rows.map(({ outcome }) => outcome);
}
