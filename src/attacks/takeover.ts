import type { AttackCase } from './attack-case.js';
import { newPassword } from './attacker.js';
import { assertAllowed, assertHolds, assertRefused, assertStaged } from './verdict.js';

/** Access that outlives a change of owner, number or password. */
export const TAKEOVER: readonly AttackCase[] = [
  {
    id: 'T1',
    title: 'Nobody can prepare an account for a number that they did not prove',
    advisories: ['better-auth/better-auth#10239', 'CVE-2026-56081'],
    needs: ['register', 'passwordLogin'],
    messages: 3,
    requests: 12,
    async run(attacker) {
      const victim = attacker.elsewhere();
      const phone = victim.newPhone();
      const prepared = { phone, password: newPassword() };
      const answers = [
        await attacker.register(prepared),
        await attacker.register({ ...prepared, fields: { phone, verified: true } }),
      ];
      for (const answer of answers) assertRefused(answer, 'a registration without proof of the number');

      await victim.signUp(phone);
      const intruder = await attacker.passwordLogin(prepared);
      assertRefused(intruder, 'the password that a stranger had chosen before the owner registered');
      assertHolds(
        typeof intruder.json.challenge !== 'string',
        'It took the password that a stranger had chosen before the owner registered.',
      );
      return { attempts: 3, successes: 0 };
    },
  },
  {
    id: 'T2',
    title: 'A number that has left an account gives no access to it',
    advisories: ['CVE-2026-9092'],
    needs: ['register', 'login', 'changeNumber', 'elapse'],
    messages: 7,
    requests: 18,
    async run(attacker) {
      const owner = await attacker.signUp();
      const { token, phone } = owner;
      const login = await attacker.beginLogin(owner);
      const early = await attacker.grantFor(login);
      const current = await attacker.grantFor(await attacker.begin('change_number', phone, owner), owner);
      const next = await attacker.grantFor(await attacker.begin('verify_number', attacker.newPhone(), owner), owner);
      const change = attacker.target.changeNumber!({ newNumberGrant: next });
      assertStaged(await attacker.send(change, { token, grant: current }), 'a change of number');

      assertRefused(
        await attacker.login({}, { grant: early }),
        'a grant earned with a number that has left the account',
      );
      await attacker.passed('resendAt', login.answer);
      const before = (await attacker.messages(phone)).length;
      await attacker.start(phone, 'login');
      await attacker.begin(); // a message that is requested later arrives later
      const codes = (await attacker.messages(phone)).length - before;
      assertHolds(codes === 0, 'It sent a code for the account to a number that has left it.');
      return { attempts: 2, successes: 0 };
    },
  },
  {
    id: 'T2b',
    title: 'A change of number needs codes from both numbers',
    advisories: [],
    needs: ['register', 'changeNumber'],
    messages: 4,
    requests: 14,
    async run(attacker) {
      const owner = await attacker.signUp();
      const { token } = owner;
      const next = await attacker.grantFor(await attacker.begin('verify_number', attacker.newPhone(), owner), owner);
      const change = (newNumberGrant: string, grant?: string) =>
        attacker.send(attacker.target.changeNumber!({ newNumberGrant }), { token, grant });

      assertRefused(await change(next), "a change of number without a code from the account's own number");
      assertRefused(await change(next, next), 'one code for both numbers');
      const current = await attacker.grantFor(await attacker.begin('change_number', owner.phone, owner), owner);
      assertRefused(await change(current, current), 'one code for both numbers');
      assertRefused(await change('x'.repeat(64), current), 'a change to a number that nobody proved');
      assertAllowed(await change(next, current), 'a change with codes from both numbers');
      return { attempts: 4, successes: 0 };
    },
  },
  {
    id: 'T3',
    title: 'A password reset ends all sessions and the old password, and signs nobody in',
    advisories: ['CVE-2023-22492'],
    needs: ['register', 'resetPassword', 'passwordLogin', 'me', 'elapse'],
    messages: 4,
    requests: 14,
    async run(attacker) {
      const intruder = await attacker.signUp();
      const { phone, token } = intruder;
      assertStaged(await attacker.me(token), 'a session');
      await attacker.passed('resendAt', intruder.begun.answer);
      const owner = attacker.elsewhere();
      const reset = await owner.begin('password_reset', phone);
      const password = newPassword();
      const answer = await owner.resetPassword({ grant: await owner.grantFor(reset) }, password);
      assertStaged(answer, 'a password reset');

      assertHolds(attacker.givenToken(answer) === undefined, 'A password reset signed the client in.');
      assertRefused(await attacker.me(token), 'a session from before the password reset');
      const old = await attacker.passwordLogin(intruder);
      assertRefused(old, 'a password from before the reset');
      assertHolds(typeof old.json.challenge !== 'string', 'It took the password from before the reset.');
      const fresh = await owner.passwordLogin({ phone, password });
      assertHolds(typeof fresh.json.challenge === 'string', 'It did not take the new password.');
      return { attempts: 2, successes: 0 };
    },
  },
];
