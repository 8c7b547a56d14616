/**
 * Whose limits a message counts against. The database decides it, in the function that reserves the message:
 * `owner`: signed in, and the ledger holds the number as theirs · `known`: a device that proved this number before ·
 * `stranger`: everybody else. Each tier has its own counters and lockouts, so a stranger can only use up the limits of strangers.
 */
export type SenderTier = 'stranger' | 'known' | 'owner';

/** Errors of refused messages. */
type Refusal = 'otp_too_soon' | 'send_unavailable' | 'locked_out';

/** The option that caps a limit, or a figure of the module's own. */
type Cap = CapOption | number;
type CapOption =
  | 'cooldownSeconds'
  | 'sendsPerPhonePerHour'
  | 'sendsPerPhonePerDay'
  | 'sendsPerOwnerPerHour'
  | 'sendsPerOwnerPerDay'
  | 'sendsPerAddressPerHour'
  | 'sendsPerPrefixPerHour'
  | 'sendsPerRegionPerDay'
  | 'sendsPerMinute'
  | 'dailySendBudget'
  | 'dailySpendBudget';

/** Fields of `tier_limits` (src/database/types.sql). */
type LimitField =
  | readonly ['phone' | 'account', 'cooldown_seconds' | 'per_hour' | 'per_day']
  | readonly ['owner' | 'address' | 'prefix', 'most']
  | readonly ['region' | 'service', 'per_minute' | 'per_day' | 'spend_per_day'];

/** A cap on messages: each message of a tier is reserved from every limit that caps that tier, or from none. */
export interface LimitDefinition {
  /** What is counted. An unverified message is one whose code nobody has typed. */
  readonly counts: 'messages' | 'unverified messages' | 'spend';
  /** Whose. `account`: of signed-in senders alone. */
  readonly per: 'phone' | 'account' | 'address' | 'prefix' | 'region' | 'service';
  readonly window: 'cooldown' | 'minute' | 'hour' | 'day';
  /** The cap of each tier. A tier without one is not limited. */
  readonly caps: { readonly [Tier in SenderTier]?: Cap };
  /** Strangers may use up only this share of the cap, so that they cannot exhaust what everybody shares. */
  readonly strangersShare?: number;
  /** The option `allow` exempts numbers and addresses from it. */
  readonly exemptible?: true;
  /** The error that a caller gets. */
  readonly refusal: Refusal;
  /** Where the cap travels to the database. */
  readonly field: LimitField;
}

/** Unverified messages after which an owner counts as a stranger for the rest of the hour. */
const OWNER_UNVERIFIED = 3;
export const STRANGERS_SHARE = 0.8;

/**
 * Every cap on messages, by the word that events (`otp.limited`) and the audit use for it.
 *
 * To add one: an entry here, a field in `tier_limits` if what it counts has none, and a line of `take-message.sql`.
 */
