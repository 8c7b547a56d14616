import { jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  Notices,
  type OtpModuleOptions,
  type OtpProvider,
  type OtherFactor,
  type PhoneAccount,
  PhoneAccounts,
  type StartRequest,
} from 'nestjs-phone-otp';
import type { NumberChange } from 'nestjs-phone-otp/types';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { headerCallers, post, seen } from '../support/http.js';
import { holding, isHeld, waiting } from '../support/locks.js';
import { ACTION, type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { outcome, tallyOf } from '../support/outcomes.js';
import { changeNumber, logIn, prove } from '../support/proofs.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const client = { address: '203.0.113.7' };
const DAY = 86_400;

interface Opened extends Fixture {
  events: EventLog;
}

async function open({
  options,
  provider,
  providers = [],
}: { options?: Partial<OtpModuleOptions>; provider?: OtpProvider; providers?: object[] } = {}): Promise<Opened> {
  const fixture = await otpFixture({
    adapter: new ExpressAdapter(),
    routes: { prefix: 'otp' },
    options: { ...options },
    metadata: { imports: [EventEmitterModule.forRoot()], providers: [headerCallers, ...providers] as never },
    poolSize: 20,
    ...(provider && { provider }),
  });
  return { ...fixture, events: new EventLog(fixture.app) };
}

const forOneTest: Opened[] = [];
afterEach(async () => {
  for (const fixture of forOneTest.splice(0)) await fixture.close();
});

/** Like {@link open}, but closed when the test ends. */
async function openForTest(wanted?: Parameters<typeof open>[0]): Promise<Opened> {
  const fixture = await open(wanted);
  forOneTest.push(fixture);
  return fixture;
}

/** An account with a number, a new one for each test. */
let accounts = 0;
async function customer(fixture: Fixture, daysAgo = 0): Promise<{ account: string; phone: string }> {
  const [account, phone] = [`account-${++accounts}`, newPhone()];
  await fixture.own(phone, account, daysAgo);
  return { account, phone };
}

/** Both codes that a change of number needs. */
async function changeGrants(
  fixture: Fixture,
  subject: string,
  from: string,
  to: string,
  more: Pick<StartRequest, 'session'> = {},
): Promise<NumberChange> {
  const current = await prove(fixture, { phone: from, purpose: 'change_number', subject, ...more });
  const next = await prove(fixture, { phone: to, purpose: 'verify_number', subject, ...more });
  return { currentNumberGrant: current.grant, newNumberGrant: next.grant, ...more };
}

const start = (fixture: Fixture, phone: string, purpose: string, subject?: string) =>
  fixture.otp.start({
    phone,
    purpose,
    client,
    ...(subject !== undefined && { subject }),
    ...(purpose === 'transaction' && { action: ACTION }),
  });

/** Clears all cooldowns, so that one phone can be proved many times. */
const forgetSends = ({ dataSource, schema }: Fixture) => dataSource.query(`DELETE FROM ${schema}.otp_send_counters`);

async function lastProved(fixture: Fixture, phone: string): Promise<number> {
  const [binding] = await fixture.numbers.history({ phone });
  return binding!.lastProvedAt.getTime();
}

const masked = (phone: string) => `+966*******${phone.slice(-2)}`;

describe('the ledger', () => {
  let fixture: Opened;
  beforeAll(async () => {
    fixture = await open({ options: { purposes: { cash_out: { startedBy: 'anyone' } } } });
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await forgetSends(fixture);
    fixture.sms.clear();
    fixture.events.clear();
  });

  describe('reports', () => {
    it('the owner of a number, the numbers of an account, and their history', async () => {
      const { account, phone } = await customer(fixture, 10);
      const { grant, phone: second } = await prove(fixture, { purpose: 'verify_number', subject: account });
      await fixture.numbers.activate(grant, account, undefined, { purpose: 'verify_number', subject: account });

      await fixture.numbers.release(phone, account, 'account_closed');
      await fixture.own(phone, 'account-next');

      expect(await fixture.numbers.ownerOf(phone)).toBe('account-next');
      expect(await fixture.numbers.ownerOf(second)).toBe(account);
      expect(await fixture.numbers.ownerOf(newPhone())).toBeNull();
      expect(await fixture.numbers.numbersOf(account)).toMatchObject([{ phone: second, owner: account }]);
      expect(await fixture.numbers.history({ phone })).toMatchObject([
        { owner: 'account-next', releasedAt: null, releaseReason: null },
        { owner: account, source: 'registration', releasedAt: expect.any(Date), releaseReason: 'account_closed' },
      ]);
      expect(await fixture.numbers.history({ owner: account })).toMatchObject([
        { phone: second, source: 'verify_number', releasedAt: null },
        { phone, source: 'registration', releasedAt: expect.any(Date) },
      ]);
    });

    it('that nothing was released if the number is not that account’s', async () => {
      const { account, phone } = await customer(fixture);

      expect(await fixture.numbers.release(phone, 'another account', 'theft')).toBe(false);
      expect(await fixture.numbers.release(newPhone(), account, 'typo')).toBe(false);
      expect(await fixture.numbers.ownerOf(phone)).toBe(account);
      expect(fixture.events.of('otp.number_released')).toEqual([]);
      expect(await fixture.numbers.release(phone, account, 'account_closed')).toBe(true);
      expect(await fixture.numbers.release(phone, account, 'account_closed')).toBe(false);
      expect(fixture.events.of('otp.number_released')).toEqual([
        { owner: account, phone: masked(phone), reason: 'account_closed' },
      ]);
    });
  });

  describe('a number that is released', () => {
    it('SEC-11: invalidates the code that was sent for it before', async () => {
      const { account, phone } = await customer(fixture);
      const { challenge } = await start(fixture, phone, 'login');
      const code = await fixture.codeFor(phone);

      await fixture.numbers.release(phone, account, 'account_closed');
      await fixture.own(phone, 'account-next');

      expect(await outcome(fixture.otp.verify({ challenge, code, purpose: 'login' }))).toBe('otp_unavailable');
      expect(fixture.events.of('otp.refused')).toMatchObject([{ reason: 'number_released' }]);
    });

    it('SEC-11: invalidates the grant that was given for it before', async () => {
      const { account, phone } = await customer(fixture);
      const { grant } = await prove(fixture, { phone, purpose: 'login' });

      await fixture.numbers.release(phone, account, 'account_closed');
      await fixture.own(phone, 'account-next');

      expect(await outcome(fixture.grants.check(grant, { purpose: 'login' }))).toBe('grant_invalid');
      expect(await outcome(fixture.grants.consume(grant, { purpose: 'login' }))).toBe('grant_invalid');
      expect(fixture.events.of('otp.refused')).toMatchObject([
        { reason: 'number_released' },
        { reason: 'number_released' },
      ]);
    });

    it('SEC-11: is not taken back by a grant that is used at the same moment', async () => {
      const { account, phone } = await customer(fixture);
      const proof = { purpose: 'verify_number', subject: account };
      const { grant } = await prove(fixture, { phone, ...proof });

      const { activating } = await fixture.dataSource.transaction(async (manager) => {
        await fixture.numbers.release(phone, account, 'account_closed', manager);
        const activating = outcome(fixture.numbers.activate(grant, account, undefined, proof));
        await waiting(fixture, 1);
        return { activating }; // not awaited before the commit, for which it waits
      });

      expect(await activating).toBe('grant_invalid');
      expect(await fixture.numbers.ownerOf(phone)).toBeNull();
    });

    it('SEC-11: is not taken back by a grant that was used just before', async () => {
      const { account, phone } = await customer(fixture);
      const proof = { purpose: 'verify_number', subject: account };
      const { grant } = await prove(fixture, { phone, ...proof });

      const binding = fixture.dataSource.transaction(async (manager) => {
        const proved = await fixture.grants.consume(grant, proof, manager);
        await fixture.numbers.release(phone, account, 'account_closed');
        await fixture.numbers.bind(proved, account, manager);
      });

      expect(await outcome(binding)).toBe('grant_invalid');
      expect(await fixture.numbers.ownerOf(phone)).toBeNull();
    });

    it('SEC-48: returns to its former account by a fresh code, as a new binding without a hold', async () => {
      const { account, phone } = await customer(fixture, 10);
      await fixture.numbers.release(phone, account, 'travelling');
      const proof = { purpose: 'verify_number', subject: account };
      const { grant } = await prove(fixture, { phone, ...proof });

      const number = await fixture.numbers.activate(grant, account, undefined, proof);

      expect(number).toMatchObject({ owner: account, heldUntil: null });
      expect(await fixture.numbers.history({ phone })).toMatchObject([
        { owner: account, source: 'verify_number', releasedAt: null },
        { owner: account, source: 'registration', releaseReason: 'travelling' },
      ]);
    });

    it('SEC-11: can be proved by anyone from then on', async () => {
      const { account, phone } = await customer(fixture);
      await fixture.numbers.release(phone, account, 'account_closed');

      const { grant } = await prove(fixture, { phone });

      const next = `account-${++accounts}`;
      await expect(fixture.numbers.activate(grant, next)).resolves.toMatchObject({ owner: next, heldUntil: null });
    });
  });

  describe('a change of number', () => {
    it('SEC-49: ends one binding and begins another, and both are history', async () => {
      const { account, phone: from } = await customer(fixture, 10);
      const to = newPhone();

      const number = await changeNumber(fixture, account, from, to);

      expect(number).toMatchObject({ phone: to, owner: account });
      expect(number.heldUntil!.getTime() - number.verifiedAt.getTime()).toBe(DAY * 1000);
      expect(await fixture.numbers.ownerOf(from)).toBeNull();
      expect(await fixture.numbers.history({ owner: account })).toMatchObject([
        { phone: to, source: 'verify_number', releasedAt: null, releaseReason: null },
        { phone: from, source: 'registration', releasedAt: expect.any(Date), releaseReason: 'changed' },
      ]);
      expect(fixture.events.of('otp.number_changed')).toEqual([{ owner: account, from: masked(from), to: masked(to) }]);
    });

    it('SEC-49: cannot be made with a stolen session alone', async () => {
      const { account, phone: from } = await customer(fixture);
      const session = 'a stolen session';
      const thiefs = newPhone();
      const { grant } = await prove(fixture, { phone: thiefs, purpose: 'verify_number', subject: account, session });

      for (const currentNumberGrant of ['', 'x'.repeat(64), grant]) {
        const change = fixture.numbers.change(account, { currentNumberGrant, newNumberGrant: grant, session });
        expect(await outcome(change)).toBe(currentNumberGrant === '' ? 'grant_required' : 'grant_invalid');
      }
      const own = { phone: thiefs, purpose: 'change_number', subject: account, session, client };
      expect(await outcome(fixture.otp.start(own))).toBe('phone_missing');
      expect(await fixture.numbers.ownerOf(from)).toBe(account);
      expect(await fixture.numbers.ownerOf(thiefs)).toBeNull();
    });

    it('SEC-49: cannot be made by adding a number: that one is on hold, and the old one stays', async () => {
      const { account, phone: first } = await customer(fixture, 30);
      const thiefs = newPhone();
      const { grant } = await prove(fixture, { phone: thiefs, purpose: 'verify_number', subject: account });
      await fixture.numbers.activate(grant, account, undefined, { purpose: 'verify_number', subject: account });

      await forgetSends(fixture);
      expect(await outcome(start(fixture, thiefs, 'transaction', account))).toBe('phone_on_hold');
      expect((await fixture.numbers.numbersOf(account)).map(({ phone }) => phone)).toEqual([first, thiefs]);
      expect(await outcome(start(fixture, first, 'transaction', account))).toBe('ok');

      await fixture.elapse(DAY);
      expect((await fixture.numbers.numbersOf(account)).map(({ phone }) => phone)).toEqual([thiefs, first]);
    });

    it('SEC-49: cannot be made by releasing the number first: a number added within the hold is on hold', async () => {
      const { account, phone } = await customer(fixture);
      await fixture.numbers.release(phone, account, 'lost');
      const { grant } = await prove(fixture, { purpose: 'verify_number', subject: account });
      const proof = { purpose: 'verify_number', subject: account };

      const number = await fixture.numbers.activate(grant, account, undefined, proof);

      expect(number.heldUntil).not.toBeNull();
    });

    it('SEC-49: puts neither a first number on hold, nor one that is proved again beside another', async () => {
      const { account, phone: first } = await customer(fixture);
      await fixture.own(newPhone(), account);
      const again = await prove(fixture, { phone: first, purpose: 'verify_number', subject: account });
      const proof = { purpose: 'verify_number', subject: account };

      await expect(fixture.numbers.activate(again.grant, account, undefined, proof)).resolves.toMatchObject({
        heldUntil: null,
      });
      const { grant } = await prove(fixture);
      await expect(fixture.numbers.activate(grant, `account-${++accounts}`)).resolves.toMatchObject({
        heldUntil: null,
      });
    });

    it.each<[what: string, wrong: (account: string, from: string, to: string) => Promise<Partial<NumberChange>>]>([
      ['the current number’s of another account', async () => ({ currentNumberGrant: await strangers() })],
      [
        'the new number’s of another account',
        async (_, __, to) => ({ newNumberGrant: await granted(to, 'verify_number', 'another account', 'session-1') }),
      ],
      [
        'the current number’s of another session',
        async (account, from) => ({ currentNumberGrant: await granted(from, 'change_number', account, 'session-2') }),
      ],
      [
        'the new number’s of another session',
        async (account, _, to) => ({ newNumberGrant: await granted(to, 'verify_number', account, 'session-2') }),
      ],
      [
        'the current number’s of another purpose',
        async (account, from) => ({ currentNumberGrant: await granted(from, 'verify_number', account, 'session-1') }),
      ],
      [
        'the new number’s of a registration',
        async (_, __, to) => ({ newNumberGrant: await granted(to, 'registration') }),
      ],
      [
        'the new number’s of no session',
        async (account, _, to) => ({ newNumberGrant: await granted(to, 'verify_number', account) }),
      ],
      ['another session named', async () => ({ session: 'session-2' })],
    ])('SEC-49: is refused with a grant that does not match, %s, and leaves both grants valid', async (_, wrong) => {
      const { account, phone: from } = await customer(fixture);
      const to = newPhone();
      const session = 'session-1';
      const right = await changeGrants(fixture, account, from, to, { session });
      const forged = { ...right, ...(await wrong(account, from, to)) };

      expect(await outcome(fixture.numbers.change(account, forged))).toBe('grant_invalid');

      expect(await fixture.numbers.ownerOf(from)).toBe(account);
      expect(await fixture.numbers.ownerOf(to)).toBeNull();
      expect(fixture.events.of('otp.grant_used')).toEqual([]);
      expect(await outcome(fixture.numbers.change(account, right))).toBe('ok');
    });

    async function granted(phone: string, purpose: string, subject?: string, session?: string): Promise<string> {
      await forgetSends(fixture);
      const who = { ...(subject !== undefined && { subject }), ...(session !== undefined && { session }) };
      return (await prove(fixture, { phone, purpose, ...who })).grant;
    }
    async function strangers(): Promise<string> {
      const { account, phone } = await customer(fixture);
      return granted(phone, 'change_number', account, 'session-1');
    }

    it('SEC-49: is refused to the same number and to a taken one, and leaves both grants valid', async () => {
      const { account, phone: from } = await customer(fixture);
      const { account: other, phone: taken } = await customer(fixture);
      const same = await changeGrants(fixture, account, from, taken);
      await forgetSends(fixture);
      const itself = await prove(fixture, { phone: from, purpose: 'verify_number', subject: account });

      const twice = { ...same, newNumberGrant: itself.grant };
      expect(await outcome(fixture.numbers.change(account, twice))).toBe('request_invalid');
      expect(await outcome(fixture.numbers.change(account, same))).toBe('phone_already_activated');

      expect(await fixture.numbers.ownerOf(from)).toBe(account);
      expect(fixture.events.of('otp.number_changed')).toEqual([]);
      await fixture.numbers.release(taken, other, 'account_closed');
      await forgetSends(fixture);
      const anew = await prove(fixture, { phone: taken, purpose: 'verify_number', subject: account });
      expect(await outcome(fixture.numbers.change(account, { ...same, newNumberGrant: anew.grant }))).toBe('ok');
    });

    it('SEC-49: happens once for one number among parallel requests', async () => {
      const { account, phone: from } = await customer(fixture);
      const changes: NumberChange[] = [];
      for (let n = 0; n < 8; n++) {
        await forgetSends(fixture);
        changes.push(await changeGrants(fixture, account, from, newPhone()));
      }

      const outcomes = await Promise.all(changes.map((change) => outcome(fixture.numbers.change(account, change))));

      expect(tallyOf(outcomes)).toEqual({ ok: 1, grant_invalid: 7 });
      evidence('SEC-49', { parallelChangesOfOneNumber: 8, successes: 1 });
      expect(await fixture.numbers.numbersOf(account)).toHaveLength(1);
      expect(fixture.events.of('otp.number_changed')).toHaveLength(1);
    });

    it('SEC-49: between two accounts that swap numbers does not deadlock, and no number has two owners', async () => {
      const [one, other] = [await customer(fixture), await customer(fixture)];
      const there = await changeGrants(fixture, one.account, one.phone, other.phone);
      await forgetSends(fixture);
      const back = await changeGrants(fixture, other.account, other.phone, one.phone);
      const row = ({ phone }: { phone: string }) => `otp_verified_numbers WHERE phone = '${phone}'`;
      const [freeOne, freeOther] = [await holding(fixture, row(one)), await holding(fixture, row(other))];

      // Each waits for the first number it locks; then one of them waits for its second, which the other may already
      // have.
      const changes = [
        outcome(fixture.numbers.change(one.account, there)),
        outcome(fixture.numbers.change(other.account, back)),
      ];
      await waiting(fixture, 2);
      await freeOne();
      await until('a transaction locked the one number', () => isHeld(fixture, row(one)));
      await waiting(fixture, 2);
      await freeOther();

      expect(await Promise.all(changes)).toEqual(['phone_already_activated', 'phone_already_activated']);
      expect(await fixture.numbers.ownerOf(one.phone)).toBe(one.account);
      expect(await fixture.numbers.ownerOf(other.phone)).toBe(other.account);
    });

    it('SEC-49: between two accounts that swap numbers fails in any order, only because the numbers are taken', async () => {
      const swaps = 8;
      const outcomes: string[] = [];
      for (let n = 0; n < swaps; n++) {
        const [one, other] = [await customer(fixture), await customer(fixture)];
        const there = await changeGrants(fixture, one.account, one.phone, other.phone);
        await forgetSends(fixture);
        const back = await changeGrants(fixture, other.account, other.phone, one.phone);
        await forgetSends(fixture);
        const changes = [
          () => fixture.numbers.change(one.account, there),
          () => fixture.numbers.change(other.account, back),
        ];

        const inOrder = n % 2 === 0 ? changes : changes.toReversed();
        outcomes.push(...(await Promise.all(inOrder.map((change) => outcome(change())))));

        expect(await fixture.numbers.ownerOf(one.phone)).toBe(one.account);
        expect(await fixture.numbers.ownerOf(other.phone)).toBe(other.account);
        expect(await fixture.numbers.history({ phone: one.phone })).toHaveLength(1);
      }

      expect(tallyOf(outcomes)).toEqual({ phone_already_activated: 2 * swaps });
      evidence('SEC-49', { parallelSwaps: swaps, moved: 0, numbersWithTwoOwners: 0, deadlocksTold: 0 });
    });

    it('SEC-49: waits without a deadlock for a transaction that proved the number and then releases it', async () => {
      const { account, phone } = await customer(fixture);
      const proof = { purpose: 'second_factor', subject: account };
      const { grant } = await prove(fixture, { phone, ...proof });
      await forgetSends(fixture);
      const change = await changeGrants(fixture, account, phone, newPhone());

      const { changing } = await fixture.dataSource.transaction(async (manager) => {
        await fixture.grants.consume(grant, proof, manager);
        const changing = outcome(fixture.numbers.change(account, change));
        await waiting(fixture, 1);
        await fixture.numbers.release(phone, account, 'account_closed', manager);
        return { changing }; // not awaited before the commit, for which it waits
      });

      expect(await changing).toBe('grant_invalid');
      expect(await fixture.numbers.numbersOf(account)).toEqual([]);
    });

    it('SEC-49: between two accounts that swap numbers works in sequence, each with fresh codes', async () => {
      const [one, other] = [await customer(fixture), await customer(fixture)];
      const early = await prove(fixture, { phone: other.phone, purpose: 'verify_number', subject: one.account });
      await forgetSends(fixture);

      // One releases its number, the other moves there, and the first takes the freed number.
      await fixture.numbers.release(other.phone, other.account, 'swapped');
      const { currentNumberGrant, newNumberGrant } = await changeGrants(fixture, one.account, one.phone, other.phone);
      const tooEarly = { currentNumberGrant, newNumberGrant: early.grant };
      expect(await outcome(fixture.numbers.change(one.account, tooEarly))).toBe('grant_invalid');
      await fixture.numbers.change(one.account, { currentNumberGrant, newNumberGrant });
      await forgetSends(fixture);
      const proof = { purpose: 'verify_number', subject: other.account };
      const { grant } = await prove(fixture, { phone: one.phone, ...proof });
      const number = await fixture.numbers.activate(grant, other.account, undefined, proof);

      expect(await fixture.numbers.ownerOf(other.phone)).toBe(one.account);
      expect(await fixture.numbers.ownerOf(one.phone)).toBe(other.account);
      expect(number.heldUntil).not.toBeNull();
      expect((await fixture.numbers.numbersOf(one.account))[0]!.heldUntil).not.toBeNull();
    });

    it.each([17, {}, null, ['ar']])(
      'SEC-49: cannot be hidden from the old number with the language %p',
      async (locale) => {
        const { account, phone: from } = await customer(fixture);
        const grants = await changeGrants(fixture, account, from, newPhone());

        const change = { ...grants, locale: locale as string };
        expect(await outcome(fixture.numbers.change(account, change))).toBe('request_invalid');
        expect(await fixture.numbers.ownerOf(from)).toBe(account);
        expect(await outcome(fixture.numbers.change(account, grants))).toBe('ok');
      },
    );

    it('SEC-49: notifies only the old number, in the account’s language', async () => {
      const { account, phone: from } = await customer(fixture);
      const to = newPhone();
      const grants = await changeGrants(fixture, account, from, to);
      fixture.sms.clear();

      await fixture.numbers.change(account, { ...grants, locale: 'ar-SA' });

      await until('the notice is reported', () => fixture.events.of('otp.notice').length === 1);
      expect(fixture.sms.messages()).toMatchObject([
        {
          phone: from,
          purpose: 'number_changed',
          locale: 'ar',
          text: expect.stringContaining('تغير رقم حسابك في Acme'),
        },
      ]);
      expect(fixture.sms.messages()[0]!.text).not.toMatch(/\d{4}/);
      expect(fixture.events.of('otp.notice')).toEqual([
        { notice: 'number_changed', phone: masked(from), outcome: 'sent' },
      ]);
    });
  });

  describe('two accounts that prove one number at the same time', () => {
    it('B7: each have their own challenge, and the number goes to the first', async () => {
      const phone = newPhone();
      const [one, other] = [(await customer(fixture)).account, (await customer(fixture)).account];
      const begun = [];
      for (const subject of [one, other]) {
        await fixture.elapse(61);
        fixture.sms.clear();
        const { challenge } = await start(fixture, phone, 'verify_number', subject);
        begun.push({ challenge, code: await fixture.codeFor(phone), purpose: 'verify_number', subject });
      }
      const [mine, theirs] = begun as [(typeof begun)[0], (typeof begun)[0]];

      // Neither can verify for the other, even with the code in the other's message.
      expect(await outcome(fixture.otp.verify({ ...theirs, subject: one }))).toBe('otp_unavailable');
      expect(await outcome(fixture.otp.verify({ ...mine, subject: other }))).toBe('otp_unavailable');
      if (mine.code !== theirs.code) {
        expect(await outcome(fixture.otp.verify({ ...mine, code: theirs.code }))).toBe('otp_invalid');
      }
      const grants = [await fixture.otp.verify(mine), await fixture.otp.verify(theirs)].map(({ grant }) => grant);
      const activate = (subject: string, grant: string) =>
        fixture.numbers.activate(grant, subject, undefined, { purpose: 'verify_number', subject });

      expect(await outcome(activate(other, grants[0]!))).toBe('grant_invalid');
      expect(await outcome(activate(other, grants[1]!))).toBe('ok');
      expect(await outcome(activate(one, grants[0]!))).toBe('phone_already_activated');
      expect(await fixture.numbers.ownerOf(phone)).toBe(other);
    });
  });

  describe('a number that was changed', () => {
    const changed = async () => {
      const { account, phone: from } = await customer(fixture);
      const phone = newPhone();
      await changeNumber(fixture, account, from, phone);
      await forgetSends(fixture);
      fixture.sms.clear();
      return { account, phone, from };
    };

    it.each(['transaction', 'change_number'])(
      'SEC-49: confirms no %s of a signed-in account for 24 hours, and reports until when',
      async (purpose) => {
        const { account, phone } = await changed();

        await expect(start(fixture, phone, purpose, account)).rejects.toMatchObject({
          code: 'phone_on_hold',
          retryAfterSeconds: DAY,
        });
        await fixture.elapse(DAY - 60);
        await expect(start(fixture, phone, purpose, account)).rejects.toMatchObject({
          code: 'phone_on_hold',
          retryAfterSeconds: 60,
        });
        expect(fixture.sms.messages()).toEqual([]);
        await fixture.elapse(60);
        expect(await outcome(start(fixture, phone, purpose, account))).toBe('ok');
      },
    );

    it('SEC-49: reports the hold over HTTP with 403 and "Retry-After"', async () => {
      const { account, phone } = await changed();

      const body = { phone, purpose: 'change_number' };
      const answer = await post(fixture.app, '/otp/start', body, { 'x-account': account });

      expect(answer).toMatchObject({ status: 403, json: { code: 'phone_on_hold', retryAfter: DAY } });
      expect(answer.headers.get('retry-after')).toBe(String(DAY));
    });

    it('SEC-49: resets no password for 24 hours, which the answers do not reveal', async () => {
      const { phone } = await changed();
      const { phone: settled } = await customer(fixture);
      const story = async (of: string) => {
        const started = await post(fixture.app, '/otp/start', { phone: of, purpose: 'password_reset' });
        const again = await post(fixture.app, '/otp/start', { phone: of, purpose: 'password_reset' });
        const { challenge } = started.json;
        const verified = await post(fixture.app, '/otp/verify', {
          challenge,
          code: '000000',
          purpose: 'password_reset',
        });
        return [started, again, verified].map(seen);
      };

      const onHold = await story(phone);
      expect(fixture.sms.messages(phone)).toEqual([]);

      expect(onHold).toEqual(await story(settled));
      expect(fixture.sms.messages(settled)).toHaveLength(1);
      await fixture.elapse(DAY);
      await post(fixture.app, '/otp/start', { phone, purpose: 'password_reset' });
      await until('the code was sent', () => fixture.sms.messages(phone).length === 1);
    });

    it('SEC-49: also confirms nothing with a grant from before the change', async () => {
      const { account, phone: from } = await customer(fixture);
      const phone = newPhone();
      const { grant } = await prove(fixture, { phone, purpose: 'cash_out' });
      await forgetSends(fixture);
      await changeNumber(fixture, account, from, phone);

      expect(await outcome(fixture.grants.check(grant, { purpose: 'cash_out' }))).toBe('grant_invalid');
      expect(await outcome(fixture.grants.consume(grant, { purpose: 'cash_out' }))).toBe('grant_invalid');
      expect(fixture.events.of('otp.refused')).toMatchObject([
        { reason: 'number_on_hold' },
        { reason: 'number_on_hold' },
      ]);
    });

    it('SEC-49: still logs in and is still a second factor', async () => {
      const { account, phone } = await changed();

      expect(await outcome(start(fixture, phone, 'second_factor', account))).toBe('ok');
      await forgetSends(fixture);
      const { grant } = await prove(fixture, { phone, purpose: 'login' });
      await expect(logIn(fixture.app, grant)).resolves.toMatchObject({ account: { id: account } });
    });

    it('SEC-49: stays on hold when it is proved again', async () => {
      const { account, phone } = await changed();
      const { grant } = await prove(fixture, { phone, purpose: 'verify_number', subject: account });
      await fixture.numbers.activate(grant, account, undefined, { purpose: 'verify_number', subject: account });

      await forgetSends(fixture);
      expect(await outcome(start(fixture, phone, 'transaction', account))).toBe('phone_on_hold');
    });
  });

  describe('a number that has not been proved for long', () => {
    const purposes = ['transaction', 'change_number'];

    it('SEC-50: confirms nothing after 181 days, until it is proved again', async () => {
      const { account, phone } = await customer(fixture, 181);
      for (const purpose of purposes) {
        expect(await outcome(start(fixture, phone, purpose, account))).toBe('phone_unconfirmed');
      }
      expect(fixture.sms.messages()).toEqual([]);

      const { grant } = await prove(fixture, { phone, purpose: 'verify_number', subject: account });
      const proof = { purpose: 'verify_number', subject: account };
      const number = await fixture.numbers.activate(grant, account, undefined, proof);

      expect(number.lastProvedAt.getTime() - number.verifiedAt.getTime()).toBeGreaterThan(180 * DAY * 1000);
      expect(number.heldUntil).toBeNull();
      expect(await fixture.numbers.history({ phone })).toHaveLength(1);
      for (const purpose of purposes) {
        await forgetSends(fixture);
        expect(await outcome(start(fixture, phone, purpose, account))).toBe('ok');
      }
    });

    it('SEC-50: still confirms after 179 days', async () => {
      const { account, phone } = await customer(fixture, 179);

      for (const purpose of purposes) {
        await forgetSends(fixture);
        expect(await outcome(start(fixture, phone, purpose, account))).toBe('ok');
      }
    });

    it('SEC-50: resets no password after 181 days, which the caller cannot see', async () => {
      const { phone: old } = await customer(fixture, 181);
      const { phone: young } = await customer(fixture, 179);
      const ask = (phone: string) => post(fixture.app, '/otp/start', { phone, purpose: 'password_reset' });

      expect(seen(await ask(old))).toBe(seen(await ask(young)));

      await until('the newer number got its code', () => fixture.sms.messages(young).length === 1);
      expect(fixture.sms.messages(old)).toEqual([]);
    });

    it('SEC-50: is proved by a step-up as well', async () => {
      const { account, phone } = await customer(fixture, 100);
      const proof = { purpose: 'transaction', subject: account, action: ACTION };
      const { grant } = await prove(fixture, { phone, ...proof });

      const { provedAt } = await fixture.grants.consume(grant, proof);

      expect(await lastProved(fixture, phone)).toBe(provedAt.getTime());
    });

    it("SEC-50: is not proved by another account's code", async () => {
      const { phone } = await customer(fixture, 100);
      const before = await lastProved(fixture, phone);
      const { grant } = await prove(fixture, { phone, purpose: 'registration' });

      await fixture.grants.consume(grant, { purpose: 'registration' });

      expect(await lastProved(fixture, phone)).toBe(before);
    });
  });

  describe('in a transaction of the host, the module', () => {
    const events = () =>
      fixture.events.all.map(({ name }) => name).filter((name) => !['otp.started', 'otp.sent'].includes(name));

    /** Everything that notifies someone. */
    async function allOfIt(): Promise<(manager: Parameters<typeof fixture.numbers.change>[2]) => Promise<void>> {
      const { account, phone: from } = await customer(fixture);
      const grants = await changeGrants(fixture, account, from, newPhone());
      const registered = await prove(fixture);
      const { account: closed, phone: left } = await customer(fixture);
      fixture.events.clear();
      fixture.sms.clear();
      return async (manager) => {
        await fixture.numbers.activate(registered.grant, `account-${++accounts}`, manager);
        await fixture.numbers.change(account, grants, manager);
        await fixture.numbers.release(left, closed, 'account_closed', manager);
        fixture.app.get(Notices).send('password_changed', left, { manager });
      };
    }
    const told = [
      'otp.grant_used',
      'otp.number_activated',
      'otp.grant_used',
      'otp.grant_used',
      'otp.number_activated',
      'otp.number_changed',
      'otp.number_released',
    ];

    it('SEC-49: notifies nobody before the commit, and everybody after it', async () => {
      const work = await allOfIt();

      await fixture.dataSource.transaction(async (manager) => {
        await work(manager);
        expect(events()).toEqual([]);
      });

      expect(events().filter((name) => name !== 'otp.notice')).toEqual(told);
      await until('both notices were sent', () => fixture.events.of('otp.notice').length === 2);
      expect(
        fixture.sms
          .messages()
          .map(({ purpose }) => purpose)
          .toSorted(),
      ).toEqual(['number_changed', 'password_changed']);
    });

    it('SEC-49: notifies nobody after a rollback', async () => {
      const work = await allOfIt();
      const rolledBack = new Error('of the host');

      const transaction = fixture.dataSource.transaction(async (manager) => {
        await work(manager);
        throw rolledBack;
      });

      await expect(transaction).rejects.toBe(rolledBack);
      await fixture.dataSource.transaction(async () => undefined); // anything left over would arrive now
      expect(events()).toEqual([]);
      expect(fixture.sms.messages()).toEqual([]);
      // Nothing was used: the same calls work again.
      await fixture.dataSource.transaction(work);
      expect(fixture.events.of('otp.number_changed')).toHaveLength(1);
    });

    it('SEC-49: notifies nobody of work rolled back to a savepoint, even if the transaction commits', async () => {
      const [kept, undone] = [await allOfIt(), await allOfIt()];

      await fixture.dataSource.transaction(async (manager) => {
        await manager.transaction((inner) => kept(inner));
        await manager
          .transaction(async (inner) => {
            await inner.transaction((innermost) => undone(innermost));
            throw new Error('of the host');
          })
          .catch(() => undefined);
        expect(events()).toEqual([]);
      });

      expect(events().filter((name) => name !== 'otp.notice')).toEqual(told);
      await until('both notices were sent', () => fixture.events.of('otp.notice').length === 2);
      expect(fixture.sms.messages()).toHaveLength(2);
    });

    it('SEC-48: leaves a serialization failure to the host, which alone can run the transaction again', async () => {
      const { account, phone } = await customer(fixture);
      const change = fixture.dataSource.transaction('SERIALIZABLE', async (manager) => {
        await manager.query('SELECT 1'); // takes its snapshot
        await fixture.dataSource.query(
          `UPDATE ${fixture.schema}.otp_verified_numbers SET last_proved_at = now() WHERE phone = $1`,
          [phone],
        );
        await fixture.numbers.release(phone, account, 'account_closed', manager);
      });

      await expect(change).rejects.toMatchObject({ code: '40001' });
      expect(await fixture.numbers.ownerOf(phone)).toBe(account);
      expect(fixture.events.of('otp.number_released')).toEqual([]);
    });
  });
});

describe('a number that another account proves', () => {
  const DAYS_AGO = { transfer: 0, transfer_unconfirmed: 181 };

  it.each([0, 181, 4000])('SEC-48: stays with its owner under "refuse", proved %p days ago', async (daysAgo) => {
    const fixture = await openForTest({ options: { takenNumbers: 'refuse' } });
    const { account, phone } = await customer(fixture, daysAgo);
    const { grant } = await prove(fixture, { phone });

    for (let n = 0; n < 2; n++) {
      expect(await outcome(fixture.numbers.activate(grant, 'account-new'))).toBe('phone_already_activated');
    }
    await fixture.numbers.release(phone, account, 'account_closed');

    // The refusals did not spend its grant, but it is out of date.
    expect(await outcome(fixture.numbers.activate(grant, 'account-new'))).toBe('grant_invalid');
    expect(await fixture.numbers.history({ phone })).toMatchObject([{ owner: account }]);
  });

  it('SEC-48: stays with its owner by default if they proved it within 180 days', async () => {
    const fixture = await openForTest();
    const { account, phone } = await customer(fixture, 179);
    const { grant } = await prove(fixture, { phone });

    expect(await outcome(fixture.numbers.activate(grant, 'account-new'))).toBe('phone_already_activated');

    expect(await fixture.numbers.ownerOf(phone)).toBe(account);
    expect(fixture.events.of('otp.number_transferred')).toEqual([]);
    expect(await fixture.rows('otp_grants')).toMatchObject([{ consumed_at: null }]);
  });

  describe.each(Object.entries(DAYS_AGO) as [keyof typeof DAYS_AGO, number][])(
    'under "%s",',
    (takenNumbers, daysAgo) => {
      let fixture: Opened;
      beforeAll(async () => (fixture = await open({ options: { takenNumbers } })));
      afterAll(() => fixture.close());
      beforeEach(async () => {
        await forgetSends(fixture);
        fixture.events.clear();
      });

      it(`SEC-48: goes to the account that proves it after ${daysAgo} days, with an event and both in its history`, async () => {
        const { account, phone } = await customer(fixture, daysAgo);
        const { grant } = await prove(fixture, { phone });
        const next = `account-${++accounts}`;

        const number = await fixture.numbers.activate(grant, next);

        expect(number).toMatchObject({ owner: next, phone });
        expect(fixture.events.of('otp.number_transferred')).toEqual([
          { from: account, to: next, phone: masked(phone) },
        ]);
        expect(await fixture.numbers.history({ phone })).toMatchObject([
          { owner: next, releasedAt: null },
          { owner: account, releasedAt: expect.any(Date), releaseReason: 'transferred' },
        ]);
        expect(await fixture.numbers.numbersOf(account)).toEqual([]);
      });

      it('SEC-11: invalidates what its old owner had begun', async () => {
        const { account, phone } = await customer(fixture, daysAgo);
        const login = await prove(fixture, { phone, purpose: 'login' });
        await forgetSends(fixture);
        const pending = await fixture.otp.start({ phone, purpose: 'second_factor', subject: account, client });
        const code = await fixture.codeFor(phone);
        await forgetSends(fixture);
        const { grant } = await prove(fixture, { phone });

        await fixture.numbers.activate(grant, `account-${++accounts}`);

        expect(await outcome(fixture.grants.consume(login.grant, { purpose: 'login' }))).toBe('grant_invalid');
        const attempt = { ...pending, code, purpose: 'second_factor', subject: account };
        expect(await outcome(fixture.otp.verify(attempt))).toBe('otp_unavailable');
      });

      it('T2: logs in to the new account from then on, and no longer to the former one', async () => {
        const { account, phone } = await customer(fixture, daysAgo);
        const next = `account-${++accounts}`;
        const { grant } = await prove(fixture, { phone });
        await fixture.numbers.activate(grant, next);
        await forgetSends(fixture);

        const login = await prove(fixture, { phone, purpose: 'login' });

        await expect(logIn(fixture.app, login.grant)).resolves.toMatchObject({ account: { id: next } });
        await forgetSends(fixture);
        expect(await outcome(start(fixture, phone, 'transaction', account))).toBe('phone_missing');
        expect(await outcome(start(fixture, phone, 'change_number', account))).toBe('phone_missing');
      });

      it('SEC-48: goes to one of 32 accounts that race for it, and then to no other', async () => {
        const { account, phone } = await customer(fixture, daysAgo);
        const grants: string[] = [];
        for (let n = 0; n < 32; n++) {
          await forgetSends(fixture);
          grants.push((await prove(fixture, { phone })).grant);
        }

        const outcomes = await Promise.all(
          grants.map((grant, n) => outcome(fixture.numbers.activate(grant, `racer-${n}`))),
        );

        expect(outcomes.filter((code) => code === 'ok')).toHaveLength(1);
        // Which error occurs depends on whether they read before or after the winner's commit.
        expect(outcomes.filter((code) => !['ok', 'grant_invalid', 'phone_already_activated'].includes(code))).toEqual(
          [],
        );
        evidence('SEC-48', { policy: takenNumbers, racingAccounts: 32, owners: 1 });
        const winner = `racer-${outcomes.indexOf('ok')}`;
        evidence('SEC-48', { accounts: 32, owners: 1 });
        expect(fixture.events.of('otp.number_transferred')).toMatchObject([{ from: account, to: winner }]);
        expect(await fixture.numbers.history({ phone })).toMatchObject([{ owner: winner }, { owner: account }]);
      });
    },
  );

  it('SEC-48: is not taken by a code that is older than its owner’s, even under "transfer"', async () => {
    const fixture = await openForTest({ options: { takenNumbers: 'transfer' } });
    const { grant, phone } = await prove(fixture);
    await forgetSends(fixture);
    const newer = await prove(fixture, { phone });
    await fixture.numbers.activate(newer.grant, 'account-first');

    expect(await outcome(fixture.numbers.activate(grant, 'account-late'))).toBe('phone_already_activated');

    await forgetSends(fixture);
    const newest = await prove(fixture, { phone });
    expect(await outcome(fixture.numbers.activate(newest.grant, 'account-late'))).toBe('ok');
  });
});

describe('with the host’s decision on its accounts,', () => {
  /** A host's accounts, which a test can block. */
  @Injectable()
  class HostAccounts extends PhoneAccounts {
    known = new Map<string, string>();
    blocked = new Set<string>();
    factor: OtherFactor = 'none';
    asked: string[] = [];

    override async findByPhone(phone: string): Promise<PhoneAccount | null> {
      const id = this.known.get(phone);
      return id === undefined || this.blocked.has(id) ? null : { id };
    }

    override async mayUse(subject: string): Promise<boolean> {
      return !this.blocked.has(subject);
    }

    override async otherFactor(subject: string): Promise<OtherFactor> {
      this.asked.push(subject);
      return this.factor;
    }
  }

  let fixture: Opened;
  let host: HostAccounts;
  beforeAll(async () => {
    fixture = await open({ providers: [{ provide: PhoneAccounts, useClass: HostAccounts }] });
    host = fixture.app.get<HostAccounts>(PhoneAccounts);
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await forgetSends(fixture);
    fixture.events.clear();
    host.factor = 'none';
    host.asked = [];
  });
  const known = async (daysAgo = 0) => {
    const found = await customer(fixture, daysAgo);
    host.known.set(found.phone, found.account);
    return found;
  };

  it.each([
    ['signed in', 'transaction', true],
    ['not signed in', 'login', false],
    ['not signed in', 'password_reset', false],
  ])('SEC-11: an account, %s, that is blocked after the start of a %s cannot verify', async (_, purpose, signedIn) => {
    const { account, phone } = await known();
    const who = signedIn ? { subject: account } : {};
    const { challenge } = await start(fixture, phone, purpose, signedIn ? account : undefined);
    const code = await fixture.codeFor(phone);

    host.blocked.add(account);

    expect(await outcome(fixture.otp.verify({ challenge, code, purpose, ...who }))).toBe('otp_unavailable');
    expect(fixture.events.of('otp.refused')).toMatchObject([{ purpose, reason: 'account_refused' }]);
    expect(fixture.events.of('otp.verified')).toEqual([]);
    // Not even after it is unblocked: the code was used.
    host.blocked.delete(account);
    expect(await outcome(fixture.otp.verify({ challenge, code, purpose, ...who }))).toBe('otp_unavailable');
  });

  it.each([
    ['signed in', 'transaction', true],
    ['not signed in', 'login', false],
    ['not signed in', 'password_reset', false],
  ])(
    'SEC-11: an account, %s, that is blocked after the code of a %s cannot use the grant',
    async (_, purpose, signedIn) => {
      const { account, phone } = await known();
      const proof = { purpose, ...(signedIn && { subject: account, action: ACTION }) };
      const { grant } = await prove(fixture, { phone, ...proof });

      host.blocked.add(account);

      expect(await outcome(fixture.grants.check(grant, proof))).toBe('grant_invalid');
      const inTransaction = fixture.dataSource.transaction((manager) => fixture.grants.consume(grant, proof, manager));
      expect(await outcome(inTransaction)).toBe('grant_invalid');
      expect(await outcome(fixture.grants.consume(grant, proof))).toBe('grant_invalid');
      expect(fixture.events.of('otp.refused')).toMatchObject(
        Array.from({ length: 3 }, () => ({ purpose, reason: 'account_refused' })),
      );
      expect(fixture.events.of('otp.grant_used')).toEqual([]);
    },
  );

  it('SEC-11: any answer but "true" means no', async () => {
    const { account, phone } = await known();
    const forgetful = host.mayUse.bind(host);
    const proof = { purpose: 'transaction', subject: account, action: ACTION };
    const { grant } = await prove(fixture, { phone, ...proof });

    host.mayUse = async () => undefined as never;
    try {
      expect(await outcome(fixture.grants.consume(grant, proof))).toBe('grant_invalid');
    } finally {
      host.mayUse = forgetful;
    }
  });

  it('SEC-11: any empty value means that the account is unknown', async () => {
    const find = host.findByPhone.bind(host);
    const phone = newPhone();

    host.findByPhone = async () => undefined as never;
    try {
      expect(await outcome(start(fixture, phone, 'login'))).toBe('ok');
    } finally {
      host.findByPhone = find;
    }
    expect(fixture.events.of('otp.started')).toMatchObject([{ decoy: true }]);
  });

  it.each<OtherFactor>(['none', 'missing'])(
    'SEC-50: a login after 91 days is refused if the other factor is %p',
    async (factor) => {
      const { account, phone } = await known(91);
      const before = await lastProved(fixture, phone);
      host.factor = factor;
      const { grant } = await prove(fixture, { phone, purpose: 'login' });

      expect(await outcome(logIn(fixture.app, grant))).toBe('other_factor_needed');

      expect(host.asked).toEqual([account]);
      expect(fixture.events.of('otp.dormant_refused')).toEqual([{ owner: account, phone: masked(phone) }]);
      expect(await lastProved(fixture, phone)).toBe(before);
      expect(await outcome(logIn(fixture.app, grant))).toBe('grant_invalid');
    },
  );

  it('SEC-50: a login after 91 days is refused if its number is released while the other factor is asked for', async () => {
    const { account, phone } = await known(91);
    const { grant } = await prove(fixture, { phone, purpose: 'login' });
    const asking = jest.spyOn(host, 'otherFactor').mockImplementationOnce(async () => {
      await fixture.numbers.release(phone, account, 'account_closed');
      return 'proved';
    });

    expect(await outcome(logIn(fixture.app, grant))).toBe('grant_invalid');

    asking.mockRestore();
    expect(await fixture.numbers.ownerOf(phone)).toBeNull();
  });

  it('SEC-50: a login after 91 days succeeds with another factor, and the next one without', async () => {
    const { account, phone } = await known(91);
    host.factor = 'proved';
    const first = await prove(fixture, { phone, purpose: 'login' });

    await expect(logIn(fixture.app, first.grant)).resolves.toMatchObject({ account: { id: account }, phone });
    expect(Date.now() - (await lastProved(fixture, phone))).toBeLessThan(DAY * 1000);

    host.factor = 'missing';
    await forgetSends(fixture);
    const next = await prove(fixture, { phone, purpose: 'login' });
    await expect(logIn(fixture.app, next.grant)).resolves.toMatchObject({ account: { id: account } });
    expect(host.asked).toEqual([account]);
    expect(fixture.events.of('otp.dormant_refused')).toEqual([]);
  });

  it('SEC-50: a login after 89 days succeeds and renews the proof date', async () => {
    const { account, phone } = await known(89);
    const { grant } = await prove(fixture, { phone, purpose: 'login' });

    await expect(logIn(fixture.app, grant)).resolves.toMatchObject({ account: { id: account } });

    expect(Date.now() - (await lastProved(fixture, phone))).toBeLessThan(DAY * 1000);
    expect(host.asked).toEqual([]);
  });

  it('SEC-50: without an answer of the host, a dormant account needs a factor that nobody can prove', async () => {
    const without = await openForTest();
    const { phone } = await customer(without, 91);
    const { grant } = await prove(without, { phone, purpose: 'login' });

    expect(await outcome(logIn(without.app, grant))).toBe('other_factor_needed');
  });
});

describe('with a vendor that makes its own codes and texts,', () => {
  let fixture: Opened;
  const vendor = new ScriptedVendor();
  beforeAll(async () => (fixture = await open({ provider: vendor })));
  afterAll(() => fixture.close());
  beforeEach(() => forgetSends(fixture));

  async function started(phone: string, purpose: string, subject?: string) {
    const { challenge } = await start(fixture, phone, purpose, subject);
    await until('the vendor was asked for a code', () => vendor.starts.some((begun) => begun.phone === phone));
    return { challenge, code: vendor.codeFor(phone), purpose, ...(subject !== undefined && { subject }) };
  }

  it('SEC-49: a change of number is reported only by an event, for the host to notify the person', async () => {
    const { account, phone: from } = await customer(fixture);
    const to = newPhone();
    const { grant: currentNumberGrant } = await fixture.otp.verify(await started(from, 'change_number', account));
    const { grant: newNumberGrant } = await fixture.otp.verify(await started(to, 'verify_number', account));
    const starts = vendor.starts.length;

    await fixture.numbers.change(account, { currentNumberGrant, newNumberGrant });

    await until('it was reported', () => fixture.events.of('otp.notice').length === 1);
    expect(fixture.events.of('otp.notice')).toEqual([
      { notice: 'number_changed', phone: masked(from), outcome: 'not_supported' },
    ]);
    expect(vendor.starts).toHaveLength(starts);
  });

  it('SEC-11: a number that is released while the vendor checks loses its code', async () => {
    const { account, phone } = await customer(fixture);
    const attempt = await started(phone, 'login');
    vendor.answerCheck = async (receipt) => {
      await fixture.numbers.release(phone, account, 'account_closed');
      await fixture.own(phone, 'account-next');
      return receipt;
    };
    try {
      expect(await outcome(fixture.otp.verify(attempt))).toBe('otp_invalid');
    } finally {
      vendor.answerCheck = async (receipt) => receipt;
    }

    expect(vendor.checks.at(-1)).toMatchObject({ code: attempt.code });
    expect(await outcome(fixture.otp.verify(attempt))).toBe('otp_unavailable');
    expect((await fixture.rows('otp_grants')).filter((grant) => grant.phone === phone)).toEqual([]);
  });
});
