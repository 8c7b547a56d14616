import type { AttackCase } from './attack-case.js';
import { newPassword, wrongCodes } from './attacker.js';
import { assertAllowed, assertHolds, isSuccess, assertRefused, successesOf } from './verdict.js';

/** A value that is read before it is written can be used twice in between. */
export const RACES: readonly AttackCase[] = [
  {
    id: 'R1',
    title: 'Of fifty simultaneous right codes, exactly one succeeds',
    advisories: ['CVE-2026-43930', 'CVE-2026-107276'],
    needs: [],
    messages: 1,
    requests: 51,
    async run(attacker) {
      const begun = await attacker.begin();
      const answers = await Promise.all(attacker.crowd(50).map((one) => one.verify(begun, begun.code)));

      const successes = successesOf(answers);
      assertHolds(successes === 1, `Of ${answers.length} simultaneous right codes, ${successes} succeeded.`);
      return { attempts: answers.length, successes };
    },
  },
  {
    id: 'R1b',
    title: 'Of twenty simultaneous registrations with one grant, exactly one succeeds',
    advisories: [],
    needs: ['register'],
    messages: 1,
    requests: 22,
    async run(attacker) {
      const { phone, ...begun } = await attacker.begin();
      const grant = await attacker.grantFor({ phone, ...begun });
      const crowd = attacker.crowd(20);
      const answers = await Promise.all(crowd.map((one) => one.register({ phone, password: newPassword(), grant })));

      const successes = successesOf(answers);
      assertHolds(successes === 1, `Of ${answers.length} registrations with one grant, ${successes} succeeded.`);
      return { attempts: answers.length, successes };
    },
  },
  {
    id: 'R2',
    title: 'Of two hundred simultaneous wrong codes, no more are compared than in sequence',
    advisories: ['CVE-2026-110653', 'GHSA-7h8m-vrxx-vr4m'],
    needs: ['addresses'],
    messages: 1,
    requests: 202,
    async run(attacker) {
      const begun = await attacker.begin();
      const guesses = wrongCodes(begun.code, 200);
      const crowd = attacker.crowd(guesses.length);
      const answers = await Promise.all(guesses.map((guess, n) => crowd[n]!.verify(begun, guess)));
      for (const answer of answers) assertRefused(answer, 'a wrong code');

      const compared = answers.filter(({ json }) => json.code === 'otp_invalid').length;
      const { maxAttempts } = attacker.limits;
      assertHolds(
        compared <= maxAttempts,
        `It compared ${compared} simultaneous codes but allows only ${maxAttempts}.`,
      );
      assertRefused(
        await attacker.verify(begun, begun.code),
        `the right code, after ${guesses.length} simultaneous wrong ones`,
      );
      return { attempts: answers.length, compared, successes: 0 };
    },
  },
  {
    id: 'R4',
    title: 'A right code among simultaneous wrong ones succeeds',
    advisories: ['better-auth/better-auth#9993'],
    needs: [],
    messages: 1,
    requests: 10,
    async run(attacker) {
      const begun = await attacker.begin();
      const codes = [...wrongCodes(begun.code, attacker.limits.maxAttempts - 1), begun.code];
      const crowd = attacker.crowd(codes.length);
      const answers = await Promise.all(codes.map((code, n) => crowd[n]!.verify(begun, code)));

      const right = answers.pop()!;
      for (const answer of answers) assertRefused(answer, 'a wrong code');
      assertAllowed(right, `the right code, beside ${answers.length} wrong ones`);
      return { attempts: codes.length, successes: 1 };
    },
  },
  {
    id: 'R4b',
    title: 'A resend invalidates the previous code, even when both race',
    advisories: ['better-auth/better-auth#8067'],
    needs: ['elapse'],
    messages: 2,
    requests: 5,
    async run(attacker) {
      const begun = await attacker.begin();
      const { challenge, phone, code, purpose } = begun;
      await attacker.passed('resendAt', begun.answer);
      const [resent, verified] = await Promise.all([
        attacker.resend(challenge),
        attacker.atSecondInstance().verify(begun, code),
      ]);

      const again = isSuccess(resent) ? await attacker.nextCode(phone, 1, code.length) : undefined;
      if (isSuccess(verified)) {
        if (again)
          assertRefused(
            await attacker.verify(begun, again),
            'the code of a resend to a challenge that had already succeeded',
          );
      } else {
        assertHolds(again !== undefined, 'A simultaneous resend and right code left no valid code.');
        if (again !== code) assertRefused(await attacker.verify(begun, code), 'a code that a resend had replaced');
        assertAllowed(await attacker.verify({ challenge, purpose }, again), 'the code of a resend');
      }
      return { codes: 2, successes: 1 };
    },
  },
  {
    id: 'R6',
    title: 'A hundred simultaneous starts for one number send one message, and none fails',
    advisories: ['CVE-2026-107830'],
    needs: [],
    messages: 2,
    requests: 101,
    async run(attacker) {
      const phone = attacker.newPhone();
      const answers = await Promise.all(attacker.crowd(100).map((one) => one.start(phone, 'registration')));
      const successes = successesOf(answers);
      for (const answer of answers) if (!isSuccess(answer)) assertRefused(answer, 'a start among many');

      await attacker.messages(phone, 0);
      await attacker.begin(); // a message that is requested later arrives later
      const messages = (await attacker.messages(phone)).length;
      assertHolds(messages === 1, `${answers.length} simultaneous starts sent ${messages} messages to one phone.`);
      return { starts: answers.length, accepted: successes };
    },
  },
  {
    id: 'R6b',
    title: 'Of two people who proved the same number, exactly one gets it',
    advisories: [],
    needs: ['register', 'elapse'],
    messages: 2,
    requests: 6,
    async run(attacker) {
      const phone = attacker.newPhone();
      const first = await attacker.begin('registration', phone);
      const grants = [await attacker.grantFor(first)];
      await attacker.passed('resendAt', first.answer);
      grants.push(await attacker.elsewhere().grantFor(await attacker.begin('registration', phone)));
      const both = attacker.crowd(2);
      const register = (grant: string, n: number) => both[n]!.register({ phone, password: newPassword(), grant });
      const answers = await Promise.all(grants.map(register));

      const owners = successesOf(answers);
      assertHolds(owners === 1, `Of two simultaneous registrations of one number, ${owners} got it.`);
      return { attempts: answers.length, owners };
    },
  },
];
