import { readFileSync } from 'node:fs';
import path from 'node:path';

import { problemOf } from '../../src/http/problem.js';
import { OTP_ERROR_CODES, OtpError, type OtpErrorCode } from '../../src/errors/otp.error.js';
import { markers, withGenerated } from './generated.js';
import { PROJECT } from './packed.js';

const CODES = markers('errors', 'src/errors/otp.error.ts');

/** What neither the code nor its docstring can know: the words for a person, and the work for an operator. */
const ADVICE: Record<OtpErrorCode, { person: string; operator: string }> = {
  request_invalid: {
    person: 'Something went wrong on our side. Please try again later.',
    operator: 'Mend the client: `detail` names the field. A burst of them is somebody who tries the door.',
  },
  phone_invalid: {
    person: 'This is not a complete phone number.',
    operator: 'Nothing. If people type local numbers of another country, see `defaultRegion`.',
  },
  phone_not_supported: {
    person: 'We cannot send codes to this number. Use a mobile number of one of these countries: …',
    operator: 'If you mean to serve it, add its region to `regions`, and a vendor that serves it.',
  },
  purpose_refused: {
    person: 'Something went wrong on our side. Please try again later.',
    operator:
      'Read `detail`. Either the client starts on the ready-made routes what only the application may start, or the vendor is ' +
      'too weak for the purpose: then it names the option that accepts it.',
  },
  sign_in_required: {
    person: 'Please sign in.',
    operator: 'If signed-in people get it, your `Callers` does not recognise their session.',
  },
  code_malformed: {
    person: 'The code has {codeLength} digits.',
    operator: 'Nothing: no try was spent.',
  },
  otp_invalid: {
    person: 'That is not the code. Please type it again.',
    operator: 'Watch `otp.refused` with `wrong_code`, and `otp.spraying`.',
  },
  otp_unavailable: {
    person: 'This code can no longer be used. Ask for a new one.',
    operator: 'The true reason stands in `otp.refused` and in the log. Show it to nobody outside.',
  },
  recovery_code_invalid: {
    person: 'This recovery code cannot be used. Type it again, or use another one.',
    operator:
      'Nothing, unless there are many: then somebody guesses, behind a right password. That account’s recovery codes lock by themselves.',
  },
  otp_too_soon: {
    person: 'You can ask for another code in {retryAfter} seconds.',
    operator:
      'Watch `otp.limited`. If honest people meet it, find out which limit: one address for many people ' +
      '(`sendsPerAddressPerHour`, or an address that is your own proxy’s), the minute (`sendsPerMinute`), the day (`dailySendBudget`).',
  },
  locked_out: {
    person: 'Too many wrong codes. Please try again in {retryAfter / 60} minutes.',
    operator:
      'See `otp.locked_out`. Where it says `closed`, nothing but `OtpOperations.unlock(subject)` opens it again: find out who guessed first.',
  },
  too_many_requests: {
    person: 'Too many attempts from your network. Please try again in {retryAfter} seconds.',
    operator:
      'If everybody gets it, your proxies are not named and all clients share their address: see “trust proxy”.',
  },
  grant_required: {
    person: 'Please confirm with a code first.',
    operator: 'Mend the client: the header `OTP-Grant` is missing. Across origins, CORS must allow it.',
  },
  grant_invalid: {
    person: 'Please confirm with a new code.',
    operator: '`otp.refused` has the reason. `other_action`: the record was changed between the code and the call.',
  },
  insufficient_user_authentication: {
    person: 'We sent a code to {phone}. Type it to go on.',
    operator: 'Nothing: this is how a step-up begins.',
  },
  other_factor_needed: {
    person: 'A code by SMS is not enough here. Please log in with your password as well.',
    operator: '`otp.dormant_refused` or `otp.risk` says why. Help by another factor, never by a word on the telephone.',
  },
  bot_check_failed: {
    person: 'Please confirm that you are a person.',
    operator: 'If everybody gets it, your `BotCheck` throws or takes more than two seconds.',
  },
  phone_missing: {
    person: 'Please add a phone number to your account first.',
    operator: 'The ledger has no number for this account: activate one, or import it.',
  },
  phone_on_hold: {
    person: 'You changed your number lately. For your safety this is possible again at {now + retryAfter}.',
    operator: 'Wait, or confirm by another factor. The hold is what stops a thief who changed the number.',
  },
  phone_unconfirmed: {
    person: 'We have not heard from your number for a long time. Please confirm it again.',
    operator: 'The client starts a challenge of purpose `verify_number` and then calls again.',
  },
  phone_already_activated: {
    person: 'This number belongs to another account. Log in with that account, or use another number.',
    operator: 'See `takenNumbers`. Where you are sure that it changed hands: `VerifiedNumbers.release`.',
  },
  send_unavailable: {
    person: 'We cannot send messages at the moment. Please try again in a few minutes.',
    operator:
      'The vendor is down or refuses you: see `otp.sent` and the table `otp_sends`. A `Failover` would have asked another one. ' +
      'Or this instance has `maxSendsInFlight` messages under way.',
  },
  service_unavailable: {
    person: 'Something went wrong on our side. Please try again in a moment.',
    operator: 'The database, or a port of yours (five seconds), did not answer: see the log line beside it.',
  },
};

/** The page of errors with everything that the sources know brought up to date. */
export function withGeneratedParts(page: string): string {
  const meanings = documentedErrors();
  const sections = OTP_ERROR_CODES.map((code) => {
    const { happened, caller } = meanings.get(code)!;
    const { person, operator } = ADVICE[code];
    return [
      `### ${code}`,
      '',
      `**${statusOf(code)}.** ${sentence(happened)}`,
      '',
      `- The client: ${sentence(caller)}`,
      `- The person reads: “${person}”`,
      `- The operator: ${operator}`,
    ].join('\n');
  });
  return withGenerated(page, ...CODES, sections.join('\n\n'));
}

export function statusOf(code: OtpErrorCode): number {
  return problemOf(new OtpError(code, '')).problem.status;
}

/** The rows of the table above `OTP_ERROR_CODES`. */
export function documentedErrors(): Map<string, { happened: string; caller: string }> {
  const source = readFileSync(path.join(PROJECT, 'src/errors/otp.error.ts'), 'utf8');
  const rows = [...source.matchAll(/^ \* \| `(\w+)` \| (.+) \| (.+) \|$/gm)];
  return new Map(rows.map(([, code, happened, caller]) => [code!, { happened: happened!, caller: caller! }]));
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
