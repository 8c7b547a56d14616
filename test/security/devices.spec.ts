import { jest } from '@jest/globals';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { OtpAudit, RecoveryCodes, TrustedDevices } from 'nestjs-phone-otp';
import type { EntityManager } from 'typeorm';

import { EventLog } from '../support/events.js';
import { holding, waiting } from '../support/locks.js';
import { ACTION, type Fixture, newPhone, otpFixture, textsIn } from '../support/otp-fixture.js';
import { outcome } from '../support/outcomes.js';
import { changeNumber, proofOf, prove } from '../support/proofs.js';
import { until } from '../support/until.js';

const DAY = 86_400;
const purpose = 'second_factor';

let fixture: Fixture;
let devices: TrustedDevices;
let events: EventLog;
beforeAll(async () => {
  fixture = await otpFixture({
    metadata: { imports: [EventEmitterModule.forRoot()] },
    options: { takenNumbers: 'transfer' },
    poolSize: 20,
    races: true,
  });
  devices = fixture.app.get(TrustedDevices);
  events = new EventLog(fixture.app);
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.dataSource.query(`DELETE FROM ${fixture.schema}.otp_send_counters`);
  events.clear();
});

let accounts = 0;

/** An account with a number, and a device that it trusts. */
async function customer(label?: string) {
  const [account, phone] = [`trusting-${++accounts}`, newPhone()];
  await fixture.own(phone, account);
  const proof = await proofOf(fixture, { phone, purpose, subject: account });
  await fixture.dataSource.query(`DELETE FROM ${fixture.schema}.otp_send_counters`);
  const { token, device } = await devices.trust(account, { proof, ...(label !== undefined && { label }) });
  return { account, phone, proof, token, device };
}

const rowsOf = async (account: string) =>
  (await fixture.rows('otp_trusted_devices')).filter((row) => row.account === account);
const isTrusted = async (account: string, token: string) => (await devices.recognise(account, token)) !== null;
/** Replaces a character of a base64url text. */
const altered = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

