import { Transfer } from '../../demo/bank/transfers/transfer.entity.js';
import { type Answer, bearer, expectProblem, withGrant } from '../support/bank.js';
import { Branch, type Customer } from '../support/branch.js';

const ORDER = { amount: '250.00', currency: 'SAR', payee: 'Sara Trading' };

describe('transfers of the demo bank', () => {
  let branch: Branch;
  let sara: Customer;
  beforeAll(async () => {
    branch = await Branch.open();
    sara = await branch.signUp();
  });
  afterAll(() => branch?.close());
  beforeEach(() => branch.elapse(3600));

  const prepare = (order: object = {}, { token } = sara) =>
    branch.call('POST /transfers', { headers: bearer(token), body: { ...ORDER, ...order } });
  const prepared = async (order?: object): Promise<string> => (await prepare(order)).body.id;
  const get = (path: string, { token } = sara) => branch.call(`GET /transfers${path}`, { headers: bearer(token) });
  const confirm = (id: string, grant?: string, { token } = sara): Promise<Answer> =>
    branch.call(`POST /transfers/${id}/confirm`, { headers: { ...bearer(token), ...(grant && withGrant(grant)) } });
  const grantOf = (asked: Answer) => branch.verify(asked, sara.phone, 'transaction', sara.token);
  const stored = (id: string) => branch.dataSource.manager.findOneByOrFail(Transfer, { id });

  it('are confirmed with a code, right after a login by code, and only once', async () => {
    const challenge = (await branch.start(sara.phone, 'login')).body.challenge;
    const body = { challenge, code: await branch.nextCode(sara.phone) };
    const token = (await branch.call('POST /auth/login', { body })).body.accessToken;
    const customer = { ...sara, token };
    const made = await prepare({}, customer);
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toEqual({ id: expect.any(String), ...ORDER, status: 'pending' });
    const { id } = made.body;

    const asked = await confirm(id, undefined, customer);

    expectProblem(asked, 401, 'insufficient_user_authentication');
    expect(asked.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", .*acr_values="otp", max_age="300"$/,
    );
    expect(asked.body).toMatchObject({
      purpose: 'transaction',
      challenge: expect.any(String),
      phone: expect.stringMatching(/^\+966\*{7}\d\d$/),
      expiresAt: expect.any(String),
      resendAt: expect.any(String),
      codeLength: 6,
    });
    const grant = await branch.verify(asked, sara.phone, 'transaction', token);
    expect(await confirm(id, grant, customer)).toMatchObject({ status: 200, body: { status: 'executed' } });
    expectProblem(await confirm(id, grant, customer), 409, 'conflict');
    expectProblem(await confirm(id, undefined, customer), 409, 'conflict');
    expect((await get(`/${id}`)).body).toEqual({ id, ...ORDER, status: 'executed' });
  });

  it('SEC-45: name amount, currency and payee in the message', async () => {
    const id = await prepared({ payee: 'Omar & Sons' });

    await confirm(id);

    expect(await branch.nextMessage(sara.phone)).toMatch(/250\.00 SAR to Omar & Sons/);
  });

  it('get the same challenge when confirmed again, without another message', async () => {
    const id = await prepared();
    const before = await branch.messages(sara.phone);

    const asked = [await confirm(id), await confirm(id)];

    expect(new Set(asked.map(({ body }) => body.challenge)).size).toBe(1);
    expect(await branch.messages(sara.phone)).toHaveLength(before.length + 1);
    await branch.nextCode(sara.phone);
  });

  it('SEC-39: execute once in 16 parallel confirmations with four grants', async () => {
    const id = await prepared();
    const grants: string[] = [];
    for (let n = 0; n < 4; n++) {
      grants.push(await grantOf(await confirm(id)));
      await branch.elapse(31);
    }

    // Held until some requests have passed the guard's read of the record.
    const answers = await branch.whileHeld({ table: 'bank_transfers', id, waiting: 4 }, () =>
      Promise.all(Array.from({ length: 16 }, (_, n) => confirm(id, grants[n % 4]))),
    );

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409 && status !== 401)).toEqual([]);
    const used = await branch.dataSource.query(
      `SELECT count(*)::int AS n FROM otp_grants WHERE purpose = 'transaction' AND consumed_at IS NOT NULL
         AND action_digest = (SELECT action_digest FROM otp_grants ORDER BY created_at DESC LIMIT 1)`,
    );
    expect(used).toEqual([{ n: 1 }]);
  });

  it('SEC-47: are not executed if they change while a confirmation waits for the record', async () => {
    const id = await prepared();
    const grant = await grantOf(await confirm(id));

    const held = { table: 'bank_transfers', id, change: `payee = 'Mallory'` };
    const answer = await branch.whileHeld(held, () => confirm(id, grant));

    expectProblem(answer, 401, 'grant_invalid');
    expect((await stored(id)).executedAt).toBeNull();
  });

  it('SEC-43: are confirmed as stored, not as the request describes them', async () => {
    const id = await prepared();
    const asked = await branch.call(`POST /transfers/${id}/confirm`, {
      headers: bearer(sara.token),
      body: { amount: '1.00', payee: 'Mallory' },
    });

    const text = await branch.nextMessage(sara.phone);

    expect(asked.status).toBe(401);
    expect(text).toContain('250.00 SAR to Sara Trading');
  });

  it('SEC-39: reject a grant of another transfer', async () => {
    const grant = await grantOf(await confirm(await prepared()));
    const other = await prepared();

    expectProblem(await confirm(other, grant), 401, 'grant_invalid');

    expect((await stored(other)).executedAt).toBeNull();
  });

  it('SEC-39: reject a grant of another session of the same customer', async () => {
    const id = await prepared();
    const grant = await grantOf(await confirm(id));
    const token = await branch.logIn(sara.phone);

    expectProblem(await confirm(id, grant, { ...sara, token }), 401, 'grant_invalid');

    expect(await confirm(id, grant)).toMatchObject({ status: 200 });
  });

  it('SEC-38: ask a caller who is not signed in to sign in, and nothing more', async () => {
    const id = await prepared();

    const answer = await branch.call(`POST /transfers/${id}/confirm`);

    expectProblem(answer, 401, 'sign_in_required');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.body).not.toHaveProperty('challenge');
    expectProblem(await branch.call('GET /transfers'), 401);
    expectProblem(await branch.call('POST /transfers', { body: ORDER }), 401);
  });

  it('are hidden from other customers, who cannot confirm them or trigger messages', async () => {
    const mallory = await branch.signUp();
    const id = await prepared();
    const before = (await branch.messages(sara.phone)).length + (await branch.messages(mallory.phone)).length;

    for (const wrong of [id, '00000000-0000-0000-0000-000000000000', 'abc', '%00']) {
      expectProblem(await get(`/${wrong}`, mallory), 404, 'not_found');
      expectProblem(await confirm(wrong, undefined, mallory), 404, 'not_found');
    }

    expect((await get('', mallory)).body).toEqual({ transfers: [] });
    expect((await branch.messages(sara.phone)).length + (await branch.messages(mallory.phone)).length).toBe(before);
  });

  it('are listed for their own customer, newest first', async () => {
    const ids = [await prepared({ payee: 'first' }), await prepared({ payee: 'second' })];

    const { transfers } = (await get('')).body;

    expect(transfers.slice(0, 2)).toEqual([
      { id: ids[1], ...ORDER, payee: 'second', status: 'pending' },
      { id: ids[0], ...ORDER, payee: 'first', status: 'pending' },
    ]);
  });

  it.each([
    ['250.00', 'SAR', '250.00', 25_000n],
    ['250', 'SAR', '250.00', 25_000n],
    ['٢٥٠٫٥', 'SAR', '250.50', 25_050n],
    ['0.01', 'SAR', '0.01', 1n],
    ['10', 'JPY', '10', 10n],
    ['1.5', 'KWD', '1.500', 1_500n],
    ['9999999999999.99', 'SAR', '9999999999999.99', 999_999_999_999_999n], // a float cannot store this number of halalas
  ])('SEC-46: store %s %s as whole minor units and show it as %s', async (amount, currency, shown, minor) => {
    const { body } = await prepare({ amount, currency });

    expect(body.amount).toBe(shown);
    expect((await stored(body.id)).amount).toBe(minor);
    expect((await get(`/${body.id}`)).body.amount).toBe(shown);
  });

  it.each<[string, object]>([
    ['a missing amount', { amount: '0.00' }],
    ['a sign', { amount: '-1.00' }],
    ['an exponent', { amount: '1e1' }],
    ['separators', { amount: '1,000.00' }],
    ['more decimals than the currency has', { amount: '1.001' }],
    ['decimals of a currency without any', { amount: '1.5', currency: 'JPY' }],
    ['a number', { amount: 250 }],
    ['an empty text', { amount: '' }],
    ['more than the maximum', { amount: '10000000000000.01' }],
    ['more than the column can store', { amount: '999999999999999.9999', currency: 'CLF' }],
    ['lowercase letters', { currency: 'sar' }],
    ['no currency', { currency: 'ABC' }],
    ['no payee', { payee: '' }],
    ['a payee of spaces', { payee: '  ' }],
    ['a payee of two lines', { payee: 'Sara\nTrading' }],
    ['a payee of two lines, as Unicode has them', { payee: 'Sara\u2028Trading' }],
    ['a long payee', { payee: 'x'.repeat(61) }],
    ['an unknown field', { status: 'executed' }],
  ])('reject %s', async (_, order) => {
    const before = await branch.dataSource.manager.count(Transfer);

    expectProblem(await prepare(order), 400, 'request_invalid');

    expect(await branch.dataSource.manager.count(Transfer)).toBe(before);
  });

  it('SEC-35: disclose no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});
