import type { ResolvedPepper } from '../crypto/keyed-hash.js';
import type { CountryCode } from 'libphonenumber-js/max';

import { type AllowRules, type IsAllowed, resolveAllow } from './allow.js';
import { type MinimumConversion, resolveMinimumConversion } from './minimum-conversion.js';
import { type ResolvedSpendBudget, resolveSpendBudget, type SpendBudget } from './spend.js';
import { type Locale, NOTICES, type Texts } from '../messages/texts.js';
import { type OptionNames, refuseUnknownOptions } from './option-names.js';
import { STRANGERS_SHARE } from '../limits/limit-definitions.js';
import { OtpConfigError } from '../errors/otp.error.js';
import { resolvePurposes, type PurposeRules } from './purposes.js';

/** A server-side secret under which codes are hashed. Kept outside the database; see "Rotating the pepper" in SECURITY.md. */
export interface Pepper {
  /** Names the secret in stored rows, so that several can be read at once: 1 to 16 of `A-Z a-z 0-9 _ . -`. A newer secret has a higher one: `9`, then `10`. */
  id: string;
  /** At least 32 bytes of randomness: a Buffer, or a string whose UTF-8 form counts. */
  secret: string | Uint8Array;
}

/** What happens to a number that belongs to another account, see {@link OtpOptions.takenNumbers}. */
export type TakenNumbers = 'refuse' | 'transfer_unconfirmed' | 'transfer';

const TAKEN_NUMBERS: readonly TakenNumbers[] = ['refuse', 'transfer_unconfirmed', 'transfer'];

/** Everything that can be set; four members are required. See docs/options.md for when to change what. */
export interface OtpOptions {
  /**
   * The secret under which codes and counters are hashed: one, or several of which the first writes and all read.
   * Without it a copy of the database is useless. Make one with `openssl rand -base64 48`.
   */
  pepper: string | Uint8Array | readonly [Pepper, ...Pepper[]];
  /** Secrets the pepper must not equal, for example the key that signs the application's access tokens. */
  pepperMustDifferFrom?: readonly (string | Uint8Array)[];
  /** Regions whose numbers are served, as ISO 3166-1 alpha-2. By region, not by calling code: +1, +7 and +44 are shared. */
  regions: readonly CountryCode[];
  /** Region of numbers typed in their local form. @defaultValue the first of `regions` */
  defaultRegion?: CountryCode;
  /** What messages call the application: 1 to 30 characters. */
  appName: string;
  /** The most messages in 24 hours, over all instances. There is no default: it is what a bad day may cost. */
  dailySendBudget: number;
  /**
   * The most a day may cost over all instances, in money, beside the number of messages. Each message reserves the price of
   * its region; the prices are yours to keep up to date. What a vendor reports of the true cost stands in `otp_sends` and
   * changes no reservation.
   */
  dailySpendBudget?: SpendBudget;
  /** Messages per 24 hours to numbers of a region, over all instances, such as `{ NG: 2000 }`. Strangers get at most 80 % of it. */
  sendsPerRegionPerDay?: Readonly<Record<string, number>>;
  /**
   * What becomes of a `prefix`, client `address`, `region` or `provider` of whose messages in an hour fewer than
   * `minimumConversionPercent` were verified, as when messages are caused for the money they earn: `off`, `record`, which
   * only tells `otp.conversion_low`, or `enforce`, which closes it for an hour to all but known devices and owners. Prefix
   * and address are judged with each message; region and provider every `conversionCheckSeconds`, by codes that are over.
   * @defaultValue prefix `enforce`, the others `record`
   */
  minimumConversion?: MinimumConversion;
  /**
   * Exempt from `minimumConversion`, `sendsPerAddressPerHour`, `sendsPerPrefixPerHour` and `sendsPerRegionPerDay`: regions,
   * beginnings of numbers, or networks of clients. All other limits hold.
   */
  allow?: AllowRules;
  /** Language of messages whose request names none. @defaultValue 'en' */
  defaultLocale?: Locale;
  /** Host that the last line of a message binds the code to, such as `bank.example`, so that browsers fill it in (WICG origin-bound codes). */
  origin?: string;
  /**
   * Hash by which Android hands a message to your app (SMS Retriever): 11 characters of `A-Za-z0-9+/`, on a line of its own.
   * A message that would be longer than 140 bytes with it is sent without: no app would be handed it.
   * How to compute it: https://developers.google.com/identity/sms-retriever/verify
   */
  androidAppHash?: string;
  /** Texts that replace the built-in ones, by purpose or notice and locale, in ICU message format. */
  texts?: Texts;
  /** The host's own purposes, or other rules for the built-in ones. */
  purposes?: Record<string, Partial<PurposeRules>>;
  /** Accept codes below six digits for password resets, changes of number, second factors and transactions. @defaultValue false */
  acceptShortCodes?: boolean;
  /** Accept a vendor whose text cannot name amount and payee for transactions. @defaultValue false */
  acceptFixedText?: boolean;
  /** Send codes for logins to a number that `PhoneRisk` has signs against. @defaultValue false */
  acceptRiskyLogins?: boolean;
  /**
   * A login by a number that belongs to no account makes one: `PhoneAccounts.register` is called, and codes for `login`
   * go to unknown numbers too. @defaultValue false
   */
  registerOnLogin?: boolean;
  /**
   * What happens when somebody proves a number that belongs to another account: `refuse` it, `transfer` it, or transfer
   * it only when its owner did not prove it for `reconfirmAfterDays`, as with a number the carrier gave to somebody else.
   * @defaultValue 'transfer_unconfirmed'
   */
  takenNumbers?: TakenNumbers;
  /**
   * Write every fact down in `otp_audit`, in the function that makes it: who, what, when, with what result. It holds neither
   * codes nor numbers, and the database lets nobody change it. @defaultValue true
   */
  audit?: boolean;
  /** Refuse settings that are only safe in development. @defaultValue `NODE_ENV === 'production'` */
  production?: boolean;

