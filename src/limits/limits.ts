import { randomInt } from 'node:crypto';

import { hex } from '../database/hex.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import type { OtpSettings } from '../config/options.js';
import { prefixOf } from '../phone/mask.js';
import { addressBlock } from '../config/client-address.js';
import { type LimitDefinition, LIMITS, type SenderTier } from './limit-definitions.js';

/** The sender and the recipient of a message, as the limits see them. */
export interface SendContext {
  readonly phone: string;
  readonly phoneHash: Buffer;
  readonly region: string;
  /** The provider that delivers the message. */
  readonly provider: string;
  /** The account, if there is one. */
  readonly account: string | null;
  /** Hash of the account or, without one, of the phone. */
  readonly subjectHash: Buffer;
  readonly purpose: string;
  /** Whether the number must be established, see `PurposeRules.number`. */
  readonly established: boolean;
  /** Wait after this message: the longer one of the application's and the provider's. */
  readonly cooldownSeconds: number;
  /** The client's address; absent if the host itself sends. */
  readonly address?: string | undefined;
  /** Whether the client identified its device or account. */
  readonly hasClient: boolean;
}

/** Maximum number of shards: `take_budget` looks through this many. */
const MOST_SHARDS = 64;
/** Minimum messages per shard; with fewer, the split itself would refuse messages. */
const MESSAGES_IN_A_SHARD = 1000;
/** First byte of a key of unverified messages. Rows are locked in this order. */
const KINDS = { owner: 1, address: 2, prefix: 3 } as const;

/** Builds the requests of start and resend, with the limits of each tier that the sender may belong to. */
export class Limits {
  readonly #texts = new Map<string, string>();

  constructor(
    private readonly settings: OtpSettings,
    private readonly hash: KeyedHash,
  ) {}

  /**
   * The request of a start or a resend, as JSON.
   * @param own the fields that do not depend on the sender: the challenge, or its handle and new code
   */
  requestFor(send: SendContext, own: object): string {
    const isAllowed = this.settings.isAllowed(send);
    const request = JSON.stringify({ ...own, ...this.#senderFields(send, isAllowed) });
    return `${request.slice(0, -1)},"limits":${this.#limitsText(send, isAllowed)}}`;
  }

  /** The party whose cooldown a message started, to end it again. */
  partyOf(send: SendContext, tier: SenderTier): Buffer {
    return tier === 'owner' ? this.hash.of('cooldown', send.account!, send.purpose) : send.phoneHash;
  }

  /** The fields of `send_request` (types.sql) that depend on the limits. */
  #senderFields(
    { account, address, established, phone, purpose, region, subjectHash }: SendContext,
    isAllowed: boolean,
  ) {
    const { reconfirmAfterDays, dailySpendBudget, audit } = this.settings;
    return {
      shard: randomInt(MOST_SHARDS),
      price: dailySpendBudget?.prices.get(region) ?? 0,
      ...(isAllowed ? { allowed: true } : { prefix_key: this.#key('prefix', prefixOf(phone)) }),
      ...(!isAllowed && address && { address_key: this.#key('address', addressBlock(address)) }),
      ...(account !== null && {
        signed_in: true,
        account_hash: hex(subjectHash),
        cooldown_hash: hex(this.hash.of('cooldown', account, purpose)),
        owner_key: this.#key('owner', account),
      }),
      ...(established && { must_be_established: true, reconfirm_days: reconfirmAfterDays }),
      ...(audit && { audit }),
    };
  }

  /** Most calls have the same limits, so their JSON is written once. */
  #limitsText(send: SendContext, isAllowed: boolean): string {
    const { region, cooldownSeconds, account, hasClient } = send;
    const name = `${region} ${cooldownSeconds} ${account !== null} ${hasClient} ${isAllowed}`;
    const known = this.#texts.get(name) ?? JSON.stringify(this.#limitsByTier(send, isAllowed));
    this.#texts.set(name, known);
    return known;
  }

  #limitsByTier(send: SendContext, isAllowed: boolean): Partial<Record<SenderTier, object>> {
    const signedIn = send.account !== null;
    return {
      stranger: this.#limitsOf('stranger', send, isAllowed),
      ...(!signedIn && send.hasClient && { known: this.#limitsOf('known', send, isAllowed) }),
      ...(signedIn && { owner: this.#limitsOf('owner', send, isAllowed) }),
    };
  }

  /** `tier_limits` (types.sql). A limit that is absent does not exist. */
  #limitsOf(tier: SenderTier, send: SendContext, isAllowed: boolean): object {
    const limits: Record<string, Record<string, unknown>> = {};
    for (const limit of Object.values<LimitDefinition>(LIMITS)) {
      if ((limit.per === 'account' && send.account === null) || (limit.exemptible && isAllowed)) continue;
      const cap = this.#capOf(limit, tier, send);
      if (cap === undefined) continue;
      const [group, field] = limit.field;
      limits[group] ??= this.#settingsOf(group, send.region);
      limits[group][field] = cap;
    }
    return limits;
  }

  #capOf(limit: LimitDefinition, tier: SenderTier, { region, cooldownSeconds }: SendContext): number | undefined {
    const { settings } = this;
    const cap = limit.caps[tier];
    if (cap === undefined || typeof cap === 'number') return cap;
    if (cap === 'cooldownSeconds') return cooldownSeconds;
    const whole = {
      ...settings,
      sendsPerRegionPerDay: settings.sendsPerRegionPerDay.get(region),
      dailySpendBudget: settings.dailySpendBudget?.total,
    }[cap];
    const share = tier === 'stranger' ? (limit.strangersShare ?? 1) : 1;
    return whole && Math.max(1, Math.floor(whole * share));
  }

  /** The fields of a group of limits beside its caps. */
  #settingsOf(group: LimitDefinition['field'][0], region: string): Record<string, unknown> {
    const { sendsPerMinute, dailySendBudget, dailySpendBudget, sendsPerRegionPerDay } = this.settings;
    switch (group) {
      case 'address':
      case 'prefix':
        return this.#minimumConversion(group);
      case 'region':
        return { shards: shardsFor(sendsPerRegionPerDay.get(region)!) };
      case 'service': {
        const inMessages = dailySpendBudget ? dailySpendBudget.total / dailySpendBudget.dearest : Infinity;
        const shards = shardsFor(Math.min(sendsPerMinute, dailySendBudget, inMessages));
        return { shards, ...(dailySpendBudget && { currency: dailySpendBudget.currency }) };
      }
      default:
        return {};
    }
  }

  #minimumConversion(scope: 'address' | 'prefix'): Record<string, unknown> {
    const { minimumConversion, minimumConversionPercent, minimumConversionMessages } = this.settings;
    const mode = minimumConversion[scope];
    if (mode === 'off') return {};
    return {
      minimum_conversion: minimumConversionPercent,
      minimum_messages: minimumConversionMessages,
      enforced: mode === 'enforce',
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
