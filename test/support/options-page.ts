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
const SHAPE = markers('module shape', 'src/otp.module-options.ts');
const ROUTES = markers('routes', 'src/routes/otp-routes.options.ts');

/** When to change an option; its docstring states what it does. */
const WHEN_TO_CHANGE: Partial<Record<keyof OtpOptions, string>> = {
  pepper: 'To rotate it: see [SECURITY.md](../SECURITY.md#rotating-the-pepper).',
  pepperMustDifferFrom: 'Always, if you sign tokens: list the signing key here.',
  regions:
    'When you launch in another country. List only regions that you serve, because each one can be used for SMS pumping.',
  dailySendBudget: 'When an ordinary day uses nearly half of it.',
  origin: 'When users type codes into a web page. Browsers then fill them in on that host only.',
  androidAppHash: 'When your Android app reads codes with the SMS Retriever.',
  acceptShortCodes: 'Avoid it. Use a vendor with six digits for these purposes.',
  acceptFixedText: 'Avoid it. Users do not see what they pay.',
  acceptRiskyLogins: 'When too many legitimate users change SIMs and have no other sign-in method.',
  registerOnLogin: 'When sign-up and login share one screen.',
  takenNumbers: 'To `refuse` if support decides each case. To `transfer` only if accounts have little value.',
  production: 'Never set `false` where real users log in.',
  codeLength: 'To 8 if codes protect high value and users copy them from another screen.',
  codeTtlSeconds: 'Increase it if messages are slow (see `latency_ms` in `otp_sends`); otherwise decrease it.',
  failuresInARow: 'Decrease it if operators are available to unlock accounts.',
  sprayingFailures: 'To about ten times the wrong codes of an ordinary ten minutes.',
  cooldownSeconds: 'Increase it if most resends are only impatience.',
  sendsPerAddressPerHour: 'Increase it if many customers share an address (an office, a carrier).',
  sendsPerPrefixPerHour: 'Increase it if you serve whole companies with neighbouring numbers.',
  sendsPerMinute: 'To twice your busiest minute, but not above the limit of the vendor.',
  verifiesPerAddress: 'Increase it if many customers share an address.',
  holdHours: 'Decrease it if customers can use another factor during the hold.',
  reconfirmAfterDays: 'Decrease it if carriers recycle numbers sooner.',
  dormantAfterDays: 'Increase it if users log in about twice a year and accounts have little value.',
  providerTimeoutMs: 'Decrease it if a `Failover` has another provider.',
  maxSendsInFlight: 'Decrease it on instances with little memory.',
  purgeEverySeconds: 'To 0 if your own job calls `OtpOperations.purge`.',
  retentionSeconds: 'Decrease it if you must keep less data; increase it if support asks about yesterday.',
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
    [SHAPE, choices(membersOf('src/otp.module-options.ts', 'OtpModuleShape'))],
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
