import { randomInt } from 'node:crypto';

import ipaddr from 'ipaddr.js';

import type { KeyedHash } from '../keyed-hash.js';
import type { OtpSettings } from '../otp.options.js';
import { prefixOf } from '../phone/mask.js';

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
] as const;
export type Place = (typeof PLACES)[number];

/** One row to reserve: all of them, or none. */
export interface Slot {
  readonly place: Place;
  readonly class: BudgetClass;
  readonly key: Buffer;
  /** 1 takes a slot; 0 only makes sure that the row exists and is not full. */
  readonly take: 0 | 1;
  readonly cap: number;
  readonly seconds: number;
}

/** Who asks for a message to whom, as far as limits care. */
export interface SendContext {
  readonly phone: string;
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
/** What strangers may take of what everybody shares. */
const STRANGERS_SHARE = 0.8;
/** Unverified messages after which an owner is treated as a stranger for the rest of the hour. */
export const OWNER_UNVERIFIED = 3;

/** Turns the figures into rows of `otp_limits`. */
export class Limits {
  readonly #serviceKeys: Record<ServicePlace, Buffer[]>;
  /** The row that counts wrong codes over all subjects. */
  readonly sprayKey: Buffer;

  constructor(
    private readonly settings: OtpSettings,
    private readonly hash: KeyedHash,
  ) {
    const keysOf = (place: ServicePlace) =>
      Array.from({ length: this.rowCount(place) }, (_, row) => hash.of(place, String(row)));
    this.sprayKey = hash.of('spray');
    this.#serviceKeys = { minute: keysOf('minute'), budget: keysOf('budget') };
  }

  /** The rows for every class the sender may turn out to be in; the statement takes those of the class it finds. */
  slotsFor(send: SendContext, rows = this.drawServiceRows()): Slot[] {
    return [
      ...this.#stranger(send, rows),
      ...(send.client && !send.signedIn ? this.#known(send, rows) : []),
      ...(send.signedIn ? this.#owner(send, rows) : []),
    ];
  }

  /** The gates of a subject, one per class, for an operator who opens them again. */
  gatesOf(subject: string): Buffer[] {
    return (['stranger', 'known', 'owner'] as const).map((budgetClass) => this.hash.of('gate', budgetClass, subject));
  }

  /** The cooldown that a definite failure of a signed-in account's message gives back. */
  cooldownOf(send: SendContext, budgetClass: BudgetClass): Buffer {
    return this.slotsFor(send).find((slot) => slot.place === 'cooldown' && slot.class === budgetClass)!.key;
  }

  /** Which of the rows that share a service-wide cap to use: by chance, so that starts do not queue for one row. */
  drawServiceRows(): ServiceRows {
    return { minute: randomInt(this.rowCount('minute')), budget: randomInt(this.rowCount('budget')) };
  }

  /** How many rows a service-wide cap is split over: a row holds a thousand at least, or the split itself would refuse. */
  rowCount(place: ServicePlace): number {
    return Math.min(64, Math.max(1, Math.floor(this.#serviceCap(place) / 1000)));
  }

  #stranger(send: SendContext, rows: ServiceRows): Slot[] {
    const { phone, subject, address, signedIn, cooldownSeconds } = send;
    const { sendsPerPhonePerHour, sendsPerPhonePerDay, sendsPerAddressPerHour, sendsPerPrefixPerHour } = this.settings;
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
      ...(address ? [this.#slot('address', 'stranger', [addressBlock(address)], sendsPerAddressPerHour, HOUR)] : []),
      this.#slot('prefix', 'stranger', [prefixOf(phone)], sendsPerPrefixPerHour, HOUR),
      ...this.#service('stranger', rows),
    ];
  }

  #known({ phone, subject, cooldownSeconds }: SendContext, rows: ServiceRows): Slot[] {
    const { sendsPerPhonePerHour, sendsPerPhonePerDay } = this.settings;
    return [
      this.#slot('cooldown', 'known', [phone], 1, cooldownSeconds),
      this.#gate('known', subject),
      this.#slot('phone_hour', 'known', [phone], sendsPerPhonePerHour, HOUR),
      this.#slot('phone_day', 'known', [phone], sendsPerPhonePerDay, DAY),
      ...this.#service('known', rows),
    ];
  }

  #owner({ subject, purpose, cooldownSeconds }: SendContext, rows: ServiceRows): Slot[] {
    const { sendsPerOwnerPerHour, sendsPerOwnerPerDay } = this.settings;
    return [
      this.#slot('cooldown', 'owner', [subject, purpose], 1, cooldownSeconds),
      this.#gate('owner', subject),
      this.#slot('account_hour', 'owner', [subject], sendsPerOwnerPerHour, HOUR),
      this.#slot('account_day', 'owner', [subject], sendsPerOwnerPerDay, DAY),
      this.#slot('unverified', 'owner', [subject], OWNER_UNVERIFIED, HOUR),
      ...this.#service('owner', rows),
    ];
  }

  #slot(place: Place, budgetClass: BudgetClass, name: string[], cap: number, seconds: number): Slot {
    return { place, class: budgetClass, key: this.hash.of(place, budgetClass, ...name), take: 1, cap, seconds };
  }

  #gate(budgetClass: BudgetClass, subject: string): Slot {
    return { ...this.#slot('gate', budgetClass, [subject], this.settings.failuresPerHour, HOUR), take: 0 };
  }

  #service(budgetClass: BudgetClass, rows: ServiceRows): Slot[] {
    return [this.serviceSlot('minute', budgetClass, rows.minute), this.serviceSlot('budget', budgetClass, rows.budget)];
  }

  serviceSlot(place: ServicePlace, budgetClass: BudgetClass, row: number): Slot {
    const cap = this.#serviceCap(place);
    const share = budgetClass === 'stranger' ? Math.max(1, Math.floor(cap * STRANGERS_SHARE)) : cap;
    return {
      place,
      class: budgetClass,
      key: this.#serviceKeys[place][row]!, // one row for all classes, which differ in how far they may fill it
      take: 1,
      cap: partOf(share, this.rowCount(place), row),
      seconds: SECONDS[place],
    };
  }

  #serviceCap(place: ServicePlace): number {
    return place === 'minute' ? this.settings.sendsPerMinute : this.settings.dailySendBudget;
  }
}

export type ServicePlace = 'minute' | 'budget';
export type ServiceRows = Record<ServicePlace, number>;
const SECONDS: Record<ServicePlace, number> = { minute: 60, budget: DAY };

/** One of `count` whole parts of `total`; the first takes the remainder. */
function partOf(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index === 0 ? total % count : 0);
}

/** What counts as one client address: an IPv4 address, or the /64 that one IPv6 subscriber owns. Anything else shares one block. */
export function addressBlock(address: string): string {
  const plain = address.split('%', 1)[0]!; // a link-local address may carry its interface
  if (!ipaddr.isValid(plain)) return 'unknown';
  const parsed = ipaddr.process(plain); // reads an IPv4-mapped address as IPv4
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}