  /** Digits of a code. Fewer are easier to guess. @defaultValue 6 */
  codeLength?: number;
  /** How long a code can be used. Shorter is safer; slow carriers need about 60 s. @defaultValue 300 */
  codeTtlSeconds?: number;
  /** Comparisons per challenge, resends included. @defaultValue 5 */
  maxAttempts?: number;
  /** Messages per challenge, the first included. @defaultValue 3 */
  maxSends?: number;
  /** Wrong codes for one subject in an hour, over all its challenges, before the pause. @defaultValue 10 */
  failuresPerHour?: number;
  /** First pause after too many wrong codes; it doubles twice, to four times this. @defaultValue 15 */
  lockoutMinutes?: number;
  /** Wrong codes in a row after which a subject stays closed until `OtpOperations.unlock`. @defaultValue 100 */
  failuresInARow?: number;
  /** Wrong codes over all subjects in ten minutes that look like guessing over many accounts (`otp.spraying`). @defaultValue 100 */
  sprayingFailures?: number;
  /** Wait between two messages to one phone. @defaultValue 60 */
  cooldownSeconds?: number;
  /** Messages to one phone in an hour, asked for by strangers. @defaultValue 5 */
  sendsPerPhonePerHour?: number;
  /** Messages to one phone in 24 hours, asked for by strangers. @defaultValue 10 */
  sendsPerPhonePerDay?: number;
  /** Messages a signed-in account asks for, to its own number, in an hour. @defaultValue 20 */
  sendsPerOwnerPerHour?: number;
  /** Messages a signed-in account asks for, to its own number, in 24 hours. @defaultValue 60 */
  sendsPerOwnerPerDay?: number;
  /** Unverified messages one client address (IPv6: its /64) may cause in an hour. @defaultValue 20 */
  sendsPerAddressPerHour?: number;
  /** Unverified messages to one prefix (the number without its last four digits) in an hour. @defaultValue 30 */
  sendsPerPrefixPerHour?: number;
  /** The least share of an hour's messages that must be verified, see `minimumConversion`. @defaultValue 20 */
  minimumConversionPercent?: number;
  /** Messages in an hour below which their share of verified ones says nothing. @defaultValue 20 */
  minimumConversionMessages?: number;
  /** How often regions and providers are judged; 0 leaves it to the host's call of `OtpOperations.checkConversion`. @defaultValue 60 */
  conversionCheckSeconds?: number;
  /** Messages in a minute over all instances; strangers get at most 80 % of it and of the daily budget. @defaultValue 600 */
  sendsPerMinute?: number;
  /** Calls of the ready-made verify route per client address in ten minutes. @defaultValue 30 */
  verifiesPerAddress?: number;
  /** How long a grant can be used. @defaultValue 300 */
  grantTtlSeconds?: number;
  /** How long a device that proved a number counts as known. @defaultValue 90 */
  knownDeviceDays?: number;
  /** How long a device is trusted (`TrustedDevices`), however often it is used. @defaultValue 30 */
  trustedDeviceDays?: number;
  /** How long a number that joins or replaces another can confirm neither a password reset nor a transaction. @defaultValue 24 */
  holdHours?: number;
  /** Days after which a number that was not proved again confirms nothing but a login. @defaultValue 180 */
  reconfirmAfterDays?: number;
  /** Days without proof of its number after which an account needs another factor to log in by code. @defaultValue 90 */
  dormantAfterDays?: number;
  /** How long a change of SIM, carrier or subscriber that `PhoneRisk` knows of speaks against a number. @defaultValue 240 */
  riskWindowHours?: number;
  /** Total time of one call to the vendor, in milliseconds. @defaultValue 10000 */
  providerTimeoutMs?: number;
  /** Messages one instance hands over at the same time; beyond it a start answers 503. @defaultValue 1000 */
  maxSendsInFlight?: number;
  /** Largest request body the ready-made routes accept, in bytes. @defaultValue 10240 */
  maxBodyBytes?: number;
  /** How often this instance deletes what is over; 0 leaves it to the host's call of `OtpOperations.purge`. @defaultValue 600 */
  purgeEverySeconds?: number;
  /** How long an ended challenge or grant is kept for questions. @defaultValue 43200 */
  retentionSeconds?: number;
  /** How long the log of sent messages is kept, in days. @defaultValue 90 */
  sendLogDays?: number;
  /** How long entries of the audit are kept, in days. @defaultValue 400 */
  auditDays?: number;
}

