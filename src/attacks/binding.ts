import type { AttackCase } from './attack-case.js';
import { altered, areDifferent, newPassword } from './attacker.js';
import { assertAllowed, assertHolds, isSuccess, assertRefused } from './verdict.js';

/** Field names under which an application might accept a number from the client. */
const NAMES_OF_A_NUMBER = ['phone', 'phoneNumber', 'phone_number', 'number', 'mobile', 'subject'];

/** A proof is bound to one number, person, purpose and payment. */
export const BINDING: readonly AttackCase[] = [
  {
    id: 'B1',
    title: 'A proof for one number does not register another',
    advisories: ['CVE-2026-15014'],
    needs: ['register'],
    messages: 2,
    requests: 14,
    async run(attacker) {
      const victim = attacker.elsewhere();
      const theirs = victim.newPhone();
      const begun = await attacker.begin();
      const grant = await attacker.grantFor(begun);
      const account = { phone: begun.phone, password: newPassword(), grant };
      let attempts = 0;
      for (const name of NAMES_OF_A_NUMBER) {
        attempts++;
        if (isSuccess(await attacker.register({ ...account, fields: { [name]: theirs } }))) break;
      }

      const own = await victim.begin('registration', theirs);
      const opened = await victim.register({
        phone: theirs,
        password: newPassword(),
        grant: await victim.grantFor(own),
      });
      assertAllowed(opened, 'the number of its owner, after a client with a code for another number named it');
      return { attempts, successes: 0 };
    },
  },
  {
    id: 'B2',
    title: 'A code verifies only its own challenge, and attempts elsewhere leave it intact',
    advisories: ['CVE-2026-45337'],
    needs: [],
    messages: 2,
    requests: 6,
    async run(attacker) {
      const [mine, theirs] = [await attacker.begin(), await attacker.elsewhere().begin()];
      areDifferent(mine, theirs);

      assertRefused(await attacker.verify(theirs, mine.code), 'the code of one challenge for another');
      assertRefused(await attacker.verify(mine, theirs.code), 'the code of one challenge for another');
      assertAllowed(await attacker.verify(mine, mine.code), 'the right code, after it was tried elsewhere');
      assertAllowed(await attacker.verify(theirs, theirs.code), 'the right code, after another was tried');
      return { attempts: 2, successes: 0 };
    },
  },
  {
    id: 'B3',
    title: 'A code verifies only for its own purpose',
    advisories: [],
    needs: [],
    messages: 1,
    requests: 4,
    async run(attacker) {
      const { challenge, code } = await attacker.begin('registration');
      for (const purpose of ['login', 'password_reset'] as const) {
        assertRefused(
          await attacker.verify({ challenge, purpose }, code),
          `a code for registration as one for ${purpose}`,
        );
      }

      assertAllowed(
        await attacker.verify({ challenge, purpose: 'registration' }, code),
        'the right code for its purpose',
      );
      return { purposes: 2, successes: 0 };
    },
  },
  {
    id: 'B3b',
    title: 'A grant opens only the routes of its own purpose',
    advisories: ['CVE-2025-46815', 'CVE-2025-69614'],
    needs: ['register', 'login', 'resetPassword', 'elapse'],
    messages: 3,
    requests: 14,
    async run(attacker) {
      const owner = await attacker.signUp();
      const login = await attacker.beginLogin(owner);
      const forLogin = await attacker.grantFor(login);
      assertRefused(await attacker.resetPassword({ grant: forLogin }), 'a login grant at the password reset');
      await attacker.passed('resendAt', login.answer);
      const forReset = await attacker.grantFor(await attacker.begin('password_reset', owner.phone));

      assertRefused(await attacker.login({}, { grant: forReset }), 'a password-reset grant at the login');
      for (const grant of [forLogin, forReset]) {
        const { phone, password } = owner;
        assertRefused(
          await attacker.register({ phone, password, grant }),
          'a grant for another purpose at the registration',
        );
      }
      return { attempts: 4, successes: 0 };
    },
  },
  {
    id: 'B3c',
    title: 'A text with more than one number sends to none of them',
    advisories: [],
    needs: [],
    messages: 0,
    requests: 12,
    async run(attacker) {
      const [one, other] = [attacker.newPhone(), attacker.newPhone()];
      const joined = [',', ';', ' ', '\n', '\r\n', '\0', '&phone=', '%00'].map((sign) => `${one}${sign}${other}`);
      const tricks = [...joined, [one, other], { e164: one }, `${one}\nBcc: ${other}`];
      for (const trick of tricks) {
        assertRefused(await attacker.start(trick, 'registration'), `${shape(trick, [one, other])} as a number`);
      }

      return { attempts: tricks.length, successes: 0 };
    },
  },
  {
    id: 'B4',
    title: 'A stranger to a challenge can neither verify it nor use up its attempts',
    advisories: ['GHSA-9m84-wc28-w895'],
    needs: [],
    messages: 1,
    requests: 16,
    async run(attacker) {
      const begun = await attacker.begin();
      const [id] = begun.challenge.split('.') as [string];
      const guessed = { ...begun, challenge: altered(begun.challenge) };
      const stranger = attacker.elsewhere();
      for (let n = 0; n < 6; n++) {
        assertRefused(await stranger.verify(guessed, begun.code), 'the right code with a partly guessed handle');
        if (id !== begun.challenge) {
          assertRefused(
            await stranger.verify({ ...begun, challenge: id }, begun.code),
            'the right code with half a handle',
          );
        }
      }

      assertAllowed(
        await attacker.verify(begun, begun.code),
        'the right code, after strangers tried without its handle',
      );
      return { attempts: 12, successes: 0 };
    },
  },
  {
    id: 'B4b',
    title: 'Only the signed-in account that started a challenge verifies it',
    advisories: ['CVE-2026-45337', 'GHSA-9m84-wc28-w895'],
    needs: ['register'],
    messages: 3,
    requests: 11,
    async run(attacker) {
      const [owner, other] = [await attacker.signUp(), await attacker.elsewhere().signUp()];
      const begun = await attacker.begin('verify_number', attacker.newPhone(), owner);

      assertRefused(await attacker.verify(begun, begun.code), "an account's code from a client that is not signed in");
      assertRefused(
        await attacker.verify(begun, begun.code, { token: other.token }),
        "an account's code from another account",
      );
      assertAllowed(await attacker.verify(begun, begun.code, { token: owner.token }), "the owner's code");
      return { attempts: 2, successes: 0 };
    },
  },
  {
    id: 'B5',
    title: 'A grant confirms a payment once, and only for its own signed-in account',
    advisories: ['CVE-2025-46815', 'CVE-2025-69614'],
    needs: ['register', 'guarded'],
    messages: 3,
    requests: 16,
    async run(attacker) {
      const [owner, other] = [await attacker.signUp(), await attacker.elsewhere().signUp()];
      const { token } = owner;
      const [mine, theirs] = [await attacker.payment(owner), await attacker.payment(other)];
      const grant = await attacker.grantFor(await attacker.stepUp(mine, owner), owner);

      assertRefused(
        await attacker.confirm(theirs, { token: other.token, grant }),
        "a grant for another account's payment",
      );
      assertRefused(await attacker.confirm(mine, { token: other.token, grant }), 'a grant from another account');
      assertRefused(await attacker.confirm(mine, { grant }), 'a grant from a client that is not signed in');
      assertAllowed(await attacker.confirm(mine, { token, grant }), 'the grant, after others tried it');
      assertRefused(await attacker.confirm(mine, { token, grant }), 'a used grant');
      return { attempts: 4, successes: 0 };
    },
  },
  {
    id: 'B5b',
    title: 'An expired grant confirms nothing',
    advisories: ['CVE-2025-69614'],
    needs: ['register', 'guarded', 'elapse'],
    messages: 2,
    requests: 8,
    async run(attacker) {
      const owner = await attacker.signUp();
      const id = await attacker.payment(owner);
      const begun = await attacker.stepUp(id, owner);
      const verified = await attacker.verify(begun, begun.code, owner);
      const grant = attacker.grantIn(verified);
      await attacker.passed('expiresAt', verified);

      const late = await attacker.confirm(id, { token: owner.token, grant });
      assertRefused(late, 'an expired grant');
      return { attempts: 1, successes: 0 };
    },
  },
  {
    id: 'B5c',
    title: 'A grant for one payment does not confirm another',
    advisories: ['CVE-2025-46815', 'CVE-2025-69614'],
    needs: ['register', 'guarded'],
    messages: 2,
    requests: 8,
    async run(attacker) {
      const owner = await attacker.signUp();
      const [one, other] = [await attacker.payment(owner), await attacker.payment(owner)];
      const grant = await attacker.grantFor(await attacker.stepUp(one, owner), owner);

      assertRefused(await attacker.confirm(other, { token: owner.token, grant }), 'a grant for another payment');
      return { attempts: 1, successes: 0 };
    },
  },
  {
    id: 'B6',
    title: 'The stored payment is confirmed, not the one that the caller names',
    advisories: [],
    needs: ['register', 'guarded'],
    messages: 2,
    requests: 12,
    async run(attacker) {
      const owner = await attacker.signUp();
      const { token } = owner;
      const id = await attacker.payment(owner);
      const before = (await attacker.messages(owner.phone)).length;
      const fields = { amount: '9999.00', payee: 'Mallory' };
      const isTheirs = (text: string) => /9999|Mallory/.test(text);
      const tampered = await attacker.confirm(id, { token, fields });
      const asked = typeof tampered.json.challenge === 'string' ? tampered : await attacker.confirm(id, { token });
      const begun = await attacker.challengeFrom(asked, 'transaction', owner.phone, before);
      const [text] = await attacker.messages(owner.phone);
      assertHolds(!isTheirs(text!), 'Its message names the amount and payee of the request instead of the record.');

      const grant = await attacker.grantFor(begun, owner);
      const answer = await attacker.confirm(id, { token, grant, fields });
      assertHolds(!isTheirs(answer.text), 'It confirmed the amount and payee of the request instead of the record.');
      const { read } = attacker.target.guarded!;
      const stored = read ? (await attacker.send(read({ id }), { token })).text : '';
      assertHolds(!isTheirs(stored), 'It stored the amount and payee of the confirming request.');
      return { attempts: 2, successes: 0 };
    },
  },
  {
    id: 'B6b',
    title: 'A code does not confirm a payment that changed after the code was sent',
    advisories: [],
    needs: ['register', 'guarded', 'guarded.change'],
    messages: 3,
    requests: 12,
    async run(attacker) {
      const owner = await attacker.signUp();
      const { token } = owner;
      const id = await attacker.payment(owner);
      const grant = await attacker.grantFor(await attacker.stepUp(id, owner), owner);
      await attacker.send(attacker.target.guarded!.change!({ id, payee: 'Mallory' }), { token });

      assertRefused(await attacker.confirm(id, { token, grant }), 'the grant for a payment that has changed since');
      return { attempts: 1, successes: 0 };
    },
  },
  {
    id: 'B7',
    title: 'Two accounts that verify the same number do not interfere with each other',
    advisories: ['supabase/auth#2430'],
    needs: ['register', 'elapse'],
    messages: 4,
    requests: 12,
    async run(attacker) {
      const [one, other] = [await attacker.signUp(), await attacker.elsewhere().signUp()];
      const phone = attacker.newPhone();
      const first = await attacker.begin('verify_number', phone, one);
      await attacker.passed('resendAt', first.answer);
      const second = await attacker.begin('verify_number', phone, other);
      areDifferent(first, second);

      assertRefused(await attacker.verify(second, first.code, other), "one account's code for the other's challenge");
      assertRefused(await attacker.verify(first, second.code, one), "one account's code for the other's challenge");
      assertRefused(await attacker.verify(first, first.code, other), "one account's challenge by the other account");
      assertAllowed(await attacker.verify(second, second.code, other), "an account's own code");
      return { attempts: 3, successes: 0 };
    },
  },
];

/** Shows a trick without its phone numbers. */
function shape(trick: unknown, phones: string[]): string {
  return phones.reduce((text, phone) => text.replaceAll(phone, '+…'), JSON.stringify(trick));
}
