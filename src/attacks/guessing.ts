import type { AttackCase } from './attack-case.js';
import { type Begun, wrongCode, wrongCodes } from './attacker.js';
import { assertAllowed, assertHolds, isSuccess, assertRefused } from './verdict.js';

/** Codes have few digits: only a limit on attempts protects them. */
export const GUESSING: readonly AttackCase[] = [
  {
    id: 'G1',
    title: 'The login route counts wrong codes as the verify route does',
    advisories: ['CVE-2025-64102', 'CVE-2024-32868'],
    needs: ['register', 'login', 'elapse'],
    messages: 2,
    requests: 12,
    async run(attacker) {
      const owner = await attacker.signUp();
      const login = await attacker.beginLogin(owner);
      const { challenge, code } = login;
      const guesses = wrongCodes(code, attacker.limits.maxAttempts);

      for (const guess of guesses)
        assertRefused(await attacker.login({ challenge, code: guess }), 'a wrong code at the login');

      assertRefused(
        await attacker.login({ challenge, code }),
        `the right code, after ${guesses.length} wrong ones at the login`,
      );
      assertRefused(
        await attacker.verify(login, code),
        `the right code, after ${guesses.length} wrong ones at the login`,
      );
      return { guesses: guesses.length, successes: 0 };
    },
  },
  {
    id: 'G2',
    title: 'After a thousand guesses at one challenge, the right code is refused',
    advisories: ['CVE-2026-15210', 'CVE-2025-4094'],
    needs: ['addresses'],
    messages: 1,
    requests: 1002,
    async run(attacker) {
      const begun = await attacker.begin();
      const guesses = wrongCodes(begun.code, 1000);
      for (let n = 0; n < guesses.length; n += 25) {
        const guesser = attacker.elsewhere();
        const answers = await Promise.all(guesses.slice(n, n + 25).map((guess) => guesser.verify(begun, guess)));
        for (const answer of answers) assertRefused(answer, 'a wrong code');
      }

      assertRefused(await attacker.verify(begun, begun.code), `the right code, after ${guesses.length} wrong ones`);
      return { guesses: guesses.length, successes: 0 };
    },
  },
  {
    id: 'G3',
    title: 'An address that tries codes on many challenges is slowed down',
    advisories: ['CVE-2026-8760'],
    needs: [],
    beyond: ({ verifiesPerAddress: most }) =>
      most > 300 ? `"verifiesPerAddress" is ${most}, and the attack stops at 300.` : undefined,
    messages: 0,
    requests: 301,
    async run(attacker) {
      const { attempts, slowed } = await attacker.verifyUntilSlowed();

      assertHolds(slowed, `It let one address try ${attempts} codes without slowing it down.`);
      return { attempts: attempts - 1, most: attacker.limits.verifiesPerAddress };
    },
  },
  {
    id: 'G3b',
    title: 'An expired code is refused',
    advisories: ['CVE-2024-8122'],
    needs: ['elapse'],
    messages: 1,
    requests: 2,
    async run(attacker) {
      const begun = await attacker.begin();
      await attacker.passed('expiresAt', begun.answer);

      assertRefused(await attacker.verify(begun, begun.code), 'an expired code');
      return { successes: 0 };
    },
  },
  {
    id: 'G4',
    title: 'Guesses from many addresses count together',
    advisories: ['CVE-2026-33640', 'GHSA-c55g-q6f4-5qxr'],
    needs: ['addresses'],
    messages: 1,
    requests: 32,
    async run(attacker) {
      const begun = await attacker.begin();
      const guesses = wrongCodes(begun.code, 30);
      for (const guess of guesses) assertRefused(await attacker.elsewhere().verify(begun, guess), 'a wrong code');

      const right = await attacker.elsewhere().verify(begun, begun.code);
      assertRefused(right, `the right code, after ${guesses.length} wrong ones from as many addresses`);
      return { addresses: guesses.length, successes: 0 };
    },
  },
  {
    id: 'G5',
    title: 'Neither a resend nor another challenge for the number restores guesses',
    advisories: ['better-auth/better-auth#11162'],
    needs: ['elapse'],
    beyond: ({ failuresPerHour: most, maxAttempts }) =>
      most > 3 * maxAttempts ? `"failuresPerHour" is ${most}, and the attack stops at ${3 * maxAttempts}.` : undefined,
    messages: 5,
    requests: 50,
    async run(attacker) {
      const { maxAttempts, failuresPerHour } = attacker.limits;
      const rounds = Math.ceil(failuresPerHour / maxAttempts);
      const phone = attacker.newPhone();
      const first = await attacker.begin('registration', phone);
      for (const guess of wrongCodes(first.code, maxAttempts - 1)) await attacker.verify(first, guess);
      await attacker.passed('resendAt', first.answer);
      const resent = await attacker.resend(first.challenge);
      const again: Begun = isSuccess(resent) ? await attacker.challengeFrom(resent, 'registration', phone, 1) : first;
      for (const guess of wrongCodes(again.code, maxAttempts - 1)) await attacker.verify(again, guess);
      const guesses = 2 * (maxAttempts - 1);
      assertRefused(
        await attacker.verify(again, again.code),
        `the right code, after ${guesses} wrong ones with a resend between`,
      );

      let last: Begun = again;
      for (let round = 1; round < rounds; round++) {
        await attacker.passed('resendAt', last.answer);
        last = await attacker.begin('registration', phone);
        for (const guess of wrongCodes(last.code, maxAttempts)) await attacker.verify(last, guess);
      }
      await attacker.passed('resendAt', last.answer);
      const before = (await attacker.messages(phone)).length;
      const next = await attacker.start(phone, 'registration');
      if (isSuccess(next)) {
        const { code, ...challenge } = await attacker.challengeFrom(next, 'registration', phone, before);
        assertRefused(
          await attacker.verify(challenge, code),
          `the next challenge, after ${failuresPerHour} wrong codes in an hour`,
        );
      }
      return { challenges: rounds, wrong: rounds * maxAttempts, successes: 0 };
    },
  },
  {
    id: 'G6',
    title: 'A malformed code verifies nothing, breaks nothing and uses no attempt',
    advisories: ['CVE-2025-12374', 'GHSA-rmmc-8cqj-hfp3', 'CVE-2026-30941'],
    needs: [],
    messages: 1,
    requests: 25,
    async run(attacker) {
      const begun = await attacker.begin();
      const { code } = begun;
      const none: unknown[] = ['', ' ', null, [], {}, true, 0, Number(code), [code], [[code]], { code }, { $ne: null }];
      const almost = [code[0], code.slice(1), `${code}0`, `${code}\n`, `${code}\0`, `${code};`, `${code}%`, `+${code}`];
      const odd = [...none, ...almost];
      for (const value of odd)
        assertRefused(await attacker.verify(begun, value), `${JSON.stringify(value).replace(code, '…')} for a code`);

      const right = await attacker.verify(begun, code);
      assertAllowed(right, `the right code, after ${odd.length} malformed ones`);
      return { malformed: odd.length, successes: 1 };
    },
  },
  {
    id: 'G7',
    title: 'A code works only once',
    advisories: ['CVE-2021-43177', 'CVE-2026-27855'],
    needs: [],
    messages: 1,
    requests: 5,
    async run(attacker) {
      const begun = await attacker.begin();
      assertRefused(await attacker.verify(begun, wrongCode(begun.code)), 'a wrong code');
      assertAllowed(await attacker.verify(begun, begun.code), 'the right code, after a wrong one');

      assertRefused(await attacker.verify(begun, begun.code), 'a used code');
      assertRefused(
        await attacker.elsewhere().atSecondInstance().verify(begun, begun.code),
        'a code that was used elsewhere',
      );
      return { uses: 3, successes: 1 };
    },
  },
  {
    id: 'G7b',
    title: 'A login grant opens one session',
    advisories: ['CVE-2021-43177', 'CVE-2026-27855'],
    needs: ['register', 'login', 'elapse'],
    messages: 2,
    requests: 7,
    async run(attacker) {
      const owner = await attacker.signUp();
      const grant = await attacker.grantFor(await attacker.beginLogin(owner));
      assertAllowed(await attacker.login({}, { grant }), 'a login grant');

      assertRefused(await attacker.login({}, { grant }), 'a used grant');
      return { uses: 2, successes: 1 };
    },
  },
];
