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

/** A server-side secret for hashing codes. Keep it outside the database; see "Rotating the pepper" in SECURITY.md. */
export interface Pepper {
  /** Identifies the secret in stored rows, so that several can be in use: 1 to 16 characters of `A-Z a-z 0-9 _ . -`. Give a newer secret a higher id: `9`, then `10`. */
  id: string;
  /** At least 32 random bytes: a Buffer, or a string, which counts in UTF-8 bytes. */
  secret: string | Uint8Array;
}

/** How to treat a number that belongs to another account, see {@link OtpOptions.takenNumbers}. */
export type TakenNumbers = 'refuse' | 'transfer_unconfirmed' | 'transfer';

const TAKEN_NUMBERS: readonly TakenNumbers[] = ['refuse', 'transfer_unconfirmed', 'transfer'];

/** Options of the module. Four are required. docs/options.md explains when to change each option. */
export interface OtpOptions {
  /**
   * Secret for hashing codes and counters: one, or several, of which the first one is used for new codes and all are used to
   * verify. Without it, a copy of the database is useless. Generate one with `openssl rand -base64 48`.
   */
  pepper: string | Uint8Array | readonly [Pepper, ...Pepper[]];
  /** Secrets that the pepper must differ from, for example the key that signs your access tokens. */
  pepperMustDifferFrom?: readonly (string | Uint8Array)[];
  /** Regions whose numbers are served, as ISO 3166-1 alpha-2. Regions, not calling codes: +1, +7 and +44 are shared by several regions. */
  regions: readonly CountryCode[];
  /** Region of numbers typed in national format. @defaultValue the first of `regions` */
  defaultRegion?: CountryCode;
  /** Name of your application in messages: 1 to 30 characters. */
  appName: string;
  /** Hard cap on messages in 24 hours, over all instances. There is no default, because it limits what an attack can cost you. */
  dailySendBudget: number;
  /**
   * Hard cap on the cost of messages in 24 hours, over all instances, in addition to their number. Each message reserves the
   * price of its region; you keep the prices up to date. If a vendor reports the actual cost, it is stored in `otp_sends` and does
   * not change the reservation.
   */
  dailySpendBudget?: SpendBudget;
  /** Hard cap on messages in 24 hours to numbers of a region, over all instances, such as `{ NG: 2000 }`. Strangers get at most 80 % of it. */
  sendsPerRegionPerDay?: Readonly<Record<string, number>>;
  /**
   * Action when less than `minimumConversionPercent` of an hour's messages to a `prefix`, from a client `address`, to a `region`
   * or by a `provider` were verified, which indicates SMS pumping. `off`: none. `report`: emit `otp.conversion_low`. `enforce`:
   * emit the event and block the scope for an hour for all but known devices and owners. Prefix and address are checked with each
   * message, region and provider every `conversionCheckSeconds`, by codes that have ended.
   * @defaultValue prefix `enforce`, the others `report`
   */
  minimumConversion?: MinimumConversion;
  /**
   * Regions, number prefixes or client networks that are exempt from `minimumConversion`, `sendsPerAddressPerHour`,
   * `sendsPerPrefixPerHour` and `sendsPerRegionPerDay`. All other limits apply.
   */
  allow?: AllowRules;
  /** Language of messages if the request names none. @defaultValue 'en' */
  defaultLocale?: Locale;
  /** Host that the last line of a message binds the code to, such as `bank.example`, so that browsers can autofill it (WICG origin-bound codes). */
  origin?: string;
  /**
   * Hash by which Android passes a message to your app (SMS Retriever): 11 characters of `A-Za-z0-9+/`, added on a separate line.
   * It is omitted if the message would exceed 140 bytes, because Android would not pass such a message to the app.
   * To compute it, see https://developers.google.com/identity/sms-retriever/verify
   */
  androidAppHash?: string;
  /** Texts that replace the built-in ones, by purpose or notice and locale, in ICU message format. */
  texts?: Texts;
  /** Your own purposes, or changed rules for the built-in ones. */
  purposes?: Record<string, Partial<PurposeRules>>;
  /** Accept codes of fewer than six digits for password resets, number changes, second factors and transactions. @defaultValue false */
  acceptShortCodes?: boolean;
  /** For transactions, accept a vendor whose text cannot name amount and payee. @defaultValue false */
  acceptFixedText?: boolean;
  /** Send login codes to a number despite risk signals from `PhoneRisk`. @defaultValue false */
  acceptRiskyLogins?: boolean;
  /**
   * A login with a number that belongs to no account creates one: `PhoneAccounts.register` is called, and codes for `login` are
   * also sent to unknown numbers. @defaultValue false
   */
  registerOnLogin?: boolean;
  /**
   * What happens when a user proves a number that belongs to another account. `refuse`: reject it. `transfer`: transfer it.
   * `transfer_unconfirmed`: transfer it only if its owner has not proved it for `reconfirmAfterDays`, as with a number that the
   * carrier has assigned to another subscriber. @defaultValue 'transfer_unconfirmed'
   */
  takenNumbers?: TakenNumbers;
  /**
   * Write an audit entry to `otp_audit` for every event, in the database function that makes the change: who, what, when, and
   * the result. It contains neither codes nor phone numbers, and the database rejects changes to it. @defaultValue true
   */
  audit?: boolean;
  /** Reject settings that are only safe in development. @defaultValue `NODE_ENV === 'production'` */
  production?: boolean;

