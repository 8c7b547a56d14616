import { createHash, randomInt } from 'node:crypto';

import { frame, type KeyedHash } from '../keyed-hash.js';
import { type OtpSettings, STRANGERS_SHARE } from '../otp.options.js';
import { prefixOf } from '../phone/mask.js';
import { addressBlock } from './client-address.js';

/**
 * Whose budget pays for a message. The database decides it, in the statement that reserves the limits:
 * `owner`: signed in, to the number the ledger holds as theirs · `known`: a device that proved this number before ·
 * `stranger`: everybody else. Each has counters and a gate of its own, so a stranger can stop nobody but strangers.
 */
export type BudgetClass = 'stranger' | 'known' | 'owner';

/** What a counter counts, in lock order: every statement takes its rows in this order, so none waits in a circle. */
export const PLACES = [
  'cooldown',
  'gate',
  'phone_hour',
  'phone_day',
  'account_hour',
  'account_day',
  'address',
  'prefix',
  'unverified',
  'minute',
  'budget',
  'region',
  'spend',
  // From here on a row is only read, and full where it exists: nobody queues for it.
  'closed',
  'stopped',
  'provider_stopped',
] as const;
export type Place = (typeof PLACES)[number];

/** One row to reserve: all of them, or none. */
export interface Slot {
  readonly place: Place;
  readonly class: BudgetClass;
  readonly key: Buffer;
  /** 1 takes a slot; 0 only makes sure that the row exists and is not full. Of `spend`, what the message costs. */
  readonly take: number;
  readonly cap: number;
  readonly seconds: number;
  /** Percent of messages that must be verified: below it the row is full; negative: below it the row only tells; 0: none. */
  readonly floor: number;
}

/** Who asks for a message to whom, as far as limits care. */
export interface SendContext {
  readonly phone: string;
  readonly phoneHash: Buffer;
  readonly region: string;
  /** Who is to bring the message. */
  readonly provider: string;
  readonly subject: string;
  readonly purpose: string;
  readonly signedIn: boolean;
  /** Only a settled number will do, see `PurposeRules.number`. */
  readonly settled: boolean;
  /** Wait after this message: the application's, or the vendor's where that is longer. */
  readonly cooldownSeconds: number;
  /** The client's address; absent when the host itself asks. */
  readonly address?: string | undefined;
  /** Keyed hash of a client that identified itself. */
  readonly client?: Buffer | undefined;
}

const HOUR = 3600;
const DAY = 86_400;
/** Unverified messages after which an owner is treated as a stranger for the rest of the hour. */
export const OWNER_UNVERIFIED = 3;

/** Turns the figures into rows of `otp_limits`. */
export class Limits {
  /** Keys that many messages share, each made once. */
  readonly #sharedKeys = new Map<string, Buffer>();
  /** The row that counts wrong codes over all subjects. */
  readonly sprayKey: Buffer;

  constructor(
    private readonly settings: OtpSettings,
    private readonly hash: KeyedHash,
  ) {
    this.sprayKey = hash.of('spray');
  }

