import type { AttackCase } from './attack-case.js';
import { madeUpChallenge, newPassword, wrongCode } from './attacker.js';
import { assertAllowed, assertHolds, isSuccess, assertRefused } from './verdict.js';

/** Claims that a caller may add to a request. */
const WISHES: readonly object[] = [
  { verified: true },
  { code: '000000' },
  { subject: 'admin', owner: 'admin' },
  { attempts: -1000, maxAttempts: 1000 },
  { purposes: ['login', 'registration', 'transaction'] },
  { expiresAt: '2999-12-31T00:00:00Z', ttlSeconds: 1e9 },
  // Only a parsed text makes such a name an ordinary field.
  JSON.parse('{"__proto__": {"verified": true}}') as object,
  { constructor: { prototype: { verified: true } } },
];

/** The shortest way around a code is to skip it. */
export const SKIPPING: readonly AttackCase[] = [
  {
    id: 'S1',
    title: 'No answer shows the code, no matter what the request asks for',
    advisories: ['CVE-2026-105211'],
    needs: [],
    messages: 8,
    requests: 10,
    async run(attacker) {
      const pleas: { fields?: object; headers?: Record<string, string> }[] = [
        {},
        { fields: { channel: 'response' } },
        { fields: { returnCode: true } },
        { fields: { debug: true, test: true } },
        { fields: { delivery: 'none', medium: { returnCode: {} } } },
        { headers: { 'X-Debug': '1', 'X-Test': '1' } },
        { headers: { Prefer: 'return=representation' } },
      ];
      let shown = 0;
      for (const plea of pleas) {
        const phone = attacker.newPhone();
        const answer = await attacker.start(phone, 'registration', plea);
        if (!isSuccess(answer)) continue;
        const { code, ...begun } = await attacker.challengeFrom(answer, 'registration', phone, 0);
        const wrong = await attacker.verify(begun, wrongCode(code));
        const all = [answer, wrong].map(({ headers, text }) => JSON.stringify([...headers]) + text).join();
        // Match only a whole group of digits: a time contains as many.
        assertHolds(
          !new RegExp(`(?<!\\d)${code}(?!\\d)`).test(withoutTimes(all)),
          'An answer to the client contains the code.',
        );
        shown++;
      }

      return { pleas: pleas.length, answered: shown, codesShown: 0 };
    },
  },
  {
    id: 'S2',
    title: 'Claims in further fields of a request are ignored',
    advisories: ['CVE-2026-27946'],
    needs: [],
    messages: 9,
    requests: 30,
    async run(attacker) {
      for (const fields of WISHES) {
        const phone = attacker.newPhone();
        const answer = await attacker.start(phone, 'registration', { fields });
        if (!isSuccess(answer)) continue;
        const { code, ...begun } = await attacker.challengeFrom(answer, 'registration', phone, 0);
        const claims = JSON.stringify(fields);
        assertRefused(
          await attacker.verify(begun, wrongCode(code), { fields }),
          `a wrong code, after a start with ${claims}`,
        );
      }

      const begun = await attacker.begin();
      for (const { code: _, ...fields } of WISHES as { code?: string }[]) {
        const claims = JSON.stringify(fields);
        assertRefused(await attacker.verify(begun, wrongCode(begun.code), { fields }), `a wrong code with ${claims}`);
      }
      return { attempts: 2 * WISHES.length, successes: 0 };
    },
  },
  {
    id: 'S3',
    title: 'A body that is empty, incomplete or of another type verifies nothing',
    advisories: ['CVE-2026-49448'],
    needs: [],
    messages: 1,
    requests: 20,
    async run(attacker) {
      const begun = await attacker.begin();
      const { challenge, code, purpose } = begun;
      const bodies: unknown[] = [undefined, '', '{}', 'null', '[]', '""', '{', [{ challenge, code, purpose }]];
      const parts = [{ purpose }, { code, purpose }, { challenge, purpose }, { challenge: null, code: null, purpose }];
      for (const body of [...bodies, ...parts]) {
        assertRefused(await attacker.send(attacker.route('verify', body)), 'a body without a challenge and code');
      }
      const whole = attacker.route('verify', JSON.stringify({ challenge, code, purpose }));
      const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
      for (const type of types) {
        // The types that a page on another site can make a browser send without a preflight.
        const answer = await attacker.send({ ...whole, headers: { 'Content-Type': type } });
        assertRefused(answer, `a code in a body of type ${type.split(';')[0]}`);
      }

      assertAllowed(await attacker.verify(begun, code), 'the right code, after invalid bodies');
      return { bodies: bodies.length + parts.length + types.length, successes: 0 };
    },
  },
  {
    id: 'S3b',
    title: 'No step works without the step before it',
    advisories: ['CVE-2026-18963', 'CVE-2026-94218'],
    needs: ['register', 'login', 'resetPassword'],
    messages: 1,
    requests: 24,
    async run(attacker) {
      const { phone, challenge, code } = await attacker.begin();
      const password = newPassword();
      const proofs = [undefined, '', challenge, code, madeUpChallenge(), 'x'.repeat(64), 'null', 'undefined'];
      for (const grant of proofs) {
        const what = grant === undefined ? 'nothing' : grant === challenge ? 'a challenge' : 'an invalid value';
        assertRefused(await attacker.register({ phone, password, grant }), `${what} as the grant at the registration`);
        assertRefused(await attacker.resetPassword({ grant }), `${what} as the grant at the password reset`);
      }
      assertRefused(await attacker.login({ challenge }), 'a login without a code');
      assertRefused(await attacker.login({ code }), 'a login without a challenge');
      assertRefused(await attacker.login({ challenge, code }), 'a code for registration at the login');
      return { attempts: 2 * proofs.length + 3, successes: 0 };
    },
  },
  {
    id: 'S4',
    title: 'Being signed in does not confirm a payment, and half a proof is no proof',
    advisories: ['CVE-2026-15616', 'GHSA-xg6x-h9c9-2m83'],
    needs: ['register', 'guarded'],
    messages: 2,
    requests: 14,
    async run(attacker) {
      const owner = await attacker.signUp();
      const { token } = owner;
      const id = await attacker.payment(owner);
      assertRefused(await attacker.confirm(id, {}), 'a payment from a client that is not signed in');
      const { challenge } = await attacker.stepUp(id, owner);

      for (const grant of [challenge, token, 'x'.repeat(64)]) {
        assertRefused(await attacker.confirm(id, { token, grant }), 'an invalid grant at a payment');
        assertRefused(
          await attacker.confirm(id, { token: grant === token ? challenge : grant }),
          'an invalid access token',
        );
      }
      assertRefused(await attacker.confirm(id, { token }), 'a payment without a grant');
      return { attempts: 8, successes: 0 };
    },
  },
  {
    id: 'S4b',
    title: 'Neither a password alone nor the challenge in its answer signs anyone in',
    advisories: ['CVE-2026-15616', 'GHSA-xg6x-h9c9-2m83'],
    needs: ['register', 'passwordLogin', 'me'],
    messages: 2,
    requests: 8,
    async run(attacker) {
      const owner = await attacker.signUp();
      const before = (await attacker.messages(owner.phone)).length;
      const half = await attacker.elsewhere().passwordLogin(owner);
      assertRefused(half, 'a password without a second factor');
      assertHolds(attacker.givenToken(half) === undefined, 'It gave an access token for a password alone.');

      const begun = await attacker.challengeFrom(half, 'second_factor', owner.phone, before);
      assertRefused(await attacker.me(begun.challenge), 'a challenge as an access token');
      const grant = await attacker.grantFor(begun);
      assertRefused(await attacker.me(grant), 'a grant as an access token');
      const wrong = { ...owner, password: newPassword() };
      assertRefused(await attacker.passwordLogin(wrong, { grant }), 'a second factor with a wrong password');
      return { attempts: 4, successes: 0 };
    },
  },
  {
    id: 'S5',
    title: 'A login by code does not count as the second factor of another login',
    advisories: ['CVE-2024-45042', 'ory/kratos#4317'],
    needs: ['register', 'passwordLogin', 'elapse'],
    messages: 2,
    requests: 6,
    async run(attacker) {
      const owner = await attacker.signUp();
      const grant = await attacker.grantFor(await attacker.beginLogin(owner));

      const answer = await attacker.passwordLogin(owner, { grant });
      assertRefused(answer, 'a login grant as the second factor');
      return { attempts: 1, successes: 0 };
    },
  },
];

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
}
