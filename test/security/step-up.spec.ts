import { createHash } from 'node:crypto';

import { Controller, Injectable, Post, UseGuards } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { OtpConfigError, StepUp, StepUpGuard } from 'nestjs-phone-otp';
import type { EntityManager } from 'typeorm';

import { EventLog } from '../support/events.js';
import { evidence } from '../support/evidence.js';
import { type Answer, headerCallers, post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { prove } from '../support/proofs.js';
import { ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';
import { actionOf, resets, TransferAction, Vault, VaultController, vaultModule } from '../support/vault.js';

/** A guard that a developer applied by hand. */
@Controller('bare')
class BareController {
  @Post()
  @UseGuards(StepUpGuard)
  open() {
    return { open: true };
  }
}

describe('a step-up', () => {
  let fixture: Fixture;
  let vault: Vault;
  let events: EventLog;
  let phone: string;
  let account: string;
  let accounts = 0;

  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { purposes: { close_account: {} } },
      metadata: {
        ...vaultModule,
        controllers: [VaultController, BareController],
        imports: [EventEmitterModule.forRoot()],
      },
      poolSize: 20,
    });
    vault = fixture.app.get(Vault);
    events = new EventLog(fixture.app);
    await vault.create();
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    account = `account-${++accounts}`;
    phone = newPhone();
    await fixture.own(phone, account);
    events.clear();
  });
  afterEach(() => {
    vault.beforeCommit = async () => undefined;
    vault.afterLoad = async () => undefined;
  });

  const signedIn = (more: object = {}) => ({ 'x-account': account, 'x-session': 'session-1', ...more });
  const confirm = (id: string, grant?: string, headers: object = signedIn()): Promise<Answer> =>
    post(fixture.app, `/vault/transfers/${id}/confirm`, {}, { ...headers, ...(grant && { 'otp-grant': grant }) });
  const close = (grant?: string, headers: object = signedIn()): Promise<Answer> =>
    post(fixture.app, '/vault/close', {}, { ...headers, ...(grant && { 'otp-grant': grant }) });
  const transfer = (more: object = {}) => vault.add({ owner: account, ...more });

  /** Confirms a transfer up to its grant. */
  async function granted(id: string): Promise<string> {
    const asked = await confirm(id);
    expect(asked.status).toBe(401);
    return verified(asked, 'transaction');
  }
  async function verified(asked: Answer, purpose: string): Promise<string> {
    const { challenge } = asked.json;
    const code = await fixture.codeFor(phone);
    const answer = await post(fixture.app, '/otp/verify', { challenge, code, purpose }, signedIn());
    expect(answer).toMatchObject({ status: 200 });
    return answer.json.grant as string;
  }
  const executions = async (id: string) => (await vault.get(id)).executions;
  const grantInvalid = { status: 401, json: { code: 'grant_invalid' } };

  describe('is denied by default', () => {
    it('SEC-38: without "@StepUp" on the handler', async () => {
      await expect(post(fixture.app, '/bare', {}, signedIn())).resolves.toMatchObject({ status: 500 });
    });

    it('SEC-38: to a caller who is not signed in, with a plain 401 and no challenge', async () => {
      const answer = await confirm(await transfer(), undefined, {});

      expect(answer).toMatchObject({ status: 401, json: { code: 'sign_in_required' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(answer.json).not.toHaveProperty('challenge');
    });

    it('SEC-38: if the record cannot be loaded', async () => {
      expect(await confirm('no such transfer')).toMatchObject({ status: 404 });
      expect(await confirm(await transfer({ owner: 'another account' }))).toMatchObject({ status: 404 });
      expect(await confirm(await transfer({ amount: '1e3' }))).toMatchObject({ status: 400 });
      expect(fixture.sms.messages(phone)).toHaveLength(0);
    });

    it('SEC-38: to an account without a number, with an error that says so', async () => {
      account = 'account without a number';

      expect(await confirm(await transfer())).toMatchObject({ status: 403, json: { code: 'phone_missing' } });
    });
  });

  describe('a grant', () => {
    it('SEC-39: executes once in 64 parallel confirmations', async () => {
      const id = await transfer();
      const grant = await granted(id);

      const answers = await Promise.all(Array.from({ length: 64 }, () => confirm(id, grant)));

      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => ![200, 401, 409].includes(status))).toEqual([]);
      expect(await executions(id)).toBe(1);
      evidence('SEC-39', { confirmations: 64, executions: await executions(id) });
    });

    it('SEC-39: runs the handler once in 32 parallel calls whose guard uses it', async () => {
      const grant = await verified(await close(), 'close_account');

      const answers = await Promise.all(Array.from({ length: 32 }, () => close(grant)));

      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(31);
      evidence('SEC-39', { uses: 32, successes: 1 });
    });

    it('SEC-39: is used once even by calls that waited for it together', async () => {
      const grant = await verified(await close(), 'close_account');
      const hash = createHash('sha256').update(Buffer.from(grant, 'base64url').subarray(16)).digest();
      const locked = (manager: EntityManager) =>
        manager.query(`SELECT FROM ${fixture.schema}.otp_grants WHERE hash = $1 FOR UPDATE`, [hash]);

      const answers = await fixture.dataSource.transaction(async (manager) => {
        await locked(manager);
        const calls = Array.from({ length: 8 }, () => close(grant));
        await until('all wait for the grant', async () => {
          const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`;
          return (
            (await fixture.dataSource.query(waiting, [`%${fixture.schema}%otp_consume_grant%`])).length === calls.length
          );
        });
        return { calls }; // not awaited here: they wait for this transaction
      });

      const statuses = (await Promise.all(answers.calls)).map(({ status }) => status);
      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
    });

    it('SEC-39: matches one account, session, purpose and record, for its lifetime', async () => {
      const [mine, other] = [await transfer(), await transfer()];
      const grant = await granted(mine);

      expect(await confirm(mine, grant, signedIn({ 'x-session': 'session-2' }))).toMatchObject(grantInvalid);
      expect(await close(grant)).toMatchObject(grantInvalid);
      const theirs = await vault.add({ owner: 'account-other' });
      expect(await confirm(theirs, grant, { 'x-account': 'account-other', 'x-session': 'session-1' })).toMatchObject(
        grantInvalid,
      );
      await fixture.elapse(301);
      expect(await confirm(mine, grant)).toMatchObject(grantInvalid);
      expect((await executions(mine)) + (await executions(other)) + (await executions(theirs))).toBe(0);
    });

    it('SEC-39: becomes unused again if the action of its handler fails', async () => {
      const id = await transfer();
      const grant = await granted(id);
      vault.beforeCommit = async () => {
        throw new Error('the ledger of the bank is closed');
      };
      expect(await confirm(id, grant)).toMatchObject({ status: 500 });
      expect(events.of('otp.grant_used')).toHaveLength(0);

      vault.beforeCommit = async () => undefined;
      expect(await confirm(id, grant)).toMatchObject({ status: 200 });
      expect(events.of('otp.grant_used')).toMatchObject([{ purpose: 'transaction', subject: account }]);
      expect(await executions(id)).toBe(1);
    });

    it('SEC-39: survives, with the transfer, a connection that dies between its use and the commit', async () => {
      const id = await transfer();
      const grant = await granted(id);
      vault.beforeCommit = async () => {
        await fixture.dataSource.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()
             AND query LIKE '%vault_transfers%executed%' AND query LIKE $1`,
          [`%${fixture.schema}%`],
        );
      };
      expect((await confirm(id, grant)).status).toBeGreaterThanOrEqual(500);
      expect(await executions(id)).toBe(0);

      vault.beforeCommit = async () => undefined;
      expect(await confirm(id, grant)).toMatchObject({ status: 200 });
      expect(await executions(id)).toBe(1);
    });

    it('SEC-42: opens no other route, and nothing opens without one', async () => {
      const id = await transfer();
      const asked = await confirm(id); // a pending challenge
      const stepUp = await confirm(id, undefined, signedIn({ 'x-verified': 'true' }));
      const reset = (grant?: string, body: object = {}) =>
        post(fixture.app, '/vault/reset', body, grant === undefined ? {} : { 'otp-grant': grant });

      expect(stepUp).toMatchObject({ status: 401, json: { code: 'insufficient_user_authentication' } });
      expect(await reset()).toMatchObject({ status: 401, json: { code: 'grant_required' } });
      expect(await reset(asked.json.challenge as string, { verified: true })).toMatchObject(grantInvalid);
      const grant = await verified(asked, 'transaction');
      expect(await reset(grant)).toMatchObject(grantInvalid);
      const { grant: login } = await prove(fixture, { phone, purpose: 'login' });
      expect(await reset(login)).toMatchObject(grantInvalid);
      expect(await confirm(id, login)).toMatchObject(grantInvalid);
      expect(resets).toHaveLength(0);
      expect(await executions(id)).toBe(0);
    });

    it('SEC-39: of a second factor belongs to the account of the login, whoever typed the code', async () => {
      const subject = account;
      const { challenge } = await fixture.otp.start({ phone, purpose: 'second_factor', subject, client: 'server' });
      const code = await fixture.codeFor(phone);
      const { grant } = await fixture.otp.verify({ challenge, code, purpose: 'second_factor' });

      for (const other of [{}, { subject: 'account-other' }]) {
        await expect(fixture.grants.consume(grant, { purpose: 'second_factor', ...other })).rejects.toMatchObject({
          code: 'grant_invalid',
        });
      }
      await expect(fixture.grants.consume(grant, { purpose: 'second_factor', subject })).resolves.toMatchObject({
        subject,
        phone,
      });
    });

    it('SEC-41: of a reset names the account of the proved phone, and only there', async () => {
      const { grant } = await prove(fixture, { phone, purpose: 'password_reset' });

      expect(await close(grant)).toMatchObject(grantInvalid);
      expect(await post(fixture.app, '/vault/reset', {}, { 'otp-grant': grant })).toMatchObject({ status: 204 });
      expect(resets).toEqual([account]);
      expect(await post(fixture.app, '/vault/reset', {}, { 'otp-grant': grant })).toMatchObject(grantInvalid);
      resets.length = 0;
    });
  });

  describe('the confirmed action', () => {
    it('SEC-43: is the stored record, whatever the client claims', async () => {
      const id = await transfer();
      const forged = { amount: '1.00', payee: 'Mallory', currency: 'USD', action: { id: 'other' } };
      const path = `/vault/transfers/${id}/confirm`;

      const asked = await post(fixture.app, path, forged, signedIn());

      expect(fixture.sms.messages(phone)[0]!.text).toContain('250.00 SAR');
      expect(fixture.sms.messages(phone)[0]!.text).toContain('Sara Trading');
      const grant = await verified(asked, 'transaction');
      expect(await post(fixture.app, path, forged, signedIn({ 'otp-grant': grant }))).toMatchObject({ status: 200 });
      expect(await vault.get(id)).toMatchObject({ amount: '250.00', payee: 'Sara Trading', executions: 1 });
    });

    it.each([
      ['its amount by one minor unit', { amount: '250.01' }],
      ['its payee', { payee: 'Sara Tradinq' }],
      ['its currency', { currency: 'AED' }],
    ])('SEC-44: ends for good if %s changes', async (_, change) => {
      const id = await transfer();
      const grant = await granted(id);

      await vault.change(id, change);
      expect(await confirm(id, grant)).toMatchObject(grantInvalid);
      expect(events.of('otp.refused')).toMatchObject([{ purpose: 'transaction', reason: 'other_action' }]);
      await vault.change(id, { amount: '250.00', payee: 'Sara Trading', currency: 'SAR' });

      expect(await confirm(id, grant)).toMatchObject(grantInvalid);
      expect(await executions(id)).toBe(0);
    });

    it('SEC-44: invalidates the pending code', async () => {
      const id = await transfer();
      const asked = await confirm(id);
      await vault.change(id, { amount: '9250.00' });
      expect(await confirm(id)).toMatchObject({ status: 429 }); // the cooldown is not over
      await vault.change(id, { amount: '250.00' });

      const body = { challenge: asked.json.challenge, code: await fixture.codeFor(phone), purpose: 'transaction' };
      expect(await post(fixture.app, '/otp/verify', body, signedIn())).toMatchObject({
        json: { code: 'otp_unavailable' },
      });
    });

    it('SEC-44: leaves the code of another record alone', async () => {
      const [id, other] = [await transfer(), await transfer()];
      const asked = await confirm(id);
      expect(await confirm(other)).toMatchObject({ status: 429 });

      expect(await confirm(id, await verified(asked, 'transaction'))).toMatchObject({ status: 200 });
    });

    it('SEC-47: is read again under the lock: a change after the guard executes nothing and ends the grant', async () => {
      const id = await transfer();
      const grant = await granted(id);
      vault.afterLoad = () => vault.change(id, { payee: 'Mallory' });
      expect(await confirm(id, grant)).toMatchObject(grantInvalid);
      vault.afterLoad = async () => undefined;
      await vault.change(id, { payee: 'Sara Trading' });

      expect(await confirm(id, grant)).toMatchObject(grantInvalid);
      expect(await executions(id)).toBe(0);
    });

    it('SEC-45: is named in the message and in its resend', async () => {
      const id = await transfer({ amount: '1234.50', payee: 'Al Noor' });
      const asked = await confirm(id, undefined, signedIn({ 'accept-language': 'ar-SA,ar;q=0.9' }));
      await fixture.elapse(61);
      const again = await post(fixture.app, '/otp/resend', { challenge: asked.json.challenge }, signedIn());

      expect(again.status).toBe(202);
      expect(fixture.sms.messages(phone)).toHaveLength(2);
      for (const { text } of fixture.sms.messages(phone)) {
        expect(text).toContain('1234.50 SAR');
        expect(text).toContain('Al Noor');
        expect(text).toMatch(/\p{Script=Arabic}/u);
      }
    });

    it('SEC-43: is required for a transaction', async () => {
      const request = { phone, purpose: 'transaction', subject: account, client: 'server' } as const;

      for (const action of [undefined, { id: 'transfer 1' }, { id: 'transfer 1', amount: '1.00' }]) {
        await expect(fixture.otp.start({ ...request, ...(action && { action }) })).rejects.toMatchObject({
          code: 'request_invalid',
        });
      }
    });

    it('SEC-38: keeps an invalid grant from even reaching its handler', async () => {
      const forgetful = (grant: string) => post(fixture.app, '/vault/forgetful', {}, signedIn({ 'otp-grant': grant }));

      expect(await forgetful('x'.repeat(64))).toMatchObject(grantInvalid);
      expect(await forgetful(await granted(await transfer()))).toMatchObject(grantInvalid);
    });

    it('SEC-43: cannot be omitted when the grant is used', async () => {
      const id = await transfer();
      const grant = await granted(id);
      const who = { purpose: 'transaction', subject: account, session: 'session-1' };

      await expect(fixture.grants.consume(grant, who)).rejects.toMatchObject({ code: 'grant_invalid' });
      const action = actionOf(await vault.get(id));
      await expect(fixture.grants.consume(grant, { ...who, action })).rejects.toMatchObject({ code: 'grant_invalid' });
    });
  });
});

describe('at start-up, a step-up', () => {
  const refusal = async (fixture: Parameters<typeof otpFixture>[0]): Promise<unknown> =>
    otpFixture(fixture).then(
      (opened) => opened.close(),
      (error: unknown) => error,
    );
  const message = (text: string | RegExp) =>
    expect.objectContaining({ name: OtpConfigError.name, message: expect.stringMatching(text) as string });

  @Injectable()
  class Nobody extends TransferAction {}

  @Controller()
  class OfUnknownPurpose {
    @Post()
    @StepUp('blow_up')
    go() {}
  }
  @Controller()
  class WithoutAction {
    @Post()
    @StepUp('transaction')
    go() {}
  }
  @Controller()
  class WithForeignAction {
    @Post()
    @StepUp('transaction', Nobody)
    go() {}
  }
  @Controller()
  class DuringLogin {
    @Post()
    @StepUp('second_factor')
    go() {}
  }

  it.each([
    ['with an unknown purpose', OfUnknownPurpose, /'blow_up'.*OfUnknownPurpose\.go.*"purposes"/],
    ['for a payment without its action', WithoutAction, /WithoutAction\.go needs an action/],
    ['with an action that has no provider', WithForeignAction, /needs "Nobody": add it to the "providers"/],
    ['of a login', DuringLogin, /this purpose is part of a login/],
  ])('%s is refused', async (_, controller, text) => {
    const metadata = { controllers: [controller], providers: [headerCallers] };

    expect(await refusal({ metadata })).toEqual(message(text));
  });

  it('without a provider that knows who is signed in is refused', async () => {
    const metadata = { controllers: [VaultController], providers: [Vault, TransferAction] };
    const options = { purposes: { close_account: {} } };

    expect(await refusal({ metadata, options })).toEqual(message(/"Callers"/));
  });

  it.each([
    ['SEC-45: with a fixed text for a transaction', { codeLength: 6 }, /cannot name amount and payee.*acceptFixedText/],
    ['with four digits', { codeLength: 4 }, /codes have 4 digits.*acceptShortCodes/],
  ])('%s is refused without the option', async (_, vendor, text) => {
    const options = { purposes: { close_account: {} } };

    const provider = new ScriptedVendor(vendor);
    expect(await refusal({ metadata: vaultModule, options, provider })).toEqual(message(text));
    const accepted = { ...options, acceptFixedText: true, acceptShortCodes: true };
    expect(await refusal({ metadata: vaultModule, options: accepted, provider })).toBeUndefined();
  });
});