/** One number among the options: what it is when the host says nothing, and the bounds that start-up refuses to cross. */
interface Figure {
  default: number;
  min: number;
  /** Absent where only the host's own money or patience is at stake. */
  max?: number;
  unit: string;
}

type NumberOption = Exclude<
  { [K in keyof OtpOptions]-?: NonNullable<OtpOptions[K]> extends number ? K : never }[keyof OtpOptions],
  'dailySendBudget'
>;

/** The figures of the module with their hard bounds. A value outside its bounds is refused at start-up, never clamped. */
export const OTP_FIGURES = {
  codeLength: { default: 6, min: 6, max: 8, unit: 'digits' }, // LIM-01: NIST SP 800-63B-4 §3.1.3.2
  codeTtlSeconds: { default: 300, min: 60, max: 600, unit: 's' }, // LIM-02: NIST SP 800-63B-4 §3.1.3.2
  maxAttempts: { default: 5, min: 1, max: 5, unit: 'tries' }, // LIM-03: (EU) 2018/389 art. 4(3)(b)
  maxSends: { default: 3, min: 1, max: 5, unit: 'messages' },
  failuresPerHour: { default: 10, min: 1, max: 100, unit: 'failures' }, // LIM-04: NIST SP 800-63B-4 §3.2.2
  lockoutMinutes: { default: 15, min: 1, max: 60, unit: 'min' }, // LIM-04
  failuresInARow: { default: 100, min: 1, max: 100, unit: 'failures' }, // LIM-04: NIST SP 800-63B-4 §3.2.2
  sprayingFailures: { default: 100, min: 2, unit: 'failures' }, // ASVS 5.0 6.1.1
  cooldownSeconds: { default: 60, min: 30, max: 3600, unit: 's' }, // LIM-05
  sendsPerPhonePerHour: { default: 5, min: 1, unit: 'messages' }, // LIM-06: OWASP API4:2023
  sendsPerPhonePerDay: { default: 10, min: 1, unit: 'messages' }, // LIM-06
  sendsPerOwnerPerHour: { default: 20, min: 1, unit: 'messages' }, // LIM-06
  sendsPerOwnerPerDay: { default: 60, min: 1, unit: 'messages' }, // LIM-06
  sendsPerAddressPerHour: { default: 20, min: 1, unit: 'messages' }, // LIM-07: ASVS 5.0 2.4.1
  sendsPerPrefixPerHour: { default: 30, min: 1, unit: 'messages' }, // LIM-09
  minimumConversionPercent: { default: 20, min: 1, max: 90, unit: '%' }, // LIM-10
  minimumConversionMessages: { default: 20, min: 5, unit: 'messages' }, // LIM-10
  conversionCheckSeconds: { default: 60, min: 0, max: 3600, unit: 's' },
  sendsPerMinute: { default: 600, min: 1, unit: 'messages' }, // LIM-11
  verifiesPerAddress: { default: 30, min: 1, unit: 'calls' }, // LIM-08: ASVS 5.0 6.6.3
  grantTtlSeconds: { default: 300, min: 30, max: 600, unit: 's' }, // LIM-12: RFC 9470 max_age
  knownDeviceDays: { default: 90, min: 1, max: 180, unit: 'days' },
  trustedDeviceDays: { default: 30, min: 1, max: 30, unit: 'days' }, // NIST SP 800-63B-3 §4.2.3: 30 days at AAL2
  holdHours: { default: 24, min: 1, max: 720, unit: 'h' }, // LIM-18: OWASP Multifactor Authentication Cheat Sheet
  reconfirmAfterDays: { default: 180, min: 1, unit: 'days' }, // LIM-19: numbers are recycled
  dormantAfterDays: { default: 90, min: 1, unit: 'days' }, // LIM-19
  riskWindowHours: { default: 240, min: 1, max: 2400, unit: 'h' }, // CAMARA SimSwap: maxAge
  providerTimeoutMs: { default: 10_000, min: 100, max: 30_000, unit: 'ms' }, // LIM-13: ASVS 5.0 13.1.3
  maxSendsInFlight: { default: 1000, min: 1, max: 10_000, unit: 'messages' },
  maxBodyBytes: { default: 10_240, min: 1024, max: 102_400, unit: 'bytes' }, // LIM-15: OWASP API4:2023
  purgeEverySeconds: { default: 600, min: 0, max: 86_400, unit: 's' },
  retentionSeconds: { default: 43_200, min: 0, max: 86_400, unit: 's' }, // ASVS 5.0 14.2.7: at most a day after expiry
  sendLogDays: { default: 90, min: 1, max: 730, unit: 'days' },
  auditDays: { default: 400, min: 30, max: 4000, unit: 'days' }, // more than a year, to compare with the same month
} as const satisfies Record<NumberOption, Figure>;

