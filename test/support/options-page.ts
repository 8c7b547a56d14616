import { OTP_FIGURES, type OtpOptions } from '../../src/config/options.js';
import { resolvePurposes } from '../../src/config/purposes.js';
import { markers, table, withGenerated } from './generated.js';
import { type DocumentedMember, membersOf } from './tsdoc.js';

const REQUIRED = markers('required options', 'src/config/options.ts');
const CHOICES = markers('choices', 'src/config/options.ts');
const FIGURES = markers('figures', 'src/config/options.ts');
const PURPOSES = markers('purposes', 'src/config/purposes.ts');
const RULES = markers('purpose rules', 'src/config/purposes.ts');
const PEPPER = markers('pepper', 'src/config/options.ts');
const SHAPE = markers('module shape', 'src/otp.module.ts');
const ROUTES = markers('routes', 'src/routes/otp-routes.options.ts');

/** Where a docstring says what an option is, this says when somebody would change it. */
const WHEN_TO_CHANGE: Partial<Record<keyof OtpOptions, string>> = {
  pepper: 'To rotate it: see [SECURITY.md](../SECURITY.md#rotating-the-pepper).',
  pepperMustDifferFrom: 'Always, if you sign tokens: name that key here.',
  regions: 'When you open in another country. Never list more than you serve: each one is a door for SMS pumping.',
  dailySendBudget: 'When an ordinary day comes near half of it.',
  origin: 'When people type codes into a web page: browsers then fill them in, and on no other page.',
  androidAppHash: 'When your Android app reads its codes by the SMS Retriever.',
  acceptShortCodes: 'Better never: use a vendor with six digits for these purposes.',
  acceptFixedText: 'Better never: the person then does not see what is paid.',
  acceptRiskyLogins: 'When too many honest people buy new SIMs and have no other way in.',
  registerOnLogin: 'When signing up and logging in are one screen.',
  takenNumbers: '`refuse` when support decides each case; `transfer` only where an account is worth little.',
  production: 'Never to `false` where real people log in.',
  codeLength: 'To 8 where a code guards much and people copy it from another screen.',
  codeTtlSeconds: 'Up where messages are slow (see `latency_ms` in `otp_sends`), down otherwise.',
  failuresInARow: 'Down, if operators are there to unlock.',
  sprayingFailures: 'To about ten times the wrong codes of an ordinary ten minutes.',
  cooldownSeconds: 'Up, when most resends turn out to be impatience.',
  sendsPerAddressPerHour: 'Up, when many customers share an address (an office, a carrier).',
  sendsPerPrefixPerHour: 'Up, when you serve whole companies with neighbouring numbers.',
  sendsPerMinute: 'To twice your busiest minute, and no more than the vendor takes.',
  verifiesPerAddress: 'Up, when many customers share an address.',
  holdHours: 'Down, if customers have a second factor for the time in between.',
  reconfirmAfterDays: 'Down, where carriers recycle numbers sooner.',
  dormantAfterDays: 'Up, where people log in twice a year and the account is worth little.',
  providerTimeoutMs: 'Down, with a `Failover` behind it.',
  maxSendsInFlight: 'Down, on instances with little memory.',
  purgeEverySeconds: 'To 0 when a job of yours calls `OtpOperations.purge`.',
  retentionSeconds: 'Down, when you must keep less; up, when support asks about yesterday.',
};

/** The page of options with everything that the sources know brought up to date. */
export function withGeneratedParts(page: string): string {
  const options = documentedOptions();
  const isFigure = ({ name }: DocumentedMember) => figureOf(name) !== undefined;
  const parts: [readonly [string, string], string][] = [
    [REQUIRED, meanings(options.filter(({ required }) => required))],
    [CHOICES, choices(options.filter((option) => !option.required && !isFigure(option)))],
    [FIGURES, figures(options.filter(isFigure))],
    [PURPOSES, purposes()],
    [RULES, choices(membersOf('src/config/purposes.ts', 'PurposeRules'))],
    [PEPPER, meanings(membersOf('src/config/options.ts', 'Pepper'))],
    [SHAPE, choices(membersOf('src/otp.module.ts', 'OtpModuleShape'))],
    [ROUTES, choices(membersOf('src/routes/otp-routes.options.ts', 'OtpRoutesOptions'))],
  ];
  return parts.reduce((text, [[begin, end], part]) => withGenerated(text, begin, end, part), page);
}

export const documentedOptions = () => membersOf('src/config/options.ts', 'OtpOptions');

export function figureOf(name: string): { default: number; min: number; max?: number; unit: string } | undefined {
  return OTP_FIGURES[name as keyof typeof OTP_FIGURES];
}

export function boundsOf({ min, max, unit }: { min: number; max?: number; unit: string }): string {
  return `${max === undefined ? `≥ ${min}` : `${min} – ${max}`} ${unit}`;
}

function meanings(members: DocumentedMember[]): string {
  return withAdvice([
    ['option', 'meaning', 'when to change it'],
    ...members.map((member) => [code(member.name), member.meaning, adviceOn(member)]),
  ]);
}

function choices(members: DocumentedMember[]): string {
  const rows = members.map((member) => {
    const { name, required, documentedDefault, meaning } = member;
    const standard = required && !documentedDefault ? 'required' : literal(documentedDefault ?? 'none');
    return [code(name), standard, meaning, adviceOn(member)];
  });
  return withAdvice([['option', 'default', 'meaning', 'when to change it'], ...rows]);
}

function figures(members: DocumentedMember[]): string {
  const rows = members.map((member) => {
    const figure = figureOf(member.name)!;
    return [code(member.name), `\`${figure.default}\``, boundsOf(figure), member.meaning, adviceOn(member)];
  });
  return withAdvice([['option', 'default', 'bounds', 'meaning', 'when to change it'], ...rows]);
}

function purposes(): string {
  const rows = [...resolvePurposes({})].map(([name, { startedBy, account, number }]) =>
    [name, startedBy, account, number].map(code),
  );
  return table([['purpose', 'startedBy', 'account', 'number'], ...rows]);
}

/** A table whose last column is advice: left out where there is none at all. */
function withAdvice([head, ...rows]: string[][]): string {
  const advised = rows.some((row) => row.at(-1) !== '');
  return table([head!, ...rows].map((row) => (advised ? row : row.slice(0, -1))));
}

function adviceOn({ name }: DocumentedMember): string {
  return WHEN_TO_CHANGE[name as keyof OtpOptions] ?? '';
}

function literal(text: string): string {
  return /^('.*'|true|false)$/.test(text) ? code(text) : text;
}

function code(text: string): string {
  return `\`${text}\``;
}