  /** Digits of a code. Fewer are easier to guess. @defaultValue 6 */
  codeLength?: number;
  /** Lifetime of a code. Shorter is safer; slow carriers need about 60 s. @defaultValue 300 */
  codeTtlSeconds?: number;
  /** Attempts per challenge, including those after a resend. @defaultValue 5 */
  maxAttempts?: number;
  /** Messages per challenge, including the first. @defaultValue 3 */
  maxSends?: number;
  /** Wrong codes of one subject in an hour, over all its challenges, before the lockout. @defaultValue 10 */
  failuresPerHour?: number;
  /** Length of the first lockout after too many wrong codes. It doubles twice, up to four times this value. @defaultValue 15 */
  lockoutMinutes?: number;
  /** Wrong codes in a row after which a subject is locked out until `OtpOperations.unlock`. @defaultValue 100 */
  failuresInARow?: number;
  /** Wrong codes in ten minutes, over all subjects, that indicate password-spraying for codes (`otp.spraying`). @defaultValue 100 */
  sprayingFailures?: number;
  /** Minimum time between two messages to one phone. @defaultValue 60 */
  cooldownSeconds?: number;
  /** Messages to one phone in an hour, requested by strangers. @defaultValue 5 */
  sendsPerPhonePerHour?: number;
  /** Messages to one phone in 24 hours, requested by strangers. @defaultValue 10 */
  sendsPerPhonePerDay?: number;
  /** Messages that a signed-in account requests to its own number in an hour. @defaultValue 20 */
  sendsPerOwnerPerHour?: number;
  /** Messages that a signed-in account requests to its own number in 24 hours. @defaultValue 60 */
  sendsPerOwnerPerDay?: number;
  /** Unverified messages requested by one client address (IPv6: its /64) in an hour. @defaultValue 20 */
  sendsPerAddressPerHour?: number;
  /** Unverified messages to one prefix (the number without its last four digits) in an hour. @defaultValue 30 */
  sendsPerPrefixPerHour?: number;
  /** Minimum share of an hour's messages that must be verified, see `minimumConversion`. @defaultValue 20 */
  minimumConversionPercent?: number;
  /** Minimum number of messages in an hour before `minimumConversionPercent` applies. @defaultValue 20 */
  minimumConversionMessages?: number;
  /** Interval of the conversion check of regions and providers. With 0, call `OtpOperations.checkConversion` yourself. @defaultValue 60 */
  conversionCheckSeconds?: number;
  /** Messages in a minute, over all instances. Strangers get at most 80 % of it and of the daily budget. @defaultValue 600 */
  sendsPerMinute?: number;
  /** Calls of the ready-made verify route per client address in ten minutes. @defaultValue 30 */
  verifiesPerAddress?: number;
  /** Lifetime of a grant. @defaultValue 300 */
  grantTtlSeconds?: number;
  /** How long a device that proved a number counts as known. @defaultValue 90 */
  knownDeviceDays?: number;
  /** How long a device is trusted (`TrustedDevices`), regardless of use. @defaultValue 30 */
  trustedDeviceDays?: number;
  /** How long a number that joins or replaces another can confirm neither a password reset nor a transaction. @defaultValue 24 */
  holdHours?: number;
  /** Days after which a number that was not proved again can confirm a login only. @defaultValue 180 */
  reconfirmAfterDays?: number;
  /** Days without proof of its number after which an account needs another factor to log in by code. @defaultValue 90 */
  dormantAfterDays?: number;
  /** How long a change of SIM, carrier or subscriber reported by `PhoneRisk` counts as a risk signal. @defaultValue 240 */
  riskWindowHours?: number;
  /** Timeout of one call to the vendor, in milliseconds. @defaultValue 10000 */
  providerTimeoutMs?: number;
  /** Messages that one instance sends at the same time. Above it, a start answers 503. @defaultValue 1000 */
  maxSendsInFlight?: number;
  /** Maximum size of a request body on the ready-made routes, in bytes. @defaultValue 10240 */
  maxBodyBytes?: number;
  /** Interval at which this instance deletes expired rows. With 0, call `OtpOperations.purge` yourself. @defaultValue 600 */
  purgeEverySeconds?: number;
  /** How long an ended challenge or grant is kept for support questions. @defaultValue 43200 */
  retentionSeconds?: number;
  /** How long the log of sent messages is kept, in days. @defaultValue 90 */
  sendLogDays?: number;
  /** How long audit entries are kept, in days. @defaultValue 400 */
  auditDays?: number;
}