/** Everything that may be set. */
export const OTP_OPTION_NAMES = {
  ...OTP_FIGURES,
  pepper: true,
  pepperMustDifferFrom: true,
  regions: true,
  defaultRegion: true,
  appName: true,
  dailySendBudget: true,
  dailySpendBudget: true,
  sendsPerRegionPerDay: true,
  minimumConversion: true,
  allow: true,
  defaultLocale: true,
  origin: true,
  androidAppHash: true,
  texts: true,
  purposes: true,
  acceptShortCodes: true,
  acceptFixedText: true,
  acceptRiskyLogins: true,
  registerOnLogin: true,
  takenNumbers: true,
  audit: true,
  production: true,
} satisfies OptionNames<OtpOptions>;

export type OtpFigures = Record<NumberOption, number>;

/** The options after start-up: checked, complete, and frozen. */
export interface OtpSettings extends OtpFigures {
  readonly peppers: readonly [ResolvedPepper, ...ResolvedPepper[]];
  readonly regions: readonly CountryCode[];
  readonly defaultRegion: CountryCode | undefined;
  readonly appName: string;
  readonly dailySendBudget: number;
  readonly dailySpendBudget: ResolvedSpendBudget | undefined;
  readonly sendsPerRegionPerDay: ReadonlyMap<string, number>;
  readonly minimumConversion: Required<MinimumConversion>;
  readonly isAllowed: IsAllowed;
  readonly defaultLocale: Locale;
  readonly origin: string | undefined;
  readonly androidAppHash: string | undefined;
  readonly texts: Texts;
  readonly purposes: ReadonlyMap<string, PurposeRules>;
  readonly acceptShortCodes: boolean;
  readonly acceptFixedText: boolean;
  readonly acceptRiskyLogins: boolean;
  readonly registerOnLogin: boolean;
  readonly takenNumbers: TakenNumbers;
  readonly audit: boolean;
  readonly production: boolean;
}