describe('a trusted device', () => {
  it('is recognised by a token that changes with each use', async () => {
    const { account, token, device } = await customer('Firefox on Linux');

    const first = await devices.recognise(account, token);
    const second = await devices.recognise(account, first!.token!);

    expect(device).toMatchObject({ label: 'Firefox on Linux', id: expect.any(String) });
    expect(second!.device).toMatchObject({ id: device.id, label: 'Firefox on Linux', expiresAt: device.expiresAt });
    expect(new Set([token, first!.token, second!.token]).size).toBe(3);
    expect(events.of('otp.device_trusted')).toEqual([{ account, device: device.id }]);
  });

  it('is stored as hashes only, and no event contains a token', async () => {
    const { account, token } = await customer();
    const { token: next } = (await devices.recognise(account, token))!;

    const stored = textsIn(await rowsOf(account)) + JSON.stringify(events.all);

    for (const half of [token, next!].flatMap((one) => one.split('.'))) {
      expect(stored).not.toContain(half);
      expect(stored).not.toContain(Buffer.from(half, 'base64url').toString('latin1'));
    }
  });

  it.each<[what: string, change: (token: string) => string]>([
    ['forged', () => `${'a'.repeat(22)}.${'b'.repeat(43)}`],
    ['altered in the fixed half', (token) => altered(token, 3)],
    ['altered in the bits of the fixed half that decoding ignores', (token) => nextInAlphabet(token, 21)],
    ['longer', (token) => `${token}A`],
    ['shorter', (token) => token.slice(1)],
    ['followed by a line break', (token) => `${token}\n`],
    ['twice', (token) => `${token}, ${token}`],
    ['empty', () => ''],
    ['nothing', () => undefined as never],
    ['an object', () => ({ $ne: null }) as never],
  ])('S6: is not recognised by a token that is %s, which does not affect it', async (_, change) => {
    const { account, token } = await customer();

    expect(await devices.recognise(account, change(token))).toBeNull();

    expect(await isTrusted(account, token)).toBe(true);
    expect(events.of('otp.device_stolen')).toEqual([]);
  });

  it.each<[what: string, at: number]>([
    ['first', 23],
    ['last', 65],
  ])('S6: loses its trust when the changing half of its token is altered in its %s character', async (_, at) => {
    const { account, token, device } = await customer();

    expect(await devices.recognise(account, at === 65 ? nextInAlphabet(token, at) : altered(token, at))).toBeNull();

    expect(await isTrusted(account, token)).toBe(false);
    expect(events.of('otp.device_stolen')).toEqual([{ account, device: device.id }]);
  });

  it('S6: belongs to one account only, whoever holds the token', async () => {
    const [sara, omar] = [await customer(), await customer()];

    expect(await devices.recognise(omar.account, sara.token)).toBeNull();

    expect(events.of('otp.device_stolen')).toEqual([]);
    expect(await isTrusted(sara.account, sara.token)).toBe(true);
    expect(await isTrusted(omar.account, omar.token)).toBe(true);
  });

  it('S6: takes the same statements for a valid, forged, foreign, expired or used token', async () => {
    const pool = (fixture.dataSource.driver as unknown as { master: { Client: { prototype: { query(): unknown } } } })
      .master;
    const [good, foreign, expired, used] = [await customer(), await customer(), await customer(), await customer()];
    await fixture.dataSource.query(
      `UPDATE ${fixture.schema}.otp_trusted_devices SET expires_at = now() WHERE account = $1`,
      [expired.account],
    );
    await devices.recognise(used.account, used.token);
    const query = jest.spyOn(pool.Client.prototype, 'query');
    const statements = async (account: string, token: string) => {
      query.mockClear();
      await devices.recognise(account, token);
      return query.mock.calls.map((call) => (call as unknown as { name: string }[])[0]!.name);
    };

    const seen = [
      await statements(good.account, good.token),
      await statements(good.account, foreign.token),
      await statements(good.account, `${'a'.repeat(22)}.${'b'.repeat(43)}`),
      await statements(expired.account, expired.token),
      await statements(used.account, used.token),
    ];
    query.mockRestore();

    expect(seen[0]).toHaveLength(1);
    expect(new Set(seen.map((names) => names.join())).size).toBe(1);
  });

  it('S6: loses its trust when a used token returns, for thief and owner alike', async () => {
    const { account, token: stolen, device } = await customer();
    const { token: owners } = (await devices.recognise(account, stolen))!;
    await fixture.elapse(11);

    expect(await devices.recognise(account, stolen)).toBeNull();

    expect(await devices.recognise(account, owners!)).toBeNull();
    expect(await devices.list(account)).toEqual([]);
    expect(events.of('otp.device_stolen')).toEqual([{ account, device: device.id }]);
  });

  it('S6: also loses its trust when the thief comes first', async () => {
    const { account, token } = await customer();
    const { token: thiefs } = (await devices.recognise(account, token))!;
    await fixture.elapse(3600);

    expect(await devices.recognise(account, token)).toBeNull();

    expect(await devices.recognise(account, thiefs!)).toBeNull();
  });

  it('accepts the previous token for ten seconds, without a new one and without more time', async () => {
    const { account, token } = await customer();
    const { token: next } = (await devices.recognise(account, token))!;

    await fixture.elapse(9);
    const again = [await devices.recognise(account, token), await devices.recognise(account, token)];

    for (const one of again) expect(one).toEqual({ device: expect.objectContaining({ label: null }) });
    expect(await isTrusted(account, next!)).toBe(true);
    await fixture.elapse(1);
    expect(await isTrusted(account, next!)).toBe(true); // of the last rotation, one second ago
    expect(await isTrusted(account, token)).toBe(false);
    expect(events.of('otp.device_stolen')).toHaveLength(1);
  });

  it('gives one of 64 tabs the next token and accepts all of them', async () => {
    const { account, token } = await customer();
    const release = await holding(fixture, `otp_trusted_devices WHERE account = '${account}'`);
    const begin = (count: number) => Array.from({ length: count }, () => devices.recognise(account, token));
    const first = begin(16);
    await waiting(fixture, 8);
    await release();

    const answers = await Promise.all([...first, ...begin(48)]);

    expect(answers.filter((answer) => answer !== null)).toHaveLength(64);
    const tokens = answers.flatMap((answer) => answer?.token ?? []);
    expect(tokens).toHaveLength(1);
    expect(await isTrusted(account, tokens[0]!)).toBe(true);
    expect(events.of('otp.device_stolen')).toEqual([]);
  });

  it('is trusted for thirty days, however often it is used', async () => {
    const { account, token: first } = await customer();
    let token = first;
    for (let day = 0; day < 29; day++) {
      await fixture.elapse(DAY);
      token = (await devices.recognise(account, token))!.token!;
    }

    await fixture.elapse(DAY);

    expect(await devices.recognise(account, token)).toBeNull();
    expect(await devices.list(account)).toEqual([]);
    expect(events.of('otp.device_stolen')).toEqual([]);
  });

  it('is not recognised if it expires while the call waits', async () => {
    const { account, token } = await customer();
    const row = `${fixture.schema}.otp_trusted_devices`;
    const ends = `UPDATE ${row} SET expires_at = clock_timestamp() + interval '500 ms' WHERE account = $1`;
    await fixture.dataSource.query(ends, [account]);
    const release = await holding(fixture, `otp_trusted_devices WHERE account = '${account}'`);

    const recognising = devices.recognise(account, token);
    await waiting(fixture, 1);
    const over = `SELECT FROM ${row} WHERE account = $1 AND expires_at <= clock_timestamp()`;
    await until('it has expired', async () => (await fixture.dataSource.query(over, [account])).length === 1);
    await release();

    expect(await recognising).toBeNull();
  });

  it('is listed only for its account, until it is revoked', async () => {
    const { account, proof, token, device } = await customer('phone');
    const second = await devices.trust(account, { proof, label: 'desk' });
    const other = await customer();
    await devices.recognise(account, token);

    expect((await devices.list(account)).map(({ label }) => label)).toEqual(['phone', 'desk']);
    for (const id of [other.device.id, 'none', '', undefined as never]) {
      expect(await devices.revoke(account, id)).toBe(false);
    }
    expect(await devices.revoke(account, device.id)).toBe(true);
    expect(await devices.revoke(account, device.id)).toBe(false);
    expect((await devices.list(account)).map(({ id }) => id)).toEqual([second.device.id]);
    expect(await devices.revokeAll(account)).toBe(1);
    expect(await devices.revokeAll(account)).toBe(0);

    expect(await isTrusted(account, second.token)).toBe(false);
    expect(await isTrusted(other.account, other.token)).toBe(true);
    expect(events.of('otp.devices_revoked')).toEqual([
      { account, devices: 1 },
      { account, devices: 1 },
    ]);
  });

  it('appears in the audit when it is trusted, stolen and revoked', async () => {
    const { account, token, proof } = await customer();
    await devices.recognise(account, token);
    await fixture.elapse(11);
    await devices.recognise(account, token);
    await devices.trust(account, { proof });
    await devices.revokeAll(account);

    const entries = await fixture.app.get(OtpAudit).find({ account });

    const told = entries.toReversed().map(({ event }) => event);
    expect(told.filter((event) => event.startsWith('device'))).toEqual([
      'device_trusted',
      'device_stolen',
      'device_trusted',
      'devices_revoked',
    ]);
    expect(entries.find(({ event }) => event === 'device_trusted')).toMatchObject({ challengeId: proof.challengeId });
  });

  it('SEC-65: is purged once it has expired, and not before', async () => {
    const [old, young] = [await customer(), await customer()];
    await fixture.dataSource.query(
      `UPDATE ${fixture.schema}.otp_trusted_devices SET expires_at = now() WHERE account = $1`,
      [old.account],
    );

    await fixture.operations.purge();

    expect(await rowsOf(old.account)).toEqual([]);
    expect(await rowsOf(young.account)).toHaveLength(1);
  });
});

