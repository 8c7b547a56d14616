import type { OtpEventName } from '../../src/events/otp.events.js';
import { markers, table, withGenerated } from './generated.js';
import { membersOf, payloadsOf } from './tsdoc.js';

const SOURCE = 'src/events/otp.events.ts';
const EVENTS = markers('events', SOURCE);

/** What to do with an event; its docstring states when it is raised. */
const USE: Partial<Record<OtpEventName, string>> = {
  'otp.started': 'Count by `purpose` and `class`. Many decoys mean that somebody searches for accounts.',
  'otp.limited': 'Count by `code`. If legitimate users are affected, a limit is too low or a proxy is not configured.',
  'otp.sent':
    'Alert by `provider` when outcomes other than `sent` increase. Monitor `latencyMs`. Multiply `segments` by your price.',
  'otp.verified': 'Compare with `otp.started`. SMS pumping first shows as a lower share of verified codes.',
  'otp.refused': 'Count by `reason`. Never show `reason` to callers.',
  'otp.grant_used':
    'Use it as the last step of your funnel. Record the action itself in your own transaction, not in a listener.',
  'otp.locked_out':
    'Notify the account’s owner by another channel that somebody guesses codes. If `closed`, notify an operator.',
  'otp.risk':
    'Notify the account’s owner by another channel. Count by `doubt`: many time-outs point to your carrier service.',
  'otp.spraying': 'Alert the person on call. If you have no `BotCheck`, consider adding one.',
  'otp.conversion_low':
    'Investigate immediately: SMS pumping looks like this. If the users are real, check the vendor.',
  'otp.sending_stopped': 'Notify the team on call, so that nobody searches for a fault.',
  'otp.sending_resumed': 'Notify the team on call.',
  'otp.number_activated':
    'Update copies of numbers in other systems, such as a CRM: read the numbers of `owner` from `VerifiedNumbers`.',
  'otp.number_transferred': 'Notify `from` by e-mail and end the sessions of that account.',
  'otp.number_changed': 'Notify the account by e-mail, because somebody else may have the old phone.',
  'otp.number_released': 'End everything that depends on the number.',
  'otp.dormant_refused': 'Offer the user another sign-in method.',
  'otp.notice': 'If `outcome` is not `sent`, notify the user by e-mail.',
};

/** The page of events with everything that the sources know brought up to date. */
export function withGeneratedParts(page: string): string {
  const payloads = payloadsOf(SOURCE, 'OtpEvents');
  const sections = membersOf(SOURCE, 'OtpEvents').map(({ name, meaning }) => {
    const use = USE[name as OtpEventName];
    const fields = payloads.get(name)!.map((field) => [`\`${field.name}\``, `\`${field.type}\``]);
    return [`### ${name}`, meaning, table([['field', 'type'], ...fields]), use && `**What to do with it.** ${use}`]
      .filter(Boolean)
      .join('\n\n');
  });
  return withGenerated(page, ...EVENTS, sections.join('\n\n'));
}