/**
 * Checks the options once, at start-up, and fills in the defaults.
 * @throws {@link OtpConfigError} naming the option and what to write instead; a secret is never repeated.
 */
export function resolveOptions(options: OtpOptions): OtpSettings {
  if (typeof options !== 'object' || options === null) {
    throw new OtpConfigError('OtpModule needs options: pass them as the second argument of "OtpModule.forRoot()".');
  }
  const regions = [...(options.regions ?? [])];
  const purposes = resolvePurposes(options);
  return Object.freeze({
    ...resolveFigures(options),
    peppers: resolvePeppers(options),
    regions,
    defaultRegion: options.defaultRegion,
    appName: resolveAppName(options.appName),
    dailySendBudget: resolveBudget(options.dailySendBudget),
    dailySpendBudget: resolveSpendBudget(options.dailySpendBudget, regions, STRANGERS_SHARE),
    sendsPerRegionPerDay: resolveRegionCaps(options.sendsPerRegionPerDay, regions),
    minimumConversion: resolveMinimumConversion(options.minimumConversion),
    isAllowed: resolveAllow(options.allow, regions),
    defaultLocale: options.defaultLocale ?? 'en',
    origin: resolveOrigin(options.origin),
    androidAppHash: resolveAndroidAppHash(options.androidAppHash),
    texts: resolveTexts(options.texts, purposes),
    purposes,
    acceptShortCodes: options.acceptShortCodes ?? false,
    acceptFixedText: options.acceptFixedText ?? false,
    acceptRiskyLogins: options.acceptRiskyLogins ?? false,
    registerOnLogin: options.registerOnLogin ?? false,
    takenNumbers: resolveTakenNumbers(options.takenNumbers),
    audit: options.audit ?? true,
    production: options.production ?? process.env.NODE_ENV === 'production',
  });
}

function resolveFigures(options: OtpOptions): OtpFigures {
  const figures = Object.entries(OTP_FIGURES) as [NumberOption, Figure][];
  return Object.fromEntries(
    figures.map(([name, figure]) => [name, withinBounds(name, options[name] ?? figure.default, figure)]),
  ) as OtpFigures;
}

function withinBounds(name: string, value: unknown, { min, max, unit }: Figure): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= (max ?? MAX_COUNT)) {
    return value as number;
  }
  const range = max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new OtpConfigError(`"${name}" must be a whole number ${range} (${unit}).`);
}

/** Counters are 32-bit integers in the database. */
const MAX_COUNT = 2 ** 31 - 1;

function resolveTakenNumbers(policy: TakenNumbers = 'transfer_unconfirmed'): TakenNumbers {
  if (TAKEN_NUMBERS.includes(policy)) return policy;
  throw new OtpConfigError(`"takenNumbers" must be one of ${TAKEN_NUMBERS.join(', ')}.`);
}

function resolveBudget(budget: unknown): number {
  if (budget === undefined) {
    throw new OtpConfigError('"dailySendBudget" is missing: say how many messages a day may cost you at most.');
  }
  return withinBounds('dailySendBudget', budget, { default: 0, min: 1, unit: 'messages' });
}

function resolveRegionCaps(
  sendsPerRegion: OtpOptions['sendsPerRegionPerDay'] = {},
  regions: readonly string[],
): ReadonlyMap<string, number> {
  const caps = Object.entries(sendsPerRegion);
  const unserved = caps.find(([region]) => !regions.some((served) => served === region));
  if (unserved) throw new OtpConfigError('"sendsPerRegionPerDay" holds a region that is not in "regions".');
  const figure = { default: 0, min: 1, unit: 'messages' };
  return new Map(caps.map(([region, cap]) => [region, withinBounds(`sendsPerRegionPerDay.${region}`, cap, figure)]));
}