export const LIMITS = {
  cooldown: {
    counts: 'messages',
    per: 'phone',
    window: 'cooldown',
    caps: { stranger: 'cooldownSeconds', known: 'cooldownSeconds', owner: 'cooldownSeconds' },
    refusal: 'otp_too_soon',
    field: ['phone', 'cooldown_seconds'],
  },
  phone_hour: {
    counts: 'messages',
    per: 'phone',
    window: 'hour',
    caps: { stranger: 'sendsPerPhonePerHour', known: 'sendsPerPhonePerHour' },
    refusal: 'otp_too_soon',
    field: ['phone', 'per_hour'],
  },
  phone_day: {
    counts: 'messages',
    per: 'phone',
    window: 'day',
    caps: { stranger: 'sendsPerPhonePerDay', known: 'sendsPerPhonePerDay' },
    refusal: 'otp_too_soon',
    field: ['phone', 'per_day'],
  },
  account_hour: {
    counts: 'messages',
    per: 'account',
    window: 'hour',
    caps: { stranger: 'sendsPerPhonePerHour', owner: 'sendsPerOwnerPerHour' },
    refusal: 'otp_too_soon',
    field: ['account', 'per_hour'],
  },
  account_day: {
    counts: 'messages',
    per: 'account',
    window: 'day',
    caps: { stranger: 'sendsPerPhonePerDay', owner: 'sendsPerOwnerPerDay' },
    refusal: 'otp_too_soon',
    field: ['account', 'per_day'],
  },
  owner: {
    counts: 'unverified messages',
    per: 'account',
    window: 'hour',
    caps: { owner: OWNER_UNVERIFIED },
    refusal: 'otp_too_soon',
    field: ['owner', 'most'],
  },
  address: {
    counts: 'unverified messages',
    per: 'address',
    window: 'hour',
    caps: { stranger: 'sendsPerAddressPerHour' },
    exemptible: true,
    refusal: 'otp_too_soon',
    field: ['address', 'most'],
  },
  prefix: {
    counts: 'unverified messages',
    per: 'prefix',
    window: 'hour',
    caps: { stranger: 'sendsPerPrefixPerHour' },
    exemptible: true,
    refusal: 'otp_too_soon',
    field: ['prefix', 'most'],
  },
  region_day: {
    counts: 'messages',
    per: 'region',
    window: 'day',
    caps: { stranger: 'sendsPerRegionPerDay', known: 'sendsPerRegionPerDay', owner: 'sendsPerRegionPerDay' },
    strangersShare: STRANGERS_SHARE,
    exemptible: true,
    refusal: 'send_unavailable',
    field: ['region', 'per_day'],
  },
  service_minute: {
    counts: 'messages',
    per: 'service',
    window: 'minute',
    caps: { stranger: 'sendsPerMinute', known: 'sendsPerMinute', owner: 'sendsPerMinute' },
    strangersShare: STRANGERS_SHARE,
    refusal: 'send_unavailable',
    field: ['service', 'per_minute'],
  },
  service_day: {
    counts: 'messages',
    per: 'service',
    window: 'day',
    caps: { stranger: 'dailySendBudget', known: 'dailySendBudget', owner: 'dailySendBudget' },
    strangersShare: STRANGERS_SHARE,
    refusal: 'send_unavailable',
    field: ['service', 'per_day'],
  },
  service_spend: {
    counts: 'spend',
    per: 'service',
    window: 'day',
    caps: { stranger: 'dailySpendBudget', known: 'dailySpendBudget', owner: 'dailySpendBudget' },
    strangersShare: STRANGERS_SHARE,
    refusal: 'send_unavailable',
    field: ['service', 'spend_per_day'],
  },
} as const satisfies Record<string, LimitDefinition>;

/** What else refuses a message: nothing is counted for it, so there is nothing to reserve. */
export const STOPS = {
  locked_out: { when: 'too many wrong codes of the subject', refusal: 'locked_out' },
  address_conversion: { when: 'too few messages from the address are verified', refusal: 'otp_too_soon' },
  prefix_conversion: { when: 'too few messages to the prefix are verified', refusal: 'otp_too_soon' },
  conversion: { when: 'too few messages to the region, or by the provider, are verified', refusal: 'send_unavailable' },
  stopped: { when: 'an operator stopped sending, everywhere or to the region', refusal: 'send_unavailable' },
  provider_stopped: { when: 'an operator stopped sending by the provider', refusal: 'send_unavailable' },
} as const satisfies Record<string, { when: string; refusal: Refusal }>;

/** Which limit refused a message, as operators read it in `otp.limited` and in the audit. */
export type LimitName = keyof typeof LIMITS | keyof typeof STOPS;

const REFUSALS: Readonly<Record<LimitName, { readonly refusal: Refusal }>> = { ...LIMITS, ...STOPS };

/** The error of a caller whose message the limit refused. */
export function refusalOf(limit: LimitName): Refusal {
  return REFUSALS[limit].refusal;
}