  /** The rows for every class the sender may turn out to be in; the statement takes those of the class it finds. */
  slotsFor(send: SendContext, rows = this.drawServiceRows(send)): Slot[] {
    return [
      ...this.#stranger(send, rows),
      ...(send.client && !send.signedIn ? this.#known(send, rows) : []),
      ...(send.signedIn ? this.#owner(send, rows) : []),
    ];
  }

  /** The gates of a subject, one per class and that of its recovery codes, for an operator who opens them again. */
  gatesOf(subject: string): Buffer[] {
    const gates = (['stranger', 'known', 'owner'] as const).map((name) => this.hash.of('gate', name, subject));
    return [...gates, this.recoveryGateOf(subject)];
  }

  /** The counter of an account's wrong recovery codes. */
  recoveryGateOf(account: string): Buffer {
    return this.hash.of('gate', 'recovery', account);
  }

  /** The cooldown that a definite failure of a signed-in account's message gives back. */
  cooldownOf(send: SendContext, budgetClass: BudgetClass): Buffer {
    return this.slotsFor(send).find((slot) => slot.place === 'cooldown' && slot.class === budgetClass)!.key;
  }

  /** Which of the rows that share a service-wide cap to use: by chance, so that starts do not queue for one row. */
  drawServiceRows(send: SendContext): ServiceRows {
    return Object.fromEntries(this.#servicePlaces(send).map((place) => [place, randomInt(this.rowCount(place, send))]));
  }

  /** How many rows a service-wide cap is split over: a row holds a thousand messages at least, or the split itself would refuse. */
  rowCount(place: ServicePlace, send: SendContext): number {
    const cap = this.#serviceCap(place, send);
    if (place !== 'spend') return rowsOf(cap);
    const { dearest } = this.settings.dailySpendBudget!;
    return Math.max(rowsOf(cap / dearest), Math.ceil(cap / MOST_IN_A_ROW));
  }

  serviceSlot(place: ServicePlace, budgetClass: BudgetClass, row: number, send: SendContext): Slot {
    const { dailySpendBudget } = this.settings;
    const cap = this.#serviceCap(place, send);
    const share = budgetClass === 'stranger' ? Math.max(1, Math.floor(cap * STRANGERS_SHARE)) : cap;
    const name = place === 'region' ? send.region : place === 'spend' ? dailySpendBudget!.currency : '';
    return {
      place,
      class: budgetClass,
      key: this.#sharedKey(place, name, String(row)), // one row for all classes, which differ in how far they may fill it
      take: place === 'spend' ? dailySpendBudget!.prices.get(send.region)! : 1,
      cap: partOf(share, this.rowCount(place, send), row),
      seconds: place === 'minute' ? 60 : DAY,
      floor: 0,
    };
  }

  /** The row by which a region or a provider is known to be below the floor. */
  closedKey(scope: 'region' | 'provider', name: string): Buffer {
    return this.#sharedKey('closed', scope, name);
  }

  #stranger(send: SendContext, rows: ServiceRows): Slot[] {
    const { phone, subject, signedIn, cooldownSeconds } = send;
    const { sendsPerPhonePerHour, sendsPerPhonePerDay } = this.settings;
    return [
      this.#slot('cooldown', 'stranger', [phone], 1, cooldownSeconds),
      this.#gate('stranger', subject),
      this.#slot('phone_hour', 'stranger', [phone], sendsPerPhonePerHour, HOUR),
      this.#slot('phone_day', 'stranger', [phone], sendsPerPhonePerDay, DAY),
      ...(signedIn
        ? [
            this.#slot('account_hour', 'stranger', [subject], sendsPerPhonePerHour, HOUR),
            this.#slot('account_day', 'stranger', [subject], sendsPerPhonePerDay, DAY),
          ]
        : []),
      ...(this.settings.isAllowed(send) ? [] : this.#againstPumping(send)),
      ...this.#service(send, 'stranger', rows),
    ];
  }

  /** Messages that are caused for the money they earn go to neighbouring numbers, and are never verified. */
  #againstPumping(send: SendContext): Slot[] {
    const { phone, address } = send;
    const { sendsPerAddressPerHour, sendsPerPrefixPerHour, conversionFloor } = this.settings;
    return [
      ...(address ? [this.#measured('address', addressBlock(address), sendsPerAddressPerHour)] : []),
      this.#measured('prefix', prefixOf(phone), sendsPerPrefixPerHour),
      ...(['region', 'provider'] as const)
        .filter((scope) => conversionFloor[scope] === 'enforce')
        .map((scope) => onlyRead('closed', 'stranger', this.closedKey(scope, send[scope]))),
    ];
  }

  #measured(place: 'address' | 'prefix', name: string, cap: number): Slot {
    const { conversionFloor, conversionFloorPercent } = this.settings;
    const floor = { off: 0, record: -conversionFloorPercent, enforce: conversionFloorPercent }[conversionFloor[place]];
    return { ...this.#slot(place, 'stranger', [name], cap, HOUR), floor };
  }

  #known(send: SendContext, rows: ServiceRows): Slot[] {
    const { phone, subject, cooldownSeconds } = send;
    const { sendsPerPhonePerHour, sendsPerPhonePerDay } = this.settings;
    return [
      this.#slot('cooldown', 'known', [phone], 1, cooldownSeconds),
      this.#gate('known', subject),
      this.#slot('phone_hour', 'known', [phone], sendsPerPhonePerHour, HOUR),
      this.#slot('phone_day', 'known', [phone], sendsPerPhonePerDay, DAY),
      ...this.#service(send, 'known', rows),
    ];
  }

  #owner(send: SendContext, rows: ServiceRows): Slot[] {
    const { subject, purpose, cooldownSeconds } = send;
    const { sendsPerOwnerPerHour, sendsPerOwnerPerDay } = this.settings;
    return [
      this.#slot('cooldown', 'owner', [subject, purpose], 1, cooldownSeconds),
      this.#gate('owner', subject),
      this.#slot('account_hour', 'owner', [subject], sendsPerOwnerPerHour, HOUR),
      this.#slot('account_day', 'owner', [subject], sendsPerOwnerPerDay, DAY),
      this.#slot('unverified', 'owner', [subject], OWNER_UNVERIFIED, HOUR),
      ...this.#service(send, 'owner', rows),
    ];
  }

  #slot(place: Place, budgetClass: BudgetClass, name: string[], cap: number, seconds: number): Slot {
    const key = this.hash.of(place, budgetClass, ...name);
    return { place, class: budgetClass, key, take: 1, cap, seconds, floor: 0 };
  }

  #gate(budgetClass: BudgetClass, subject: string): Slot {
    return { ...this.#slot('gate', budgetClass, [subject], this.settings.failuresPerHour, HOUR), take: 0 };
  }

  #service(send: SendContext, budgetClass: BudgetClass, rows: ServiceRows): Slot[] {
    const [all, ofRegion, ofProvider, ofBoth] = this.stopKeysOf(send);
    return [
      ...this.#servicePlaces(send).map((place) => this.serviceSlot(place, budgetClass, rows[place]!, send)),
      onlyRead('stopped', budgetClass, all),
      onlyRead('stopped', budgetClass, ofRegion),
      onlyRead('provider_stopped', budgetClass, ofProvider),
      onlyRead('provider_stopped', budgetClass, ofBoth),
    ];
  }