/** A numeric option: its default, and the bounds that the start-up check enforces. */
interface Figure {
  default: number;
  min: number;
  /** Absent if a higher value only affects your own cost or waiting time. */
  max?: number;
  unit: string;
}

type NumberOption = Exclude<
  { [K in keyof OtpOptions]-?: NonNullable<OtpOptions[K]> extends number ? K : never }[keyof OtpOptions],
  'dailySendBudget'
>;

/** The numeric options with their hard bounds. A value outside its bounds is rejected at start-up, never clamped. */
export const OTP_FIGURES = {
  codeLength: { default: 6, min: 6, max: 8, unit: 'digits' }, // NIST SP 800-63B-4 §3.1.3.2
  codeTtlSeconds: { default: 300, min: 60, max: 600, unit: 's' }, // NIST SP 800-63B-4 §3.1.3.2
  maxAttempts: { default: 5, min: 1, max: 5, unit: 'attempts' }, // (EU) 2018/389 art. 4(3)(b)
  maxSends: { default: 3, min: 1, max: 5, unit: 'messages' },
  failuresPerHour: { default: 10, min: 1, max: 100, unit: 'failures' }, // NIST SP 800-63B-4 §3.2.2
  lockoutMinutes: { default: 15, min: 1, max: 60, unit: 'min' },
  failuresInARow: { default: 100, min: 1, max: 100, unit: 'failures' }, // NIST SP 800-63B-4 §3.2.2
  sprayingFailures: { default: 100, min: 2, unit: 'failures' }, // ASVS 5.0 6.1.1
  cooldownSeconds: { default: 60, min: 30, max: 3600, unit: 's' },
  sendsPerPhonePerHour: { default: 5, min: 1, unit: 'messages' }, // OWASP API4:2023
  sendsPerPhonePerDay: { default: 10, min: 1, unit: 'messages' },
  sendsPerOwnerPerHour: { default: 20, min: 1, unit: 'messages' },
  sendsPerOwnerPerDay: { default: 60, min: 1, unit: 'messages' },
  sendsPerAddressPerHour: { default: 20, min: 1, unit: 'messages' }, // ASVS 5.0 2.4.1
  sendsPerPrefixPerHour: { default: 30, min: 1, unit: 'messages' },
  minimumConversionPercent: { default: 20, min: 1, max: 90, unit: '%' },
  minimumConversionMessages: { default: 20, min: 5, unit: 'messages' },
  conversionCheckSeconds: { default: 60, min: 0, max: 3600, unit: 's' },
  sendsPerMinute: { default: 600, min: 1, unit: 'messages' },
  verifiesPerAddress: { default: 30, min: 1, unit: 'calls' }, // ASVS 5.0 6.6.3
  grantTtlSeconds: { default: 300, min: 30, max: 600, unit: 's' }, // RFC 9470 max_age
  knownDeviceDays: { default: 90, min: 1, max: 180, unit: 'days' },
  trustedDeviceDays: { default: 30, min: 1, max: 30, unit: 'days' }, // NIST SP 800-63B-3 §4.2.3: 30 days at AAL2
  holdHours: { default: 24, min: 1, max: 720, unit: 'h' }, // OWASP Multifactor Authentication Cheat Sheet
  reconfirmAfterDays: { default: 180, min: 1, unit: 'days' }, // carriers recycle numbers
  dormantAfterDays: { default: 90, min: 1, unit: 'days' },
  riskWindowHours: { default: 240, min: 1, max: 2400, unit: 'h' }, // CAMARA SimSwap: maxAge
  providerTimeoutMs: { default: 10_000, min: 100, max: 30_000, unit: 'ms' }, // ASVS 5.0 13.1.3
  maxSendsInFlight: { default: 1000, min: 1, max: 10_000, unit: 'messages' },
  maxBodyBytes: { default: 10_240, min: 1024, max: 102_400, unit: 'bytes' }, // OWASP API4:2023
  purgeEverySeconds: { default: 600, min: 0, max: 86_400, unit: 's' },
  retentionSeconds: { default: 43_200, min: 0, max: 86_400, unit: 's' }, // ASVS 5.0 14.2.7: at most a day after expiry
  sendLogDays: { default: 90, min: 1, max: 730, unit: 'days' },
  auditDays: { default: 400, min: 30, max: 4000, unit: 'days' }, // more than a year, to compare with the same month
} as const satisfies Record<NumberOption, Figure>;

