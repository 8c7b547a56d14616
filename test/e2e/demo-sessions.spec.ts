import { type Answer, bearer, expectProblem, withGrant } from '../support/bank.js';
import { Branch, claimsOf, type Customer } from '../support/branch.js';
import { evidence } from '../support/evidence.js';

describe('signing in and out of the demo bank', () => {
  let branch: Branch;
  let sara: Customer;
  beforeAll(async () => {
    branch = await Branch.open();
    sara = await branch.signUp();
  });
  afterAll(() => branch?.close());

  const sessions = async (token: string) =>
    (await branch.call('GET /auth/sessions', { headers: bearer(token) })).body.sessions as Record<string, unknown>[];

  it('SEC-36: reports that one factor was used, which one, and when', async () => {
    const grant = await branch.grantFor(sara.phone, 'login');
    await branch.elapse(100);

    const { body } = await branch.call('POST /auth/login', { headers: withGrant(grant) });

    const { amr, auth_time: authTime, iat } = claimsOf(body.accessToken);
    expect(amr).toEqual(['otp', 'sms']);
    const ago = (iat as number) - (authTime as number);
    expect(ago).toBeGreaterThanOrEqual(100);
    expect(ago).toBeLessThan(120);
    expect((await branch.me(body.accessToken)).body.amr).toEqual(['otp', 'sms']);
  });

  it('SEC-37: ends the session whose token a login carries, and starts another', async () => {
    const before = await branch.logIn(sara.phone);
    const bystander = await branch.logIn(sara.phone);
    const grant = await branch.grantFor(sara.phone, 'login');
    await branch.elapse(31);

    const headers = { ...bearer(before), ...withGrant(grant) };
    const { body } = await branch.call('POST /auth/login', { headers });

    expect(claimsOf(body.accessToken).sid).not.toBe(claimsOf(before).sid);
    expectProblem(await branch.me(before), 401, 'sign_in_required');
    expect((await branch.me(body.accessToken)).status).toBe(200);
    expect((await branch.me(bystander)).status).toBe(200);
  });

  it("SEC-37: ends the session whose token another account's registration carries", async () => {
    const { token } = await branch.signUp();
    const grant = await branch.grantFor('+966512345670', 'registration');

    const { status } = await branch.call('POST /auth/register', {
      headers: { ...bearer(token), ...withGrant(grant) },
      body: { name: 'Omar', password: 'correct horse battery' },
    });

    expect(status).toBe(201);
    expectProblem(await branch.me(token), 401);
  });

  it.each<[string, (challenge: string, code: string) => Promise<Parameters<Branch['call']>[1]>]>([
    ['code', async (challenge, code) => ({ body: { challenge, code } })],
    [
      'grant',
      async (challenge, code) => {
        const { body } = await branch.call('POST /otp/verify', { body: { challenge, code, purpose: 'login' } });
        return { headers: withGrant(body.grant) };
      },
    ],
  ])('SEC-37: starts one session for eight parallel logins with one %s', async (_, proof) => {
    const { phone, token } = await branch.signUp();
    const { challenge } = (await branch.start(phone, 'login')).body;
    const proved = await proof(challenge, await branch.nextCode(phone));

    const answers = await Promise.all(Array.from({ length: 8 }, () => branch.call('POST /auth/login', proved)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 400, 401].includes(status))).toBe(true);
    expect(await sessions(token)).toHaveLength(2);
    evidence('SEC-37', { logins: 8, sessions: 1 });
  });

  it('lists the sessions, newest first', async () => {
    const { phone, token } = await branch.signUp();
    const other = await branch.logIn(phone);

    const listed = await sessions(token);

    expect(listed).toEqual([
      { id: claimsOf(other).sid, createdAt: expect.any(String), amr: ['otp', 'sms'], current: false },
      { id: claimsOf(token).sid, createdAt: expect.any(String), amr: ['otp', 'sms'], current: true },
    ]);
    expect(listed[0]!.createdAt! > listed[1]!.createdAt!).toBe(true);
  });

  it('does not list sessions whose token no longer works', async () => {
    const { phone, token } = await branch.signUp();
    const old = claimsOf(await branch.logIn(phone)).sid;
    await branch.dataSource.query(
      `UPDATE bank_sessions SET created_at = created_at - interval '1 hour' WHERE id = $1`,
      [old],
    );

    expect((await sessions(token)).map(({ id }) => id)).toEqual([claimsOf(token).sid]);
  });

  describe('signing out of one session', () => {
    let omar: Customer;
    let other: string;
    beforeEach(async () => {
      omar = await branch.signUp();
      other = await branch.logIn(omar.phone);
    });

    const end = (id: unknown, token: string): Promise<Answer> =>
      branch.call(`DELETE /auth/sessions/${String(id)}`, { headers: bearer(token) });

    it("fails for another customer's session", async () => {
      for (const id of [claimsOf(omar.token).sid, '00000000-0000-0000-0000-000000000000', 'abc', '%00']) {
        expectProblem(await end(id, sara.token), 404, 'not_found');
      }
      expectProblem(await branch.call(`DELETE /auth/sessions/${String(claimsOf(omar.token).sid)}`), 401);
      expect((await branch.me(omar.token)).status).toBe(200);
    });

    it('ends another session, once', async () => {
      expect(await end(claimsOf(other).sid, omar.token)).toMatchObject({ status: 204, body: '' });

      expectProblem(await branch.me(other), 401, 'sign_in_required');
      expect((await branch.me(omar.token)).status).toBe(200);
      expectProblem(await end(claimsOf(other).sid, omar.token), 404);
    });

    it('ends the current session', async () => {
      const logout = () => branch.call('POST /auth/logout', { headers: bearer(omar.token) });

      expect(await logout()).toMatchObject({ status: 204, body: '' });

      expectProblem(await branch.me(omar.token), 401, 'sign_in_required');
      expectProblem(await logout(), 401);
      expect((await branch.me(sara.token)).status).toBe(200);
    });
  });

  it('SEC-35: discloses no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});