  #servicePlaces(send: SendContext): ServicePlace[] {
    const { sendsPerRegionPerDay, dailySpendBudget, isAllowed } = this.settings;
    const places: ServicePlace[] = ['minute', 'budget'];
    if (sendsPerRegionPerDay.has(send.region) && !isAllowed(send)) places.push('region');
    if (dailySpendBudget) places.push('spend');
    return places;
  }

  #serviceCap(place: ServicePlace, { region }: SendContext): number {
    const { sendsPerMinute, dailySendBudget, sendsPerRegionPerDay, dailySpendBudget } = this.settings;
    if (place === 'minute') return sendsPerMinute;
    if (place === 'budget') return dailySendBudget;
    return place === 'region' ? sendsPerRegionPerDay.get(region)! : dailySpendBudget!.total;
  }

  /** Every stop that would keep a message back, those of its provider last. */
  stopKeysOf({ region, provider }: Pick<SendContext, 'region' | 'provider'>): [Buffer, Buffer, Buffer, Buffer] {
    const of = (scope: { region?: string; provider?: string }) => this.stopKey(scope);
    return [of({}), of({ region }), of({ provider }), of({ region, provider })];
  }

  /** Not under the pepper: a stop must outlive every change of it, and names nobody. */
  stopKey({ region = '', provider = '' }: { region?: string; provider?: string }): Buffer {
    const make = () =>
      createHash('sha256')
        .update(frame(['otp stop', region, provider]))
        .digest()
        .subarray(0, 16);
    return this.#once(`stop ${region} ${provider}`, make);
  }

  #sharedKey(...fields: string[]): Buffer {
    return this.#once(fields.join(' '), () => this.hash.of(...fields));
  }

  #once(name: string, make: () => Buffer): Buffer {
    const known = this.#sharedKeys.get(name) ?? make();
    this.#sharedKeys.set(name, known);
    return known;
  }
}

const SERVICE_PLACES = ['minute', 'budget', 'region', 'spend'] as const;
/** Caps that everybody shares, each split over rows. */
export type ServicePlace = (typeof SERVICE_PLACES)[number];
export type ServiceRows = { readonly [P in ServicePlace]?: number };

export function isServicePlace(place: Place): place is ServicePlace {
  return SERVICE_PLACES.some((one) => one === place);
}

/** Counters are 32-bit integers in the database: with a message's price on top they must not overflow. */
const MOST_IN_A_ROW = 2 ** 30;

function rowsOf(messages: number): number {
  return Math.min(64, Math.max(1, Math.floor(messages / 1000)));
}

/** One of `count` whole parts of `total`; the first takes the remainder. */
function partOf(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index === 0 ? total % count : 0);
}

/** Full where it exists. */
function onlyRead(place: Place, budgetClass: BudgetClass, key: Buffer): Slot {
  return { place, class: budgetClass, key, take: 0, cap: 1, seconds: 0, floor: 0 };
}