describe('trust in a device', () => {
  it.each(['transaction', 'verify_number', 'change_number'])('is refused for a code of %s', async (other) => {
    const { account, phone } = await customer();
    const request = { phone, purpose: other, subject: account, ...(other === 'transaction' && { action: ACTION }) };
    const { grant } = await prove(fixture, request);
    const { phone: _, ...expectation } = request;
    const proof = await fixture.grants.consume(grant, expectation);

    expect(await outcome(devices.trust(account, { proof }))).toBe('grant_invalid');
  });

  it('is refused for a recovery code', async () => {
    const { account } = await customer();
    const recovery = fixture.app.get(RecoveryCodes);
    const [code] = await recovery.issue(account);
    const { grant } = await recovery.use(account, code!, { purpose });
    const proof = await fixture.grants.consume(grant, { purpose, subject: account });

    expect(await outcome(devices.trust(account, { proof }))).toBe('grant_invalid');
  });

  it("is refused for another account's proof, whether it names an account or a phone", async () => {
    const [sara, omar] = [await customer(), await customer()];
    const login = await proofOf(fixture, { phone: omar.phone, purpose: 'login' });
    const omars = await proofOf(fixture, { phone: sara.phone, purpose, subject: omar.account });

    for (const proof of [omar.proof, login, omars]) {
      expect(await outcome(devices.trust(sara.account, { proof }))).toBe('grant_invalid');
    }
    expect(await outcome(devices.trust(omar.account, { proof: login }))).toBe('ok');
    for (const nothing of [undefined, null, 'proof', []]) {
      expect(await outcome(devices.trust(omar.account, { proof: nothing as never }))).toBe('request_invalid');
    }
  });

  it('is refused if the number was released since it was proved', async () => {
    const { account, phone } = await customer();
    const proof = await proofOf(fixture, { phone, purpose, subject: account });
    await fixture.numbers.release(phone, account, 'lost');
    await fixture.own(phone, account);

    expect(await outcome(devices.trust(account, { proof }))).toBe('grant_invalid');
  });

  it('is not kept when the host rolls back', async () => {
    const { account, proof } = await customer();
    events.clear();

    const rolledBack = fixture.dataSource.transaction(async (manager) => {
      await devices.trust(account, { proof }, manager);
      throw new Error('of the host');
    });

    await expect(rolledBack).rejects.toThrow('of the host');
    expect(await devices.list(account)).toHaveLength(1);
    expect(events.all).toEqual([]);
  });
});

