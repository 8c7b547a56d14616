import { type Answer, bearer, expectProblem, withGrant } from '../support/bank.js';
import { Branch, claimsOf, type Customer, PASSWORD } from '../support/branch.js';
import { newPhone } from '../support/otp-fixture.js';

const NEW_PASSWORD = 'staple battery horse';

function login(branch: Branch, phone: string, password = PASSWORD, headers = {}): Promise<Answer> {
  return branch.call('POST /auth/password/login', { body: { phone, password }, headers });
}

describe('a login by password at the demo bank', () => {
  let branch: Branch;
  let sara: Customer;
  beforeAll(async () => {
    branch = await Branch.open();
    sara = await branch.signUp();
  });
  afterAll(() => branch?.close());
  beforeEach(() => branch.elapse(3600));

  /** Verifies the code without a token: nobody is signed in yet. */
  const grantOf = (asked: Answer) => branch.verify(asked, sara.phone, 'second_factor');

  it('SEC-36: asks for a code as the second factor and reports both factors', async () => {
    const asked = await login(branch, `0${sara.phone.slice(4)}`);

    expectProblem(asked, 401, 'insufficient_user_authentication');
    expect(asked.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", .*acr_values="otp", max_age="300"$/,
    );
    expect(asked.body).toMatchObject({
      purpose: 'second_factor',
      challenge: expect.any(String),
      phone: expect.stringMatching(/^\+966\*{7}\d\d$/),
      expiresAt: expect.any(String),
      resendAt: expect.any(String),
      codeLength: 6,
    });
    const { status, body } = await login(branch, sara.phone, PASSWORD, withGrant(await grantOf(asked)));
    expect(status).toBe(200);
    expect(claimsOf(body.accessToken).amr).toEqual(['pwd', 'otp', 'sms', 'mfa']);
    expect((await branch.me(body.accessToken)).body.amr).toEqual(['pwd', 'otp', 'sms', 'mfa']);
  });

  it('returns the same challenge when repeated and sends nothing', async () => {
    const before = await branch.messages(sara.phone);

    const asked = [await login(branch, sara.phone), await login(branch, sara.phone)];

    expect(new Set(asked.map(({ body }) => body.challenge)).size).toBe(1);
    expect(await branch.messages(sara.phone)).toHaveLength(before.length + 1);
    await branch.nextCode(sara.phone);
  });

  it('SEC-37: ends the session whose token the request carries', async () => {
    const before = await branch.logIn(sara.phone);
    const headers = { ...bearer(before), ...withGrant(await grantOf(await login(branch, sara.phone))) };

    const { body } = await login(branch, sara.phone, PASSWORD, headers);

    expectProblem(await branch.me(before), 401, 'sign_in_required');
    expect((await branch.me(body.accessToken)).status).toBe(200);
    expect((await branch.me(sara.token)).status).toBe(200);
  });

  it('SEC-30: answers an unknown phone like a wrong password', async () => {
    const unknown = newPhone();
    const inbox = (await branch.call('GET /demo/inbox')).body.messages.length;

    const answers = [await login(branch, sara.phone, 'wrong password'), await login(branch, unknown)];

    for (const answer of answers) expectProblem(answer, 401, 'credentials_invalid');
    const [wrong, nobody] = answers.map(({ headers, body }) => ({
      headers: [...headers].filter(([name]) => name !== 'date'),
      body,
    }));
    expect(nobody).toEqual(wrong);
    expect(wrong!.body).not.toHaveProperty('challenge');
    expect((await branch.call('GET /demo/inbox')).body.messages).toHaveLength(inbox);
  });

  it('SEC-42: rejects the second factor without the first', async () => {
    const grant = await grantOf(await login(branch, sara.phone));

    expectProblem(await login(branch, sara.phone, 'wrong password', withGrant(grant)), 401, 'credentials_invalid');

    expect(await login(branch, sara.phone, PASSWORD, withGrant(grant))).toMatchObject({ status: 200 });
    expectProblem(await login(branch, sara.phone, PASSWORD, withGrant(grant)), 401, 'grant_invalid');
  });

  it('SEC-39: accepts the grant only for the customer who earned it', async () => {
    const mallory = await branch.signUp();
    const secondFactor = await grantOf(await login(branch, sara.phone));
    const byCode = await branch.grantFor(sara.phone, 'login');

    expectProblem(await login(branch, mallory.phone, PASSWORD, withGrant(secondFactor)), 401, 'grant_invalid');
    expectProblem(await login(branch, sara.phone, PASSWORD, withGrant(byCode)), 401, 'grant_invalid');
    const other = await branch.call('POST /auth/login', { headers: withGrant(secondFactor) });
    expectProblem(other, 401, 'grant_invalid');
  });

  it('rejects a password that is replaced during the login', async () => {
    const grant = await grantOf(await login(branch, sara.phone));
    const { sub } = claimsOf(sara.token);

    const held = { table: 'bank_users', id: String(sub), change: `password_hash = password_hash || ' '` };
    const answer = await branch.whileHeld(held, () => login(branch, sara.phone, PASSWORD, withGrant(grant)));

    expectProblem(answer, 401, 'credentials_invalid');
    await branch.dataSource.query('UPDATE bank_users SET password_hash = trim(password_hash)');
  });

  it.each<[string, unknown]>([
    ['an invalid phone', { phone: '123', password: PASSWORD }],
    ['no password', { phone: '0512345678' }],
    ['an object for a password', { phone: '0512345678', password: { $ne: null } }],
    ['a password of a page', { phone: '0512345678', password: 'x'.repeat(129) }],
    ['an unknown field', { phone: '0512345678', password: PASSWORD, verified: true }],
  ])('rejects %s', async (_, body) => {
    expectProblem(await branch.call('POST /auth/password/login', { body }), 400);
  });

  it('SEC-35: discloses no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});

describe('guessing passwords at the demo bank', () => {
  let branch: Branch;
  let sara: Customer;
  beforeAll(async () => {
    branch = await Branch.open();
    sara = await branch.signUp();
  });
  afterAll(() => branch?.close());

  it('gets ten comparisons an hour, even for an unknown phone', async () => {
    for (const phone of [sara.phone, newPhone()]) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => login(branch, phone, 'wrong password')));

      expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
      const refused = answers.find(({ status }) => status === 429)!;
      expectProblem(refused, 429, 'too_many_requests');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500);
    }
    expectProblem(await login(branch, sara.phone), 429, 'too_many_requests');
    expect(await branch.logIn(sara.phone)).toEqual(expect.any(String)); // the login by code still works

    await branch.dataSource.query(`UPDATE bank_password_attempts SET ends_at = ends_at - interval '1 hour'`);

    expectProblem(await login(branch, sara.phone), 401, 'insufficient_user_authentication');
    expect(await branch.dataSource.query('SELECT FROM bank_password_attempts')).toEqual([]);
  });

  it('gets thirty comparisons in ten minutes from one address', async () => {
    let answer: Answer;
    let calls = 0;
    do answer = await login(branch, newPhone());
    while (answer.status === 401 && ++calls < 30);

    expectProblem(answer, 429, 'too_many_requests');
    expect(calls).toBe(30 - 26);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(500);
  });
});

