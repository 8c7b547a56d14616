import { readFileSync } from 'node:fs';
import path from 'node:path';

import { problemOf } from '../../src/http/problem.js';
import { OTP_ERROR_CODES, OtpError, type OtpErrorCode } from '../../src/errors/otp.error.js';
import { markers, withGenerated } from './generated.js';
import { PROJECT } from './packed.js';

const CODES = markers('errors', 'src/errors/otp.error.ts');

/** What the docstrings do not contain: a text for the user, and what the operator does. */
const ADVICE: Record<OtpErrorCode, { person: string; operator: string }> = {
  request_invalid: {
    person: 'Something went wrong on our side. Please try again later.',
    operator:
      'Fix the client: `detail` names the field. A burst of these errors may be an attacker probing your endpoints.',
  },
  phone_invalid: {
    person: 'This is not a complete phone number.',
    operator: 'Nothing. If users type local numbers of another country, see `defaultRegion`.',
  },
  phone_not_supported: {
    person: 'We cannot send codes to this number. Use a mobile number of one of these countries: …',
    operator: 'To serve the number, add its region to `regions` and configure a vendor that serves it.',
  },
  purpose_refused: {
    person: 'Something went wrong on our side. Please try again later.',
    operator:
      'Read `detail`. Either the client used a ready-made route for a purpose that only the application may start, or the ' +
      'vendor is too weak for the purpose. In that case `detail` names the option that accepts it.',
  },
  sign_in_required: {
    person: 'Please sign in.',
    operator: 'If signed-in users get it, your `Callers` does not recognise their session.',
  },
  code_malformed: {
    person: 'The code has {codeLength} digits.',
    operator: 'Nothing. No attempt was used.',
  },
  otp_invalid: {
    person: 'Wrong code. Please type it again.',
    operator: 'Monitor `otp.refused` with reason `wrong_code`, and `otp.spraying`.',
  },
  otp_unavailable: {
    person: 'This code can no longer be used. Request a new one.',
    operator: 'The real reason is in `otp.refused` and in the log. Do not show it to callers.',
  },
  recovery_code_invalid: {
    person: 'This recovery code cannot be used. Type it again, or use another one.',
    operator:
      'Nothing, unless there are many. Then somebody who knows the password guesses recovery codes. The lockout of the account’s recovery codes is automatic.',
  },
  otp_too_soon: {
    person: 'You can request another code in {retryAfter} seconds.',
    operator:
      'Monitor `otp.limited`. If legitimate users get this error, check which limit is used up: many users behind one address ' +
      '(`sendsPerAddressPerHour`; make sure it is not the address of your own proxy), `sendsPerMinute`, or `dailySendBudget`.',
  },
  locked_out: {
    person: 'Too many wrong codes. Please try again in {retryAfter / 60} minutes.',
    operator:
      'See `otp.locked_out`. If it says `closed`, only `OtpOperations.unlock(subject)` opens the account again. First find out who guessed.',
  },
  too_many_requests: {
    person: 'Too many attempts from your network. Please try again in {retryAfter} seconds.',
    operator:
      'If all users get it, your proxies are not configured and all clients share one address: see “trust proxy”.',
  },
  grant_required: {
    person: 'Please confirm with a code first.',
    operator: 'Fix the client: the header `OTP-Grant` is missing. Across origins, CORS must allow it.',
  },
  grant_invalid: {
    person: 'Please confirm with a new code.',
    operator: 'See the reason in `otp.refused`. `other_action` means that the record changed after the code was sent.',
  },
  insufficient_user_authentication: {
    person: 'We sent a code to {phone}. Type it to continue.',
    operator: 'Nothing. This is how a step-up starts.',
  },
  other_factor_needed: {
    person: 'A code by SMS is not enough here. Please use another sign-in method as well.',
    operator:
      'See the reason in `otp.dormant_refused` or `otp.risk`. Help only users who prove another factor, never on the basis of a phone call.',
  },
  bot_check_failed: {
    person: 'Human verification failed. Try again.',
    operator: 'If all users get it, your `BotCheck` throws or takes more than two seconds.',
  },
  phone_missing: {
    person: 'Please add a phone number to your account first.',
    operator: 'The account has no verified number. Activate one, or import it.',
  },
  phone_on_hold: {
    person: 'You changed your number recently. For your security, you can do this again at {now + retryAfter}.',
    operator: 'Wait, or confirm with another factor. The hold stops a thief who changed the number.',
  },
  phone_unconfirmed: {
    person: 'Your number was not confirmed for a long time. Please confirm it again.',
    operator: 'Nothing. The client starts a challenge of purpose `verify_number` and then repeats the call.',
  },
  phone_already_activated: {
    person: 'This number belongs to another account. Log in with that account, or use another number.',
    operator: 'See `takenNumbers`. If you are sure that the number has a new owner, call `VerifiedNumbers.release`.',
  },
  send_unavailable: {
    person: 'We cannot send messages at the moment. Please try again in a few minutes.',
    operator:
      'The vendor is down or refuses your requests: see `otp.sent` and the table `otp_sends`. A `Failover` would try another ' +
      'vendor. Or this instance has `maxSendsInFlight` pending messages, or an operator stopped sending.',
  },
  service_unavailable: {
    person: 'Something went wrong on our side. Please try again in a moment.',
    operator:
      'The database or one of your own ports (time limit five seconds) did not answer. See the log line of the same time.',
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
      `- Client: ${sentence(caller)}`,
      `- Text for the user: “${person}”`,
      `- Operator: ${operator}`,
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
