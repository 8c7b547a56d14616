import { Injectable } from '@nestjs/common';
import {
  type OtpTransaction,
  type PhoneAccount,
  PhoneAccounts,
  RecoveryCodes,
  TrustedDevices,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import pg from 'pg';
import type { EntityManager } from 'typeorm';

import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

/** As shown in the README. */
@Injectable()
class Accounts extends PhoneAccounts {
  static readonly blocked = new Set<string>();

  constructor(private readonly numbers: VerifiedNumbers) {
    super();
  }

  override async findByPhone(
    phone: string,
    _purpose: string,
    transaction?: OtpTransaction,
  ): Promise<PhoneAccount | null> {
    const id = await this.numbers.ownerOf(phone, transaction);
    return id === null ? null : { id };
  }

  override async mayUse(subject: string, _purpose: string, transaction?: OtpTransaction): Promise<boolean> {
    await this.numbers.numbersOf(subject, transaction);
    return !Accounts.blocked.has(subject);
  }

  override async firstProof(account: string, _phone: string, transaction: OtpTransaction): Promise<void> {
    await this.numbers.numbersOf(account, transaction);
  }
}

const AT_ONCE = 40;
const purpose = 'registration';

describe('with a pool of two connections and forty parallel transactions,', () => {
  let fixture: Fixture;
  let client: pg.Client;
  beforeAll(async () => {
    fixture = await otpFixture({
      poolSize: 2,
      metadata: { providers: [{ provide: PhoneAccounts, useClass: Accounts }] },
      options: { cooldownSeconds: 30 },
    });
    client = new pg.Client({ connectionString: process.env.DATABASE_URL! });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await fixture.close();
  });

  async function grantFor(phone: string, of: string, subject?: string): Promise<string> {
    const who = subject === undefined ? {} : { subject };
    const { challenge } = await fixture.otp.start({ phone, purpose: of, client: 'server', ...who });
    const code = await fixture.codeFor(phone);
    return (await fixture.otp.verify({ challenge, code, purpose: of, ...who })).grant;
  }
  const times = <T>(make: (nth: number) => Promise<T>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, nth) => make(nth)));
  const phones = () => Array.from({ length: AT_ONCE }, newPhone);

  /** Each runs in a transaction of the host that has already written, as hosts do. */
  async function slowestOf(work: (manager: EntityManager, nth: number) => Promise<unknown>): Promise<number> {
    const took = await times(async (nth) => {
      const began = performance.now();
      await fixture.dataSource.transaction(async (manager) => {
        await manager.query('SELECT pg_current_xact_id()');
        await work(manager, nth);
      });
      return performance.now() - began;
    });
    return Math.max(...took);
  }

  it('no operation in a transaction waits for a second connection, nor do its ports', async () => {
    const { numbers, grants, app } = fixture;
    const [recovery, devices] = [app.get(RecoveryCodes), app.get(TrustedDevices)];
    const [first, next] = [phones(), phones()];
    const slowest: Record<string, number> = {};

    const registrations = await times((nth) => grantFor(first[nth]!, purpose));
    slowest.activate = await slowestOf((manager, nth) => numbers.activate(registrations[nth]!, `a${nth}`, manager));
    slowest.issue = await slowestOf((manager, nth) => recovery.issue(`a${nth}`, manager));
    slowest.replaceUsed = await slowestOf((manager, nth) => recovery.replaceUsed(`a${nth}`, manager));
    slowest.revoke = await slowestOf((manager, nth) => recovery.revoke(`a${nth}`, manager));

    const factors = await times((nth) => grantFor(first[nth]!, 'second_factor', `a${nth}`));
    slowest.trust = await slowestOf(async (manager, nth) => {
      const proof = await grants.consume(factors[nth]!, { purpose: 'second_factor', subject: `a${nth}` }, manager);
      await devices.trust(`a${nth}`, { proof }, manager);
    });
    slowest.revokeAll = await slowestOf((manager, nth) => devices.revokeAll(`a${nth}`, manager));

    await fixture.elapse(61);
    const resets = await times((nth) => grantFor(first[nth]!, 'password_reset'));
    slowest.reset = await slowestOf((manager, nth) =>
      grants.consume(resets[nth]!, { purpose: 'password_reset' }, manager),
    );

    await fixture.elapse(61);
    const current = await times((nth) => grantFor(first[nth]!, 'change_number', `a${nth}`));
    const fresh = await times((nth) => grantFor(next[nth]!, 'verify_number', `a${nth}`));
    slowest.change = await slowestOf((manager, nth) => {
      const change = { currentNumberGrant: current[nth]!, newNumberGrant: fresh[nth]! };
      return numbers.change(`a${nth}`, change, manager);
    });
    slowest.release = await slowestOf((manager, nth) => numbers.release(next[nth]!, `a${nth}`, 'closed', manager));

    expect(Object.entries(slowest).filter(([, ms]) => ms > 1000)).toEqual([]);
  });

  it('a client of pg is a transaction, too: its rollback returns the grant, its commit is reported', async () => {
    const { grants, schema } = fixture;
    await client.query(`SET search_path = ${schema}`);
    const grant = await grantFor(newPhone(), purpose);

    await client.query('BEGIN');
    await grants.consume(grant, { purpose }, client);
    await expect(grants.consume(grant, { purpose }, client)).rejects.toMatchObject({ code: 'grant_invalid' });
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    const proof = await grants.consume(grant, { purpose }, client);
    await client.query('COMMIT');

    expect(proof).toMatchObject({ purpose });
    await expect(grants.check(grant, { purpose })).rejects.toMatchObject({ code: 'grant_invalid' });
  });

  it('a grant presented for a changed record ends with the transaction, whether it commits or rolls back', async () => {
    const { grants, numbers } = fixture;
    const [phone, account] = [newPhone(), 'payer'];
    await numbers.activate(await grantFor(phone, purpose), account);
    await fixture.elapse(61);
    const action = { id: 'transfer 1', amount: '250.00', currency: 'SAR', payee: 'Sara' };
    const who = { purpose: 'transaction', subject: account };
    const { challenge } = await fixture.otp.start({ ...who, phone, client: 'server', action });
    const { grant } = await fixture.otp.verify({ ...who, challenge, code: await fixture.codeFor(phone) });

    const shown = fixture.dataSource.transaction((manager) =>
      grants.consume(grant, { ...who, action: { ...action, amount: '900.00' } }, manager),
    );

    await expect(shown).rejects.toMatchObject({ code: 'grant_invalid' });
    await until('the grant has ended', () =>
      grants.check(grant, { ...who, action }).then(
        () => false,
        () => true,
      ),
    );
  });

  it('what the host refuses is not stored, even if its transaction commits', async () => {
    const { numbers, grants, dataSource } = fixture;
    const [phone, account] = [newPhone(), 'blocked'];
    const grant = await grantFor(phone, 'verify_number', account);
    const proof = { purpose: 'verify_number', subject: account };
    Accounts.blocked.add(account);

    const refused = await dataSource.transaction((manager) =>
      numbers.activate(grant, account, manager, proof).catch(({ code }) => String(code)),
    );

    expect(refused).toBe('grant_invalid');
    expect(await numbers.history({ phone })).toEqual([]);
    Accounts.blocked.delete(account);
    await expect(grants.check(grant, proof)).resolves.toMatchObject({ phone });
  });

  it('a call in an ended transaction does nothing', async () => {
    const { numbers, dataSource } = fixture;
    let ended: EntityManager | undefined;
    await dataSource.transaction(async (manager) => void (ended = manager));

    await expect(numbers.release(newPhone(), 'somebody', 'closed', ended)).rejects.toMatchObject({
      code: 'service_unavailable',
    });
  });
});
