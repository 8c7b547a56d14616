import { type Answer, bearer, expectProblem, withGrant } from '../support/bank.js';
import { Branch, claimsOf, type Customer, PASSWORD } from '../support/branch.js';
import { newPhone } from '../support/otp-fixture.js';

const WRONG = '00000-00000-00000-00000-00000';
const ORDER = { amount: '250.00', currency: 'SAR', payee: 'Omar' };

// One address per part: the bank compares 30 codes and 30 passwords from one address in 10 minutes.
let branch: Branch;
const openedForAll = () => {
  beforeAll(async () => (branch = await Branch.open()));
  afterAll(() => branch?.close());
  beforeEach(() => branch.elapse(3600));
};

const login = (phone: string, headers = {}, password = PASSWORD): Promise<Answer> =>
  branch.call('POST /auth/password/login', { body: { phone, password }, headers });
/** Logs in with the code that the first answer asks for. */
async function loginByCode(phone: string, headers = {}): Promise<Answer> {
  const grant = await branch.verify(await login(phone), phone, 'second_factor');
  return login(phone, { ...headers, ...withGrant(grant) });
}
const recover = (phone: string, recoveryCode: unknown, password = PASSWORD): Promise<Answer> =>
  branch.call('POST /auth/password/login/recovery', { body: { phone, password, recoveryCode } });

