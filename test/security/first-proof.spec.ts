import { jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { type PhoneAccount, PhoneAccounts, RecoveryCodes, TrustedDevices } from 'nestjs-phone-otp';
import { DataSource, type EntityManager } from 'typeorm';

import { evidence } from '../support/evidence.js';
import { waiting } from '../support/locks.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { outcome } from '../support/outcomes.js';
import { changeNumber, logIn, proofOf, prove } from '../support/proofs.js';

/** A host that stores numbers before they are proved, with the credentials of their accounts. */
@Injectable()
class UnprovedAccounts extends PhoneAccounts {
  /** The accounts whose first proof was reported, in order. */
  told: [account: string, phone: string][] = [];
  fails = false;
  readonly #table: string;

  constructor(private readonly dataSource: DataSource) {
    super();
    this.#table = `${(dataSource.options as { schema?: string }).schema}.host_accounts`;
  }

  async create(): Promise<void> {
    await this.dataSource.query(`CREATE TABLE ${this.#table} (
      id text PRIMARY KEY, phone text NOT NULL, password text, session text)`);
  }

  /** An account as an attacker prepares it: nobody has proved the phone. */
  async prepare(id: string, phone: string): Promise<void> {
    await this.dataSource.query(`INSERT INTO ${this.#table} VALUES ($1, $2, 'known to the attacker', 'open')`, [
      id,
      phone,
    ]);
  }

  /** The credentials of the account. */
  async waysInto(id: string): Promise<string[]> {
    const [row] = await this.dataSource.query(`SELECT password, session FROM ${this.#table} WHERE id = $1`, [id]);
    return Object.values(row as Record<string, string | null>).filter((way) => way !== null);
  }

  override async findByPhone(phone: string): Promise<PhoneAccount | null> {
    const [row] = await this.dataSource.query(`SELECT id FROM ${this.#table} WHERE phone = $1 ORDER BY id`, [phone]);
    return (row as PhoneAccount | undefined) ?? null;
  }

  override async firstProof(account: string, phone: string, manager: EntityManager): Promise<void> {
    this.told.push([account, phone]);
    if (this.fails) throw new Error('of the host');
    await manager.query(`UPDATE ${this.#table} SET password = NULL, session = NULL WHERE id = $1`, [account]);
  }
}

describe('an account that a stranger prepared for a number without proving it', () => {
  let fixture: Fixture;
  let host: UnprovedAccounts;
  let accounts = 0;
  beforeAll(async () => {
    fixture = await otpFixture({
      metadata: {
        imports: [EventEmitterModule.forRoot()],
        providers: [{ provide: PhoneAccounts, useClass: UnprovedAccounts }],
      },
    });
    host = fixture.app.get<UnprovedAccounts>(PhoneAccounts);
    await host.create();
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await forgetSends();
    host.told = [];
    host.fails = false;
  });

  const forgetSends = () => fixture.dataSource.query(`DELETE FROM ${fixture.schema}.otp_send_counters`);
  async function prepared(phone = newPhone()) {
    const account = `prepared-${++accounts}`;
    await host.prepare(account, phone);
    return { account, phone };
  }
  const verifyNumber = (subject: string) => ({ purpose: 'verify_number', subject });
  async function activate(account: string, phone: string, manager?: EntityManager) {
    const { grant } = await prove(fixture, { phone, ...verifyNumber(account) });
    return fixture.numbers.activate(grant, account, manager, verifyNumber(account));
  }
  async function loggedIn(phone: string) {
    await forgetSends();
    const { grant } = await prove(fixture, { phone, purpose: 'login' });
    return logIn(fixture.app, grant);
  }

  it('T1: loses its credentials when its number is activated', async () => {
    const { account, phone } = await prepared();

    await activate(account, phone);

    expect(await host.waysInto(account)).toEqual([]);
    expect(host.told).toEqual([[account, phone]]);
  });

  it('T1: loses its credentials when its owner registers with a grant earned by phone alone', async () => {
    const { account, phone } = await prepared();
    const { grant } = await prove(fixture, { phone });

    await fixture.numbers.activate(grant, account);

    expect(await host.waysInto(account)).toEqual([]);
  });

  it('T1: loses its credentials when its owner logs in, and then has the number', async () => {
    const { account, phone } = await prepared();
    const { account: other } = await prepared();

    await expect(loggedIn(phone)).resolves.toMatchObject({ account: { id: account }, registered: false });

    const waysIn = await host.waysInto(account);
    expect(waysIn).toEqual([]);
    expect(await fixture.numbers.history({ phone })).toMatchObject([{ owner: account, source: 'login' }]);
    expect(await host.waysInto(other)).toHaveLength(2);
    evidence('SEC-48', { waysIntoPreparedAccount: 2, waysLeftAfterFirstProof: waysIn.length });
  });

  it('T1: loses earlier recovery codes and trusted devices, without help of the host', async () => {
    const { account, phone } = await prepared();
    const attackers = newPhone();
    const [recovery, devices] = [fixture.app.get(RecoveryCodes), fixture.app.get(TrustedDevices)];
    const [code] = await recovery.issue(account);
    const secondFactor = { purpose: 'second_factor', subject: account } as const;
    const proof = await proofOf(fixture, { phone: attackers, ...secondFactor });
    const { token } = await devices.trust(account, { proof });

    await activate(account, phone);

    expect(await recovery.remaining(account)).toBe(0);
    expect(await outcome(recovery.use(account, code!, { purpose: 'second_factor' }))).toBe('recovery_code_invalid');
    expect(await devices.recognise(account, token)).toBeNull();
  });

  it("T1: trusts a device by its own number's proof, but not by an earlier proof of another phone", async () => {
    const { account, phone } = await prepared();
    const devices = fixture.app.get(TrustedDevices);
    const before = await proofOf(fixture, { purpose: 'second_factor', subject: account });
    const { grant } = await prove(fixture, { phone, purpose: 'login' });
    const own = await fixture.grants.check(grant, { purpose: 'login' });

    await logIn(fixture.app, grant);

    expect(await outcome(devices.trust(account, { proof: before }))).toBe('grant_invalid');
    expect(await outcome(devices.trust(account, { proof: own }))).toBe('ok');
  });

  it('T1: keeps its credentials and has no number if the transaction of the first proof rolls back', async () => {
    const { account, phone } = await prepared();
    const codes = await fixture.app.get(RecoveryCodes).issue(account);

    const rolledBack = fixture.dataSource.transaction(async (manager) => {
      await activate(account, phone, manager);
      throw new Error('of the transaction');
    });

    await expect(rolledBack).rejects.toThrow('of the transaction');
    expect(await host.waysInto(account)).toHaveLength(2);
    expect(await fixture.numbers.ownerOf(phone)).toBeNull();
    expect(await fixture.app.get(RecoveryCodes).remaining(account)).toBe(codes.length);
  });

  it('T1: gets no number, by activation or by login, if the host cannot remove the credentials', async () => {
    const { account, phone } = await prepared();
    host.fails = true;

    await expect(activate(account, phone)).rejects.toThrow('of the host');
    await expect(loggedIn(phone)).rejects.toThrow('of the host');

    expect(await fixture.numbers.history({ phone })).toEqual([]);
    expect(await host.waysInto(account)).toHaveLength(2);
  });

  it('T1: reports its first proof once, and never for a number that is proved again, added, changed or taken back', async () => {
    const { account, phone } = await prepared();
    await loggedIn(phone);
    expect(host.told).toEqual([[account, phone]]);

    await loggedIn(phone);
    await forgetSends();
    await activate(account, phone);
    const [added, changed] = [newPhone(), newPhone()];
    await activate(account, added);
    await forgetSends();
    await changeNumber(fixture, account, phone, changed);
    await fixture.numbers.release(changed, account, 'travelling');
    await fixture.numbers.release(added, account, 'travelling');
    await forgetSends();
    await activate(account, added);

    expect(host.told).toEqual([[account, phone]]);
  });

  it('T1: reports its first proof once for many parallel logins', async () => {
    const { account, phone } = await prepared();
    const grants: string[] = [];
    for (let n = 0; n < 6; n++) {
      await forgetSends();
      grants.push((await prove(fixture, { phone, purpose: 'login' })).grant);
    }

    const outcomes = await Promise.all(grants.map((grant) => outcome(logIn(fixture.app, grant))));

    expect(outcomes).toEqual(grants.map(() => 'ok'));
    expect(host.told).toEqual([[account, phone]]);
    expect(await fixture.numbers.history({ phone })).toHaveLength(1);
  });

  it('T1: accepts a login whose number another login binds in between', async () => {
    const { account, phone } = await prepared();
    const history = fixture.numbers.history.bind(fixture.numbers);
    const between = jest.spyOn(fixture.numbers, 'history').mockImplementationOnce(async (of) => {
      await loggedIn(phone);
      return history(of);
    });

    await expect(loggedIn(phone)).resolves.toMatchObject({ account: { id: account }, registered: false });

    expect(between).toHaveBeenCalledTimes(2);
    between.mockRestore();
    expect(host.told).toEqual([[account, phone]]);
  });

  it('T1: reports one first proof for two numbers activated at once, and holds the second', async () => {
    const { account, phone } = await prepared();
    const { grant } = await prove(fixture, { purpose: 'verify_number', subject: account });

    const { second } = await fixture.dataSource.transaction(async (manager) => {
      await activate(account, phone, manager);
      const second = fixture.numbers.activate(grant, account, undefined, verifyNumber(account));
      await Promise.race([second, waiting(fixture, 1)]);
      return { second }; // not awaited before the commit, for which it waits
    });

    expect((await second).heldUntil).not.toBeNull();
    expect(host.told).toEqual([[account, phone]]);
  });

  it('T2: refuses a login if it proves another number in between', async () => {
    const { account, phone } = await prepared();
    const own = newPhone();
    const history = fixture.numbers.history.bind(fixture.numbers);
    const between = jest.spyOn(fixture.numbers, 'history').mockImplementationOnce(async (of) => {
      const before = await history(of);
      await activate(account, own);
      return before;
    });

    expect(await outcome(loggedIn(phone))).toBe('grant_invalid');

    between.mockRestore();
    expect(await fixture.numbers.history({ phone })).toEqual([]);
    expect(host.told).toEqual([[account, own]]);
  });

  it('T2: refuses a login, and keeps the number released, if another login binds it and it is released in between', async () => {
    const { account, phone } = await prepared();
    const history = fixture.numbers.history.bind(fixture.numbers);
    const between = jest.spyOn(fixture.numbers, 'history').mockImplementationOnce(async (of) => {
      await loggedIn(phone);
      const before = await history(of);
      await fixture.numbers.release(phone, account, 'account_closed');
      return before;
    });

    expect(await outcome(loggedIn(phone))).toBe('grant_invalid');

    between.mockRestore();
    expect(await fixture.numbers.ownerOf(phone)).toBeNull();
  });

  it('T2: refuses a login by a number known only from the host’s data, once it has proved another', async () => {
    const { account, phone: own } = await prepared();
    await loggedIn(own);
    const victims = newPhone();
    await host.prepare(`also-${account}`, victims);
    await fixture.own(newPhone(), `also-${account}`);

    await expect(loggedIn(victims)).rejects.toMatchObject({ code: 'grant_invalid' });

    expect(await fixture.numbers.history({ phone: victims })).toEqual([]);
    expect(host.told).toEqual([[account, own]]);
  });

  it('T2: refuses a login by a number that the ledger gives to another account', async () => {
    const { phone } = await prepared();
    await fixture.own(phone, 'its true owner');

    await expect(loggedIn(phone)).rejects.toMatchObject({ code: 'phone_already_activated' });

    expect(host.told).toEqual([]);
    expect(await fixture.numbers.ownerOf(phone)).toBe('its true owner');
  });
});
