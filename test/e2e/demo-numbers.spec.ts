import { type Answer, bearer, expectProblem, withGrant } from '../support/bank.js';
import { Branch, type Customer } from '../support/branch.js';
import { newPhone } from '../support/otp-fixture.js';

const DAY_MS = 86_400_000;

describe('a change of number at the demo bank', () => {
  let branch: Branch;
  beforeAll(async () => (branch = await Branch.open()));
  afterAll(() => branch?.close());
  beforeEach(() => branch.elapse(31));

  const change = (token: string, current: string | undefined, newNumberGrant: string): Promise<Answer> =>
    branch.call('POST /numbers/change', {
      headers: { ...bearer(token), ...(current && withGrant(current)) },
      body: { newNumberGrant },
    });
  const grantsFor = async ({ phone, token }: Customer, to: string): Promise<[current: string, next: string]> => [
    await branch.grantFor(phone, 'change_number', token),
    await branch.grantFor(to, 'verify_number', token),
  ];

  describe('that succeeds', () => {
    const to = newPhone();
    let sara: Customer;
    let elsewhere: string;
    let answer: Answer;
    beforeAll(async () => {
      sara = await branch.signUp();
      elsewhere = await branch.logIn(sara.phone);
      answer = await change(sara.token, ...(await grantsFor(sara, to)));
    });

    it('returns the new number and the end of its hold', async () => {
      expect(answer).toMatchObject({
        status: 200,
        body: { phone: expect.stringMatching(new RegExp(`^\\+966\\*{7}${to.slice(-2)}$`)) },
      });
      const held = Date.parse(answer.body.heldUntil) - Date.now();
      expect(held).toBeGreaterThan(DAY_MS - 60_000);
      expect(held).toBeLessThanOrEqual(DAY_MS);
      expect((await branch.me(sara.token)).body.phone).toBe(answer.body.phone);
    });

    it('SEC-49: notifies the old number', async () => {
      expect(await branch.nextMessage(sara.phone)).toMatch(/now uses another number/);
    });

    it('SEC-49: ends every other session, but not this one', async () => {
      expectProblem(await branch.me(elsewhere), 401, 'sign_in_required');
      expect((await branch.me(sara.token)).status).toBe(200);
    });

    it('SEC-49: lets the new number confirm no transfer', async () => {
      const order = { amount: '250.00', currency: 'SAR', payee: 'Omar' };
      const { body } = await branch.call('POST /transfers', { headers: bearer(sara.token), body: order });
      const before = await branch.messages(to);

      const confirmed = await branch.call(`POST /transfers/${body.id}/confirm`, { headers: bearer(sara.token) });

      expectProblem(confirmed, 403, 'phone_on_hold');
      expect(Number(confirmed.headers.get('retry-after'))).toBeGreaterThan(80_000);
      expect(await branch.messages(to)).toHaveLength(before.length);
    });

    it('SEC-49: lets the new number reset no password, and answers as for an unknown phone', async () => {
      const before = await branch.messages(to);

      const [held, unknown] = [
        await branch.start(to, 'password_reset'),
        await branch.start(newPhone(), 'password_reset'),
      ];

      expect(held.status).toBe(202);
      expect(Object.keys(held.body)).toEqual(Object.keys(unknown.body));
      // If a message had been sent, it would have arrived before one that is requested later.
      await branch.signUp();
      expect(await branch.messages(to)).toHaveLength(before.length);
    });

    it('lets the new number log in, and no longer the old one', async () => {
      expect((await branch.me(await branch.logIn(to))).status).toBe(200);

      const before = await branch.messages(sara.phone);
      expect((await branch.start(sara.phone, 'login')).status).toBe(202);
      await branch.signUp({ phone: newPhone() });
      expect(await branch.messages(sara.phone)).toHaveLength(before.length);
    });
  });

  it('SEC-49: needs a code from each phone: a stolen token alone is not enough', async () => {
    const sara = await branch.signUp();
    const [current, next] = await grantsFor(sara, newPhone());

    expectProblem(await change(sara.token, undefined, next), 401, 'grant_required');
    expectProblem(await change(sara.token, next, current), 401, 'grant_invalid');
    expectProblem(await change(sara.token, next, next), 401, 'grant_invalid');
    expectProblem(await change(sara.token, current, current), 401, 'grant_invalid');
    const anonymous = { headers: withGrant(current), body: { newNumberGrant: next } };
    expectProblem(await branch.call('POST /numbers/change', anonymous), 401, 'sign_in_required');
    const unknownField = { headers: bearer(sara.token), body: { newNumberGrant: next, phone: newPhone() } };
    expectProblem(await branch.call('POST /numbers/change', unknownField), 400);
    expect((await change(sara.token, current, next)).status).toBe(200);
  });

  it('SEC-39: rejects the codes of another session', async () => {
    const sara = await branch.signUp();
    const [current, next] = await grantsFor(sara, newPhone());

    expectProblem(await change(await branch.logIn(sara.phone), current, next), 401, 'grant_invalid');
  });

  it('SEC-48: leaves a taken number with its owner, ends no session, and returns both grants', async () => {
    const [sara, omar] = [await branch.signUp(), await branch.signUp()];
    const elsewhere = await branch.logIn(sara.phone);
    const [current, next] = await grantsFor(sara, omar.phone);

    for (let n = 0; n < 2; n++) {
      expectProblem(await change(sara.token, current, next), 409, 'phone_already_activated');
    }

    expect((await branch.me(elsewhere)).status).toBe(200);
    expect((await branch.me(omar.token)).body.phone).toMatch(new RegExp(`${omar.phone.slice(-2)}$`));
  });

  it('SEC-35: discloses no whole number', () => {
    expect(branch.leaks()).toEqual([]);
  });
});