describe('recovery codes at the demo bank', () => {
  openedForAll();

  const issue = ({ token }: Customer, headers = {}): Promise<Answer> =>
    branch.call('POST /auth/recovery-codes', { headers: { ...bearer(token), ...headers } });
  const remaining = async ({ token }: Customer) =>
    (await branch.call('GET /auth/recovery-codes', { headers: bearer(token) })).body.remaining;
  const use = (token: string, code: unknown): Promise<Answer> =>
    branch.call('POST /auth/recovery-codes/use', { headers: bearer(token), body: { code } });

  async function customerWithCodes(): Promise<Customer & { codes: string[] }> {
    const customer = await branch.signUp();
    const grant = await branch.verify(await issue(customer), customer.phone, 'recovery_codes', customer.token);
    const { body } = await issue(customer, withGrant(grant));
    return { ...customer, codes: body.codes };
  }

  it('SEC-52: are shown once, after a new proof of the phone', async () => {
    const sara = await branch.signUp();
    expect(await remaining(sara)).toBe(0);

    const asked = await issue(sara);
    expectProblem(asked, 401, 'insufficient_user_authentication');
    const message = /is your Demo Bank code for new recovery codes/;
    expect((await branch.messages(sara.phone))[0]!.text).toMatch(message);
    const grant = await branch.verify(asked, sara.phone, 'recovery_codes', sara.token);
    const answer = await issue(sara, withGrant(grant));

    expect(answer).toMatchObject({ status: 201, body: { codes: expect.any(Array) } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(new Set(answer.body.codes).size).toBe(10);
    expect(await remaining(sara)).toBe(10);
    expectProblem(await issue(sara, withGrant(grant)), 401, 'grant_invalid');
    expectProblem(await branch.call('POST /auth/recovery-codes'), 401, 'sign_in_required');
    expectProblem(await branch.call('GET /auth/recovery-codes'), 401, 'sign_in_required');
  });

  it('SEC-52: log in with the password instead of a lost phone, each once, and the phone is notified', async () => {
    const sara = await customerWithCodes();

    const answer = await recover(sara.phone, sara.codes[0]!.toLowerCase());

    expect(answer).toMatchObject({ status: 200, body: { accessToken: expect.any(String), remaining: 9 } });
    expect(claimsOf(answer.body.accessToken).amr).toEqual(['pwd', 'otp', 'mfa']);
    expect((await branch.me(answer.body.accessToken)).status).toBe(200);
    expect(await branch.nextMessage(sara.phone)).toMatch(/recovery code .* was used/);
    expectProblem(await recover(sara.phone, sara.codes[0]), 400, 'recovery_code_invalid');
    expectProblem(await recover(sara.phone, sara.codes[1], 'wrong password'), 401, 'credentials_invalid');
    expectProblem(await recover(newPhone(), sara.codes[1]), 401, 'credentials_invalid');
    expectProblem(await recover(sara.phone, '123456'), 400, 'code_malformed');
    expectProblem(await recover(sara.phone, { $ne: null }), 400, 'request_invalid');
    expect(await remaining(sara)).toBe(9);
  });

  it('SEC-52: are replaced after use, with a new proof of the phone', async () => {
    const sara = await customerWithCodes();
    await recover(sara.phone, sara.codes[2]);
    await branch.elapse(31); // so that another code can be requested
    const replace = (headers = {}) =>
      branch.call('POST /auth/recovery-codes/replace', { headers: { ...bearer(sara.token), ...headers } });

    const asked = await replace();
    expectProblem(asked, 401, 'insufficient_user_authentication');
    const grant = await branch.verify(asked, sara.phone, 'recovery_codes', sara.token);
    const answer = await replace(withGrant(grant));

    expect(answer).toMatchObject({ status: 200, body: { codes: [{ place: 3, code: expect.any(String) }] } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await remaining(sara)).toBe(10);
    expectProblem(await replace(withGrant(grant)), 401, 'grant_invalid');
    expect((await recover(sara.phone, answer.body.codes[0].code)).body.remaining).toBe(9);
    expect((await recover(sara.phone, sara.codes[0])).body.remaining).toBe(8);
  });

  it('SEC-52: work only for their own customer and allow ten guesses an hour', async () => {
    const [sara, omar] = [await customerWithCodes(), await branch.signUp()];
    expectProblem(await recover(omar.phone, sara.codes[0]), 400, 'recovery_code_invalid');

    for (let n = 0; n < 10; n++) expectProblem(await use(sara.token, WRONG), 400, 'recovery_code_invalid');

    const lockedOut = await use(sara.token, sara.codes[0]);
    expectProblem(lockedOut, 429, 'locked_out');
    expect(Number(lockedOut.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(await branch.logIn(sara.phone)).toEqual(expect.any(String)); // the login by code still works
  });

  it('SEC-49: move the account to another number instead of a code to the lost one, with notice and hold', async () => {
    const sara = await customerWithCodes();
    const { accessToken } = (await recover(sara.phone, sara.codes[0])).body;
    const to = newPhone();
    const { grant, remaining: left } = (await use(accessToken, sara.codes[1])).body;
    const newNumberGrant = await branch.grantFor(to, 'verify_number', accessToken);
    const change = (token: string) =>
      branch.call('POST /numbers/change', {
        headers: { ...bearer(token), ...withGrant(grant) },
        body: { newNumberGrant },
      });

    expect(left).toBe(8);
    expectProblem(await change(sara.token), 401, 'grant_invalid'); // from another session
    const changed = await change(accessToken);

    expect(changed).toMatchObject({ status: 200, body: { heldUntil: expect.any(String) } });
    expect(await branch.nextMessage(sara.phone, /another number/)).toMatch(/now uses another number/);
    expect((await branch.me(accessToken)).body.phone).toMatch(new RegExp(`${to.slice(-2)}$`));
    expectProblem(await branch.me(sara.token), 401, 'sign_in_required');
    const { id } = (await branch.call('POST /transfers', { headers: bearer(accessToken), body: ORDER })).body;
    const confirm = (headers: object) =>
      branch.call(`POST /transfers/${id}/confirm`, { headers: { ...bearer(accessToken), ...headers } });
    expectProblem(await confirm({}), 403, 'phone_on_hold');
  });

  it('SEC-52: confirm no transfer', async () => {
    const sara = await customerWithCodes();
    const { id } = (await branch.call('POST /transfers', { headers: bearer(sara.token), body: ORDER })).body;
    const { grant } = (await use(sara.token, sara.codes[0])).body;

    const confirmed = await branch.call(`POST /transfers/${id}/confirm`, {
      headers: { ...bearer(sara.token), ...withGrant(grant) },
    });

    expectProblem(confirmed, 401, 'grant_invalid');
  });
});

describe('trusted devices at the demo bank', () => {
  openedForAll();

  /** The cookie that a browser would send back. */
  const cookieOf = ({ headers }: Answer) => ({ Cookie: headers.getSetCookie()[0]?.split(';', 1)[0] ?? 'none=1' });
  const devicesOf = async (token: string) =>
    (await branch.call('GET /auth/devices', { headers: bearer(token) })).body.devices;

  async function trusting(label = 'Firefox on Linux') {
    const { phone, token } = await branch.signUp();
    const answer = await loginByCode(phone, { 'Trust-Device': label });
    await branch.elapse(31); // so that another code can be requested
    return { phone, token, answer, cookie: cookieOf(answer) };
  }

  it('get a cookie that no script can read and no other site can send, then log in with the password alone', async () => {
    const { phone, token, answer, cookie } = await trusting();

    const [set] = answer.headers.getSetCookie();
    const [, ...attributes] = set!.split('; ');
    expect(set).toMatch(/^__Host-device=[\w-]{22}\.[\w-]{43};/);
    const [expires] = attributes.splice(1, 1);
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict']);
    expect(Math.round((Date.parse(expires!.replace('Expires=', '')) - Date.now()) / 86_400_000)).toBe(30);
    expect(await devicesOf(token)).toMatchObject([{ label: 'Firefox on Linux', id: expect.any(String) }]);
    expectProblem(await branch.call('GET /auth/devices'), 401, 'sign_in_required');
    const before = await branch.messages(phone);

    const again = await login(phone, cookie);

    expect(again.status).toBe(200);
    expect(claimsOf(again.body.accessToken).amr).toEqual(['pwd']);
    expect(cookieOf(again).Cookie).toMatch(/^__Host-device=/);
    expect(cookieOf(again)).not.toEqual(cookie);
    expect((await login(phone, cookieOf(again))).status).toBe(200);
    expect(await branch.messages(phone)).toHaveLength(before.length);
    // The cookie skips nothing else: a transfer still needs its code.
    const headers = { ...bearer(again.body.accessToken), ...cookieOf(again) };
    const { id } = (await branch.call('POST /transfers', { headers, body: ORDER })).body;
    const confirmed = await branch.call(`POST /transfers/${id}/confirm`, { headers });
    expectProblem(confirmed, 401, 'insufficient_user_authentication');
  });

  it('S6: still need the password and belong to one customer only', async () => {
    const [sara, omar] = [await trusting(), await branch.signUp()];

    expectProblem(await login(sara.phone, sara.cookie, 'wrong password'), 401, 'credentials_invalid');
    expectProblem(await login(omar.phone, sara.cookie), 401, 'insufficient_user_authentication');

    expect((await login(sara.phone, sara.cookie)).status).toBe(200);
  });

  it('S6: lose their trust when a replaced cookie is used', async () => {
    const { phone, token, cookie: stolen } = await trusting();
    const newest = cookieOf(await login(phone, stolen));
    await branch.elapse(31);

    expectProblem(await login(phone, stolen), 401, 'insufficient_user_authentication');

    expectProblem(await login(phone, newest), 401, 'insufficient_user_authentication');
    expect(await devicesOf(token)).toEqual([]);
  });

  it('are listed for their customer, who can forget them', async () => {
    const [sara, omar] = [await trusting('desk'), await branch.signUp()];
    const [device] = await devicesOf(sara.token);
    const forget = (token: string, id: string) => branch.call(`DELETE /auth/devices/${id}`, { headers: bearer(token) });

    expect((await forget(omar.token, device.id)).status).toBe(404);
    expect((await forget(sara.token, 'none')).status).toBe(404);
    expect((await forget(sara.token, device.id)).status).toBe(204);
    expect((await forget(sara.token, device.id)).status).toBe(404);

    expectProblem(await login(sara.phone, sara.cookie), 401, 'insufficient_user_authentication');
  });

  it('T3: lose their trust after a password reset', async () => {
    const { phone, cookie } = await trusting();
    const grant = await branch.grantFor(phone, 'password_reset');
    const password = 'staple battery horse';

    await branch.call('POST /auth/password/reset', { body: { password }, headers: withGrant(grant) });

    expectProblem(await login(phone, cookie, password), 401, 'insufficient_user_authentication');
  });

  it('T3: do not log in with a password that is replaced meanwhile', async () => {
    const { phone, token, cookie } = await trusting();
    const held = {
      table: 'bank_users',
      id: String(claimsOf(token).sub),
      change: `password_hash = password_hash || ' '`,
    };

    const answer = await branch.whileHeld(held, () => login(phone, cookie));

    expectProblem(answer, 401, 'credentials_invalid');
  });

  it('SEC-42: need a valid name, and a rejected name keeps the grant valid', async () => {
    const { phone } = await branch.signUp();
    const grant = await branch.verify(await login(phone), phone, 'second_factor');

    for (const label of [' ', 'x'.repeat(61)]) {
      expectProblem(await login(phone, { ...withGrant(grant), 'Trust-Device': label }), 400, 'request_invalid');
    }

    const answer = await login(phone, withGrant(grant));
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]); // no trust was requested
  });

  it('SEC-35: disclose no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});