/** All option names. */
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

/** The resolved options: checked, complete, and frozen. */
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
 * Validates the options at start-up and fills in the defaults.
 * @throws {@link OtpConfigError} that names the option and the remedy; it never repeats a secret
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
    throw new OtpConfigError('"dailySendBudget" is missing: set the maximum number of messages per day.');
  }
  return withinBounds('dailySendBudget', budget, { default: 0, min: 1, unit: 'messages' });
}

function resolveRegionCaps(
  sendsPerRegion: OtpOptions['sendsPerRegionPerDay'] = {},
  regions: readonly string[],
): ReadonlyMap<string, number> {
  const caps = Object.entries(sendsPerRegion);
  const unserved = caps.find(([region]) => !regions.some((served) => served === region));
  if (unserved) {
    throw new OtpConfigError(
      '"sendsPerRegionPerDay" contains a region that is not in "regions": add it there, or remove it here.',
    );
  }
  const figure = { default: 0, min: 1, unit: 'messages' };
  return new Map(caps.map(([region, cap]) => [region, withinBounds(`sendsPerRegionPerDay.${region}`, cap, figure)]));
}

function resolveAppName(appName: unknown): string {
  // The name is part of every message, so it must not look like a code, a link or a second line.
  if (
    typeof appName === 'string' &&
    /^[\p{L}\p{M}][\p{L}\p{M}\p{N} .&'-]{0,29}$/u.test(appName) &&
    !/\p{Nd}{4}/u.test(appName)
  ) {
    return appName;
  }
  throw new OtpConfigError(
    '"appName" must be 1 to 30 letters, digits, spaces or . & \' -, start with a letter, and contain no four digits in a row.',
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
    '"androidAppHash" must be the hash of your app, 11 characters of A-Z, a-z, 0-9, + and /, computed as described in ' +
      'https://developers.google.com/identity/sms-retriever/verify.',
  );
}

/** Rejects texts that no message would use. The renderer validates their contents when it compiles them. */
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
    throw new OtpConfigError('"pepper" contains two secrets with the same "id": give each secret its own.');
  }
  return peppers as [ResolvedPepper, ...ResolvedPepper[]];
}

function pepperId(id: unknown): string {
  if (typeof id === 'string' && /^[\w.-]{1,16}$/.test(id)) return id;
  throw new OtpConfigError('Each "id" in "pepper" must be 1 to 16 letters, digits or _ . -');
}

function otherSecret(secret: unknown): Buffer {
  if (isSecret(secret)) return toBytes(secret);
  throw new OtpConfigError(
    '"pepperMustDifferFrom" contains an entry that is neither a string nor bytes: check for a missing environment variable.',
  );
}

function pepperSecret(secret: unknown, others: Buffer[]): Buffer {
  if (!isSecret(secret)) throw new OtpConfigError(PEPPER_HELP);
  const bytes = toBytes(secret);
  if (bytes.length < 32) throw new OtpConfigError(`"pepper" has only ${bytes.length} bytes. ${PEPPER_HELP}`);
  if (new Set(bytes).size < 8) throw new OtpConfigError(`"pepper" is too repetitive. ${PEPPER_HELP}`);
  if (others.some((other) => other.equals(bytes))) {
    throw new OtpConfigError(`"pepper" equals another secret of this application. ${PEPPER_HELP}`);
  }
  return bytes;
}

const PEPPER_HELP =
  '"pepper" must be at least 32 random bytes that nothing else uses: generate it with "openssl rand -base64 48".';

function isSecret(secret: unknown): secret is string | Uint8Array {
  return typeof secret === 'string' || secret instanceof Uint8Array;
}

function toBytes(secret: string | Uint8Array): Buffer {
  return Buffer.from(secret as string);
}