describe('a reset of a forgotten password at the demo bank', () => {
  let branch: Branch;
  beforeAll(async () => (branch = await Branch.open()));
  afterAll(() => branch?.close());

  const reset = (grant: string | undefined, body: unknown = { password: NEW_PASSWORD }) =>
    branch.call('POST /auth/password/reset', { body, headers: grant === undefined ? {} : withGrant(grant) });

  it('SEC-41: replaces it, ends all sessions, notifies the phone and logs nobody in', async () => {
    const { phone, token } = await branch.signUp();
    const other = await branch.logIn(phone);
    const bystander = await branch.signUp();
    await login(branch, phone, 'wrong password');

    const answer = await reset(await branch.grantFor(phone, 'password_reset'));

    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    for (const dead of [token, other]) expectProblem(await branch.me(dead), 401, 'sign_in_required');
    expect((await branch.me(bystander.token)).status).toBe(200);
    expect(await branch.nextMessage(phone)).toMatch(/password .*changed/);
    expect(await branch.dataSource.query('SELECT FROM bank_password_attempts')).toEqual([]);
    expectProblem(await login(branch, phone), 401, 'credentials_invalid');
    expectProblem(await login(branch, phone, NEW_PASSWORD), 401, 'insufficient_user_authentication');
  });

  it('SEC-41: needs a grant for exactly this purpose, and uses it once', async () => {
    const { phone, token } = await branch.signUp();
    const byCode = await branch.grantFor(phone, 'login');
    await branch.elapse(31);
    const grant = await branch.grantFor(phone, 'password_reset');

    expectProblem(await reset(undefined), 401, 'grant_required');
    expectProblem(await reset(byCode), 401, 'grant_invalid');
    expectProblem(await reset('x'.repeat(43)), 401, 'grant_invalid');
    expectProblem(await branch.call('POST /auth/login', { headers: withGrant(grant) }), 401, 'grant_invalid');
    expect((await branch.me(token)).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 8 }, () => reset(grant)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(7);
  });

  it('SEC-42: keeps the grant and changes nothing if the new password is rejected', async () => {
    const { phone, token } = await branch.signUp();
    const grant = await branch.grantFor(phone, 'password_reset');

    expectProblem(await reset(grant, { password: 'short' }), 400, 'request_invalid');
    expectProblem(await reset(grant, { password: NEW_PASSWORD, verified: true }), 400, 'request_invalid');

    expect((await branch.me(token)).status).toBe(200);
    expect((await reset(grant)).status).toBe(204);
  });

  it('SEC-42: needs a challenge whose code was verified', async () => {
    const { phone } = await branch.signUp();
    const { challenge } = (await branch.start(phone, 'password_reset')).body;

    expectProblem(await reset(challenge), 401, 'grant_invalid');
  });

  it('SEC-35: discloses no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});