describe('trust ends in the same transaction', () => {
  type Work = (manager: EntityManager) => Promise<unknown>;
  type Ending = (account: string, phone: string) => Promise<Work>;
  const endings: Record<string, Ending> = {
    'with a password reset': async (_, phone) => {
      const { grant } = await prove(fixture, { phone, purpose: 'password_reset' });
      return (manager) => fixture.grants.consume(grant, { purpose: 'password_reset' }, manager);
    },
    'with a change of number': async (account, phone) => {
      const current = await prove(fixture, { phone, purpose: 'change_number', subject: account });
      const next = await prove(fixture, { purpose: 'verify_number', subject: account });
      const grants = { currentNumberGrant: current.grant, newNumberGrant: next.grant };
      return (manager) => fixture.numbers.change(account, grants, manager);
    },
    'when the number is released': async (account, phone) => (manager) =>
      fixture.numbers.release(phone, account, 'lost', manager),
    'when the number goes to another account': async (_, phone) => {
      const { grant } = await prove(fixture, { phone });
      return (manager) => fixture.numbers.activate(grant, `trusting-${++accounts}`, manager);
    },
    'by the host’s order': async (account) => (manager) => devices.revokeAll(account, manager),
  };

  it.each(Object.entries(endings))('T3: %s', async (_, ending) => {
    const { account, phone, token, proof } = await customer();
    await devices.trust(account, { proof });
    const bystander = await customer();
    const work = await ending(account, phone);

    const undone = fixture.dataSource.transaction(async (manager) => {
      await work(manager);
      throw new Error('of the host');
    });
    await expect(undone).rejects.toThrow('of the host');
    expect(await devices.list(account)).toHaveLength(2);

    await fixture.dataSource.transaction(work);

    expect(await rowsOf(account)).toEqual([]);
    expect(await isTrusted(account, token)).toBe(false);
    expect(await isTrusted(bystander.account, bystander.token)).toBe(true);
  });

  const { 'by the host’s order': _, ...ofItself } = endings;

  it.each(Object.entries(ofItself))('T3: %s, even for a device that is trusted meanwhile', async (_, ending) => {
    const { account, phone, proof } = await customer();
    const work = await ending(account, phone);

    const { trusting } = await fixture.dataSource.transaction(async (manager) => {
      await work(manager);
      const trusting = outcome(devices.trust(account, { proof }));
      await Promise.race([trusting, waiting(fixture, 1)]);
      return { trusting }; // not awaited before the commit, for which it waits
    });

    expect(await trusting).toBe('grant_invalid');
    expect(await rowsOf(account)).toEqual([]);
  });

  it.each(Object.entries(endings))('T3: %s, even for a device whose trust is not committed yet', async (_, ending) => {
    const { account, phone, proof } = await customer();
    const work = await ending(account, phone);

    const { ended } = await fixture.dataSource.transaction(async (manager) => {
      await devices.trust(account, { proof }, manager);
      const ended = fixture.dataSource.transaction(work);
      await Promise.race([ended, waiting(fixture, 1)]);
      return { ended };
    });
    await ended;

    expect(await rowsOf(account)).toEqual([]);
  });

  it.each(Object.entries(ofItself))('T3: %s, even for earlier proofs', async (_, ending) => {
    const { account, phone, proof } = await customer();

    await fixture.dataSource.transaction(await ending(account, phone));

    expect(await outcome(devices.trust(account, { proof }))).toBe('grant_invalid');
  });

  it('T3: but not for mere reads or refusals', async () => {
    const { account, phone, token } = await customer();
    const { grant } = await prove(fixture, { phone, purpose: 'password_reset' });

    await fixture.grants.check(grant, { purpose: 'password_reset' });
    expect(await outcome(fixture.grants.consume(grant, { purpose: 'login' }))).toBe('grant_invalid');
    expect(await fixture.numbers.release(phone, 'another account', 'lost')).toBe(false);
    await fixture.elapse(301);
    expect(await outcome(fixture.grants.consume(grant, { purpose: 'password_reset' }))).toBe('grant_invalid');

    expect(await isTrusted(account, token)).toBe(true);
  });

  it('T3: even for a device that is being recognised', async () => {
    const { account, phone, token } = await customer();
    const release = await holding(fixture, `otp_trusted_devices WHERE account = '${account}'`);
    const releasing = fixture.numbers.release(phone, account, 'lost');
    await waiting(fixture, 1);
    const recognising = devices.recognise(account, token);
    await waiting(fixture, 2);
    await release();

    await Promise.all([releasing, recognising]);

    expect(await rowsOf(account)).toEqual([]);
  });

  it('T3: and a change of number ends all earlier trust, even with codes from both numbers', async () => {
    const { account, phone, token } = await customer();

    await changeNumber(fixture, account, phone, newPhone());

    expect(await isTrusted(account, token)).toBe(false);
  });
});

/**
 * Returns the next character of the alphabet: as the last character of a text of this length, it decodes to the same
 * bytes.
 */
function nextInAlphabet(text: string, at: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = alphabet[alphabet.indexOf(text[at]!) ^ 1]!;
  expect(Buffer.from(text.slice(0, at).split('.').at(-1)! + changed, 'base64url')).toEqual(
    Buffer.from(text.slice(0, at).split('.').at(-1)! + text[at]!, 'base64url'),
  );
  return text.slice(0, at) + changed + text.slice(at + 1);
}
