import { randomInt } from 'node:crypto';

import type { AttackCase } from './attack-case.js';
import { wrongCodes } from './attacker.js';
import { assertAllowed, assertHolds, isSuccess, assertRefused, assertStaged, summaryOf } from './verdict.js';
import { differences } from './likeness.js';

/** A limit must have no way around it. */
export const LIMITS: readonly AttackCase[] = [
  {
    id: 'L1',
    title: 'Forged forwarding headers do not make a client look like another',
    advisories: ['CVE-2026-45364', 'CVE-2024-34451', 'CVE-2025-69615'],
    needs: [],
    beyond: ({ verifiesPerAddress: most }) =>
      most > 300 ? `"verifiesPerAddress" is ${most}, and the attack stops at 300.` : undefined,
    messages: 0,
    requests: 301,
    async run(attacker) {
      const { attempts, slowed } = await attacker.verifyUntilSlowed(() => ({
        headers: attacker.forged(forgedAddress()),
      }));

      assertHolds(slowed, `It treated ${attempts} forged addresses of one client as different clients.`);
      return { attempts: attempts - 1, most: attacker.limits.verifiesPerAddress };
    },
  },
  {
    id: 'L2',
    title: 'Two instances share their counts',
    advisories: ['CVE-2026-74878'],
    needs: ['second instance'],
    messages: 1,
    requests: 12,
    async run(attacker) {
      const begun = await attacker.begin();
      const other = attacker.elsewhere().atSecondInstance();
      const again = await other.start(begun.phone, 'registration');
      assertRefused(again, 'a second message within the cooldown, requested at the other instance');
      const guesses = wrongCodes(begun.code, attacker.limits.maxAttempts);
      for (const [n, guess] of guesses.entries()) {
        assertRefused(await (n % 2 === 0 ? attacker : other).verify(begun, guess), 'a wrong code');
      }

      for (const one of [attacker, other]) {
        assertRefused(
          await one.verify(begun, begun.code),
          `the right code, after ${guesses.length} wrong ones at two instances`,
        );
      }
      return { guesses: guesses.length, successes: 0 };
    },
  },
  {
    id: 'L2b',
    title: 'A restart restores no guesses and no messages',
    advisories: ['CVE-2026-74878'],
    needs: ['restart'],
    messages: 1,
    requests: 12,
    async run(attacker) {
      const begun = await attacker.begin();
      const [last, ...guesses] = wrongCodes(begun.code, attacker.limits.maxAttempts) as [string, ...string[]];
      for (const guess of guesses) assertRefused(await attacker.verify(begun, guess), 'a wrong code');
      await attacker.restart();

      assertRefused(
        await attacker.start(begun.phone, 'registration'),
        'a second message within the cooldown, after a restart',
      );
      assertRefused(await attacker.verify(begun, last), 'a wrong code');
      const right = await attacker.verify(begun, begun.code);
      assertRefused(right, `the right code, after ${guesses.length + 1} wrong ones with a restart between`);
      return { guesses: guesses.length + 1, successes: 0 };
    },
  },
  {
    id: 'L3',
    title: 'All spellings of a number share its limits',
    advisories: ['CVE-2026-107830', 'CVE-2025-29998'],
    needs: [],
    messages: 2,
    requests: 12,
    async run(attacker) {
      const { phone } = await attacker.begin();
      const spellings = spellingsOf(phone);
      for (const spelling of spellings) {
        assertRefused(
          await attacker.start(spelling, 'registration'),
          'the same number within the cooldown, in another spelling',
        );
      }

      await attacker.begin(); // a message that is requested later arrives later
      const messages = (await attacker.messages(phone)).length;
      assertHolds(messages === 1, `${spellings.length} spellings of one number got ${messages} messages.`);
      return { spellings: spellings.length };
    },
  },
  {
    id: 'L3b',
    title: 'One address can trigger only a few messages, to any number of phones',
    advisories: ['CVE-2026-107830', 'CVE-2025-29998'],
    needs: [],
    beyond: ({ sendsPerAddressPerHour: most }) =>
      most > 60 ? `"sendsPerAddressPerHour" is ${most}, and the attack stops at 60.` : undefined,
    messages: 60,
    requests: 61,
    async run(attacker) {
      const { sendsPerAddressPerHour: most } = attacker.limits;
      let accepted = 0;
      let slowed = false;
      while (!slowed && accepted <= most) {
        const answer = await attacker.start(attacker.newPhone(), 'registration');
        slowed = answer.status === 429;
        if (isSuccess(answer)) accepted++;
        else assertRefused(answer, 'one more message');
      }

      assertHolds(slowed, `It let one address trigger ${accepted} messages without slowing it down.`);
      return { accepted, most };
    },
  },
  {
    id: 'L4',
    title: "Strangers who use up a number's limits do not lock out its owner",
    advisories: ['18F/identity-idp#2388'],
    needs: ['register', 'guarded', 'elapse'],
    messages: 5,
    requests: 40,
    async run(attacker) {
      const owner = attacker;
      const account = await owner.signUp();
      let last = account.begun.answer;
      let wrong = 0;
      for (let round = 0; round < 2; round++) {
        await attacker.passed('resendAt', last);
        const stranger = attacker.elsewhere();
        last = await stranger.start(account.phone, 'login');
        assertStaged(last, 'a stranger who starts a login');
        const { challenge } = last.json as { challenge: string };
        for (const guess of wrongCodes('123456', attacker.limits.maxAttempts)) {
          await stranger.verify({ challenge, purpose: 'login' }, guess);
          wrong++;
        }
      }

      const { token, phone } = account;
      const id = await owner.payment(account);
      const before = (await owner.messages(phone)).length;
      const asked = await owner.confirm(id, { token });
      const isAsked = typeof asked.json.challenge === 'string';
      assertHolds(isAsked, `It locked out the owner after ${wrong} wrong codes of strangers: ${summaryOf(asked)}.`);
      const grant = await owner.grantFor(await owner.challengeFrom(asked, 'transaction', phone, before), { token });
      assertAllowed(await owner.confirm(id, { token, grant }), `the owner, after ${wrong} wrong codes of strangers`);
      return { wrongByStrangers: wrong, successes: 1 };
    },
  },
  {
    id: 'L4b',
    title: 'A reached limit gives the same answer for known and unknown numbers',
    advisories: ['18F/identity-idp#2388'],
    needs: ['register'],
    messages: 2,
    requests: 8,
    async run(attacker) {
      const { phone: known } = await attacker.signUp();
      const { phone: unknown } = await attacker.begin();
      const [one, other] = [await attacker.start(known, 'login'), await attacker.start(unknown, 'login')];
      assertRefused(one, 'another message within the cooldown');

      const different = differences(one, other);
      assertHolds(
        different.length === 0,
        `Within the cooldown, answers for known and unknown numbers differ in ${different.join(' and ')}.`,
      );
      return { differences: 0 };
    },
  },
];

/** Spellings that people and programs use. An application refuses those that it does not recognise as a number. */
function spellingsOf(phone: string): string[] {
  const digits = phone.slice(1);
  const inDigitsFrom = (zero: number) =>
    digits.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  return [
    `00${digits}`,
    `+${inDigitsFrom(0x660)}`,
    `+${inDigitsFrom(0x6f0)}`,
    `+${inDigitsFrom(0xff10)}`,
    `${phone.slice(0, 4)} ${phone.slice(4, 6)} ${phone.slice(6)}`,
    `${phone.slice(0, 4)}-${phone.slice(4)}`,
    ` ${phone} `,
    `\u200e${phone}\u200f`,
  ];
}

function forgedAddress(): string {
  return [203, 0, 113, 1].map((part) => (part === 203 ? part : randomInt(1, 255))).join('.');
}
