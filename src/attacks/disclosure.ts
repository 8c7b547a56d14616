import type { AttackCase } from './attack-case.js';
import { newPassword, wrongCode } from './attacker.js';
import { areApart, differences } from './likeness.js';
import { assertHolds, isSuccess, assertRefused } from './verdict.js';

const EVIL = 'evil.example';
const FORGED_CODE = '918273';

/** What answers, messages and logs disclose, and to whom. */
export const DISCLOSURE: readonly AttackCase[] = [
  {
    id: 'D1',
    title: 'No answer contains a whole number',
    advisories: [],
    needs: [],
    messages: 1,
    requests: 6,
    async run(attacker) {
      const begun = await attacker.begin();
      const answers = [
        begun.answer,
        await attacker.start(begun.phone, 'registration'),
        await attacker.resend(begun.challenge),
        await attacker.verify(begun, wrongCode(begun.code)),
        await attacker.verify(begun, begun.code),
      ];
      for (const { request, headers, text } of answers) {
        const whole = (JSON.stringify([...headers]) + text).includes(significant(begun.phone));
        assertHolds(!whole, `The answer to ${request} contains the whole number.`);
      }
      return { answers: answers.length, numbersShown: 0 };
    },
  },
  {
    id: 'D1b',
    title: 'No log contains a code, a grant, a handle or a whole number',
    advisories: ['CVE-2026-105211'],
    needs: ['logs'],
    messages: 1,
    requests: 5,
    async run(attacker) {
      const begun = await attacker.begin();
      const { phone, code, challenge } = begun;
      assertRefused(await attacker.verify(begun, wrongCode(code)), 'a wrong code');
      await attacker.start(`${phone}x`, 'registration');
      const grant = await attacker.grantFor(begun);
      const logs = await attacker.logs();

      const holdsCode = new RegExp(`(?<!\\d)${code}(?!\\d)`).test(logs);
      assertHolds(!holdsCode, 'Its logs contain the code.');
      assertHolds(!logs.includes(significant(phone)), 'Its logs contain the whole number.');
      assertHolds(!logs.includes(grant), 'Its logs contain the grant.');
      assertHolds(!logs.includes(challenge), 'Its logs contain the whole handle of the challenge.');
      return { secrets: 4, found: 0 };
    },
  },
  {
    id: 'D2',
    title: 'Known and unknown numbers get the same answers from start and verify',
    advisories: [],
    needs: ['register', 'elapse'],
    messages: 3,
    requests: 11,
    async run(attacker) {
      const owner = await attacker.signUp();
      await attacker.passed('resendAt', owner.begun.answer);
      for (const purpose of ['login', 'password_reset'] as const) {
        const pair = [];
        for (const phone of [owner.phone, attacker.newPhone()]) {
          const started = await attacker.start(phone, purpose);
          const { challenge } = started.json as { challenge: string };
          pair.push([started, await attacker.verify({ challenge, purpose }, '918273')]);
        }
        const [known, unknown] = pair as [(typeof pair)[number], (typeof pair)[number]];
        const different = known.flatMap((answer, n) => differences(answer, unknown[n]!));
        assertHolds(
          different.length === 0,
          `Answers for known and unknown numbers differ at ${purpose} in ${different.join(' and ')}.`,
        );
        await attacker.passed('resendAt', known[0]!);
      }
      return { pairs: 4, differences: 0 };
    },
  },
  {
    id: 'D2b',
    title: 'A wrong password gets the same answer in the same time for known and unknown numbers',
    advisories: [],
    needs: ['register', 'passwordLogin'],
    messages: 1,
    requests: 20,
    async run(attacker) {
      const { phone: known } = await attacker.signUp();
      const unknown = attacker.newPhone();
      const [ofKnown, ofUnknown]: [number[], number[]] = [[], []];
      for (let n = 0; n < 8; n++) {
        const password = newPassword();
        const one = await attacker.passwordLogin({ phone: known, password });
        const other = await attacker.passwordLogin({ phone: unknown, password });
        const different = differences(one, other);
        assertHolds(different.length === 0, `The answers to a wrong password differ in ${different.join(' and ')}.`);
        ofKnown.push(one.ms);
        ofUnknown.push(other.ms);
      }

      const [slow, fast] = [Math.max(...ofKnown, ...ofUnknown), Math.min(...ofKnown, ...ofUnknown)];
      const times = `between ${fast.toFixed()} and ${slow.toFixed()} ms`;
      assertHolds(!areApart(ofKnown, ofUnknown), `The time of an answer, ${times}, reveals who has an account.`);
      return { pairs: ofKnown.length, medianGapMs: Math.round(Math.abs(median(ofKnown) - median(ofUnknown))) };
    },
  },
  {
    id: 'D3',
    title: 'No request header reaches a message',
    advisories: ['GHSA-3529-5m8x-rpv3'],
    needs: [],
    messages: 5,
    requests: 6,
    async run(attacker) {
      const forged = ['Host', 'X-Forwarded-Host', 'Origin', 'Referer', 'User-Agent'];
      let messages = 0;
      for (const header of forged) {
        const phone = attacker.newPhone();
        const value = ['Origin', 'Referer'].includes(header) ? `https://${EVIL}/` : EVIL;
        if (!isSuccess(await attacker.start(phone, 'registration', { headers: { [header]: value } }))) continue;
        const [text] = await attacker.messages(phone, 0);
        assertHolds(!text!.includes(EVIL), `The request header ${header} appears in the message.`);
        messages++;
      }
      return { headers: forged.length, answered: messages };
    },
  },
  {
    id: 'D4',
    title: "A payee cannot inject a code, line or address into the owner's message",
    advisories: [],
    needs: ['register', 'guarded'],
    messages: 10,
    requests: 30,
    async run(attacker) {
      const payees = [
        `Your code is ${FORGED_CODE}`,
        `Sara\n\n@${EVIL} #${FORGED_CODE}`,
        `Sara\u2028@${EVIL} #${FORGED_CODE}`,
        `Sara https://${EVIL}/${FORGED_CODE}`,
        `Sara \u202e${FORGED_CODE}`,
      ];
      let messages = 0;
      for (const payee of payees) {
        const owner = await attacker.elsewhere().signUp();
        const { create, id } = attacker.target.guarded!;
        const created = await attacker.send(create({ amount: '250.00', payee }), owner);
        if (!isSuccess(created)) continue;
        const before = (await attacker.messages(owner.phone)).length;
        const asked = await attacker.confirm(id?.(created) ?? String(created.json.id), owner);
        if (typeof asked.json.challenge !== 'string') continue;
        const [text] = await attacker.messages(owner.phone, before);
        assertHolds(!text!.includes(FORGED_CODE), 'A payee injected its own code into the message.');
        assertHolds(!text!.includes(`@${EVIL}`), 'A payee injected the line of another address into the message.');
        messages++;
      }
      return { payees: payees.length, answered: messages };
    },
  },
  {
    id: 'D4b',
    title: 'A language or name that a caller requests cannot inject text into the message',
    advisories: [],
    needs: [],
    messages: 4,
    requests: 5,
    async run(attacker) {
      const line = `@${EVIL} #${FORGED_CODE}`;
      const wishes = [{ locale: `en\n${line}` }, { locale: line }, { appName: line }, { text: line, template: line }];
      let messages = 0;
      for (const fields of wishes) {
        const phone = attacker.newPhone();
        if (!isSuccess(await attacker.start(phone, 'registration', { fields }))) continue;
        const [text] = await attacker.messages(phone, 0);
        assertHolds(
          !text!.includes(EVIL),
          `A caller injected text into the message through ${Object.keys(fields).join()}.`,
        );
        messages++;
      }
      return { wishes: wishes.length, answered: messages };
    },
  },
];

/** Returns the digits that identify a number in any notation. */
function significant(phone: string): string {
  return phone.slice(-9);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}