function resolveAppName(appName: unknown): string {
  // The name stands inside every message, so it must not be able to look like a code, a link or a second line.
  if (
    typeof appName === 'string' &&
    /^[\p{L}\p{M}][\p{L}\p{M}\p{N} .&'-]{0,29}$/u.test(appName) &&
    !/\p{Nd}{4}/u.test(appName)
  ) {
    return appName;
  }
  throw new OtpConfigError(
    '"appName" must be 1 to 30 letters, digits, spaces or . & \' -, begin with a letter, and hold no run of four digits.',
  );
}

function resolveOrigin(origin: unknown): string | undefined {
  if (origin === undefined) return undefined;
  if (typeof origin === 'string' && /^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(origin)) return origin;
  throw new OtpConfigError('"origin" must be a bare host name such as "bank.example", without scheme, port or path.');
}

function resolveAndroidAppHash(hash: unknown): string | undefined {
  if (hash === undefined) return undefined;
  if (typeof hash === 'string' && /^[A-Za-z0-9+/]{11}$/.test(hash)) return hash;
  throw new OtpConfigError(
    '"androidAppHash" must be the 11 characters of A-Z, a-z, 0-9, + and / that stand for your app, computed as in ' +
      'https://developers.google.com/identity/sms-retriever/verify.',
  );
}

/** What they say is checked where they are compiled; a text that no message would use is refused here. */
function resolveTexts(texts: Texts = {}, purposes: ReadonlyMap<string, PurposeRules>): Texts {
  const notices = NOTICES.map((notice) => `notice_${notice}`);
  const used = ['default', ...purposes.keys(), ...notices].map((name) => [name, true]);
  refuseUnknownOptions(texts, Object.fromEntries(used) as object, 'texts');
  return texts;
}

function resolvePeppers({ pepper, pepperMustDifferFrom = [] }: OtpOptions): [ResolvedPepper, ...ResolvedPepper[]] {
  const given: readonly Pepper[] = Array.isArray(pepper) ? pepper : [{ id: '1', secret: pepper as string }];
  const others = pepperMustDifferFrom.map(otherSecret);
  const peppers = given.map((one) => ({ id: pepperId(one?.id), secret: pepperSecret(one?.secret, others) }));
  if (peppers.length === 0) throw new OtpConfigError(PEPPER_HELP);
  if (new Set(peppers.map(({ id }) => id)).size < peppers.length) {
    throw new OtpConfigError('"pepper" holds two secrets under one "id": give each its own.');
  }
  return peppers as [ResolvedPepper, ...ResolvedPepper[]];
}

function pepperId(id: unknown): string {
  if (typeof id === 'string' && /^[\w.-]{1,16}$/.test(id)) return id;
  throw new OtpConfigError('each "id" in "pepper" must be 1 to 16 letters, digits or _ . -');
}

function otherSecret(secret: unknown): Buffer {
  if (isSecret(secret)) return toBytes(secret);
  throw new OtpConfigError(
    '"pepperMustDifferFrom" holds something that is neither a string nor bytes: is an environment variable missing?',
  );
}

function pepperSecret(secret: unknown, others: Buffer[]): Buffer {
  if (!isSecret(secret)) throw new OtpConfigError(PEPPER_HELP);
  const bytes = toBytes(secret);
  if (bytes.length < 32) throw new OtpConfigError(`"pepper" has only ${bytes.length} bytes. ${PEPPER_HELP}`);
  if (new Set(bytes).size < 8) throw new OtpConfigError(`"pepper" repeats itself. ${PEPPER_HELP}`);
  if (others.some((other) => other.equals(bytes))) {
    throw new OtpConfigError(`"pepper" equals another secret of this application. ${PEPPER_HELP}`);
  }
  return bytes;
}

const PEPPER_HELP =
  '"pepper" must hold at least 32 random bytes that nothing else uses: take the output of "openssl rand -base64 48".';

function isSecret(secret: unknown): secret is string | Uint8Array {
  return typeof secret === 'string' || secret instanceof Uint8Array;
}

function toBytes(secret: string | Uint8Array): Buffer {
  return Buffer.from(secret as string);
}
