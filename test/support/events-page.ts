import type { OtpEventName } from '../../src/events/otp.events.js';
import { markers, table, withGenerated } from './generated.js';
import { membersOf, payloadsOf } from './tsdoc.js';

const SOURCE = 'src/events/otp.events.ts';
const EVENTS = markers('events', SOURCE);

/** What to do with an event, where its docstring says when it comes. */
const USE: Partial<Record<OtpEventName, string>> = {
  'otp.started': 'Count it by `purpose` and `class`. Many decoys are somebody who looks for accounts.',
  'otp.limited': 'Count it by `code`. A rise among honest people is a limit too low, or a proxy that is not named.',
  'otp.sent':
    'Alert when `outcome` is not `sent` more often than usual, by `provider`; watch `latencyMs`; multiply `segments` by your price.',
  'otp.verified':
    'Set it against `otp.started`: the share that is verified is the first figure that SMS pumping spoils.',
  'otp.refused': 'Count it by `reason`. Keep it from whoever is outside.',
  'otp.grant_used': 'The end of the funnel. Write your own record of what was done in your own transaction, not here.',
  'otp.locked_out': 'Tell the account’s owner by other means that somebody guesses. Where `closed`, tell an operator.',
  'otp.risk': 'Tell the account’s owner by other means. Count it by `doubt`: many time-outs are your carrier service.',
  'otp.spraying': 'Wake somebody. Without a `BotCheck`, consider one.',
  'otp.conversion_low':
    'Look at once: this is what SMS pumping looks like. If the people are real, look at the vendor.',
  'otp.sending_stopped': 'Tell those on duty, so that nobody looks for a fault.',
  'otp.sending_resumed': 'Tell those on duty.',
  'otp.number_activated': 'Keep copies of numbers elsewhere (a CRM) up to date: by `owner`, from the ledger.',
  'otp.number_transferred': 'Tell `from` by e-mail, and end their sessions.',
  'otp.number_changed': 'Tell the account by e-mail: the old phone may be in the wrong hands.',
  'otp.number_released': 'End what depends on the number.',
  'otp.dormant_refused': 'Offer the person another way in.',
  'otp.notice': 'Where `outcome` is not `sent`, tell the person by e-mail.',
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
