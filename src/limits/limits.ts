import { randomInt } from 'node:crypto';

import { hex } from '../database/hex.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { type OtpSettings, STRANGERS_SHARE } from '../config/options.js';
import { prefixOf } from '../phone/mask.js';
import { addressBlock } from '../config/client-address.js';

/**
 * Whose limits pay for a message. The database decides it, in the function that takes the message:
 * `owner`: signed in, to the number the ledger holds as theirs · `known`: a device that proved this number before ·
 * `stranger`: everybody else. Each has counters and lockouts of its own, so a stranger can stop nobody but strangers.
 */
export type SenderTier = 'stranger' | 'known' | 'owner';

/** Which limit stood in the way, in words for operators. */
export type LimitName =
  | 'cooldown'
  | 'locked_out'
  | 'phone_hour'
  | 'phone_day'
  | 'account_hour'
  | 'account_day'
  | 'owner'
  | 'address'
  | 'address_conversion'
  | 'prefix'
  | 'prefix_conversion'
  | 'region_day'
  | 'service_minute'
  | 'service_day'
  | 'service_spend'
  | 'conversion' // of a region or a provider
  | 'stopped'
  | 'provider_stopped';

/** Who asks for a message to whom, as far as limits care. */
export interface SendContext {
  readonly phone: string;
  readonly phoneHash: Buffer;
  readonly region: string;
  /** Who is to bring the message. */
  readonly provider: string;
  /** The account, where there is one. */
  readonly account: string | null;
  /** Of the account, or the phone. */
  readonly subjectHash: Buffer;
  readonly purpose: string;
  /** Only an established number will do, see `PurposeRules.number`. */
  readonly established: boolean;
  /** Wait after this message: the application's, or the provider's where that is longer. */
  readonly cooldownSeconds: number;
  /** The client's address; absent when the host itself asks. */
  readonly address?: string | undefined;
  /** Whether a client identified itself. */
  readonly hasClient: boolean;
}

/** Unverified messages after which an owner is treated as a stranger for the rest of the hour. */
export const OWNER_UNVERIFIED = 3;
/** The most shards there are: take_budget looks through so many. */
const MOST_SHARDS = 64;
/** Or the split itself would refuse messages. */
const MESSAGES_IN_A_SHARD = 1000;
/** First bytes of the keys of unverified messages, in the order in which their rows are locked. */
const KINDS = { owner: 1, address: 2, prefix: 3 } as const;

/** Turns the figures into the limits that travel with a start or a resend: for each tier that the sender may be of, those that apply. */
export class Limits {
  readonly #texts = new Map<string, string>();

  constructor(
    private readonly settings: OtpSettings,
    private readonly hash: KeyedHash,
  ) {}

  /** What start and resend are told of the sender: the fields of `send_request` (types.sql) that hang on the limits. */
  requestOf(send: SendContext): object {
    const { account, address, phone, purpose, region } = send;
    const { reconfirmAfterDays, dailySpendBudget, isAllowed, audit } = this.settings;
    const allowed = isAllowed(send);
    return {
      shard: randomInt(MOST_SHARDS),
      price: dailySpendBudget?.prices.get(region) ?? 0,
      ...(allowed ? { allowed } : { prefix_key: this.#key('prefix', prefixOf(phone)) }),
      ...(!allowed && address && { address_key: this.#key('address', addressBlock(address)) }),
      ...(account !== null && {
        signed_in: true,
        account_hash: hex(send.subjectHash),
        cooldown_hash: hex(this.hash.of('cooldown', account, purpose)),
        owner_key: this.#key('owner', account),
      }),
      ...(send.established && { must_be_established: true, reconfirm_days: reconfirmAfterDays }),
      ...(audit && { audit }),
    };
  }

  /** The limits of each tier that the sender may be of, as JSON. */
  textOf(send: SendContext): string {
    const { region, cooldownSeconds, account, hasClient } = send;
    const allowed = this.settings.isAllowed(send);
    const name = `${region} ${cooldownSeconds} ${account !== null} ${hasClient} ${allowed}`;
    const known = this.#texts.get(name) ?? JSON.stringify(this.#limitsOf(send, allowed));
    this.#texts.set(name, known);
    return known;
  }

  /** Whose cooldown a message began, for the answer that gives it back. */
  partyOf(send: SendContext, tier: SenderTier): Buffer {
    return tier === 'owner' ? this.hash.of('cooldown', send.account!, send.purpose) : send.phoneHash;
  }

  #limitsOf(send: SendContext, allowed: boolean) {
    const { settings } = this;
    const signedIn = send.account !== null;
    const cooldown_seconds = send.cooldownSeconds;
    const phone = {
      cooldown_seconds,
      per_hour: settings.sendsPerPhonePerHour,
      per_day: settings.sendsPerPhonePerDay,
    };
    return {
      stranger: {
        phone,
        ...(signedIn && { account: { per_hour: phone.per_hour, per_day: phone.per_day } }),
        ...(!allowed && {
          address: this.#unverified('address', settings.sendsPerAddressPerHour),
          prefix: this.#unverified('prefix', settings.sendsPerPrefixPerHour),
        }),
        ...this.#budgets(send.region, allowed, STRANGERS_SHARE),
      },
      ...(!signedIn && send.hasClient && { known: { phone, ...this.#budgets(send.region, allowed, 1) } }),
      ...(signedIn && {
        owner: {
          phone: { cooldown_seconds },
          account: { per_hour: settings.sendsPerOwnerPerHour, per_day: settings.sendsPerOwnerPerDay },
          owner: { most: OWNER_UNVERIFIED },
          ...this.#budgets(send.region, allowed, 1),
        },
      }),
    };
  }

  #unverified(scope: 'address' | 'prefix', most: number) {
    const { minimumConversion, minimumConversionPercent, minimumConversionMessages } = this.settings;
    const mode = minimumConversion[scope];
    if (mode === 'off') return { most };
    return {
      most,
      minimum_conversion: minimumConversionPercent,
      minimum_messages: minimumConversionMessages,
      enforced: mode === 'enforce',
    };
  }

  /** @param part of the whole that the tier may use up */
  #budgets(region: string, allowed: boolean, part: number) {
    const { sendsPerMinute, dailySendBudget, dailySpendBudget, sendsPerRegionPerDay } = this.settings;
    const partOf = (whole: number) => Math.max(1, Math.floor(whole * part));
    const inMessages = dailySpendBudget ? dailySpendBudget.total / dailySpendBudget.dearest : Infinity;
    const ofRegion = allowed ? undefined : sendsPerRegionPerDay.get(region);
    return {
      ...(ofRegion !== undefined && { region: { shards: shardsFor(ofRegion), per_day: partOf(ofRegion) } }),
      service: {
        shards: shardsFor(Math.min(sendsPerMinute, dailySendBudget, inMessages)),
        per_minute: partOf(sendsPerMinute),
        per_day: partOf(dailySendBudget),
        ...(dailySpendBudget && {
          spend_per_day: partOf(dailySpendBudget.total),
          currency: dailySpendBudget.currency,
        }),
      },
    };
  }

  #key(kind: keyof typeof KINDS, name: string): string {
    const key = Buffer.from(this.hash.of(kind, name));
    key[0] = KINDS[kind];
    return hex(key);
  }
}

/** One row for all tiers, which differ in how far they may fill it. */
function shardsFor(messages: number): number {
  return Math.min(MOST_SHARDS, Math.max(1, Math.floor(messages / MESSAGES_IN_A_SHARD)));
}
