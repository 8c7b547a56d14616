import { createHash } from 'node:crypto';

import { code as currencyOf } from 'currency-codes';

import { requireObject, requireText } from '../errors/input.js';
import { frame } from '../crypto/keyed-hash.js';
import type { ShownAction } from '../messages/message-renderer.js';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from '../phone/digits.js';

/**
 * What exactly is being confirmed: a record of the host's, as it is stored. The message names amount, currency and payee;
 * challenge and grant hold for this record in this state alone ((EU) 2018/389 art. 5).
 */
export interface Action {
  /** The host's id of the record, such as `transfer 4711`. */
  id: string;
  /** For a payment, together with `currency` and `payee`: `"250.00"` in the major unit, or `25000n` in the minor one. Never a float. */
  amount?: string | bigint;
  /** ISO 4217, such as `SAR`. */
  currency?: string;
  /** Who is paid, in the words the person knows. */
  payee?: string;
  /** Whatever else must not change between confirmation and execution, by name: `{ iban: 'SA03…' }`. */
  details?: Readonly<Record<string, string>>;
}

/** An action in the only form in which it is compared. */
export interface ReadAction {
  /** Which record: 16 bytes. Then what exactly of it: 32 bytes. */
  readonly digest: Buffer;
  /** Absent where the action is no payment. */
  readonly shown?: ShownAction;
}

/** Bytes of the digest that name the record and not its contents. */
export const RECORD_BYTES = 16;
const MAX_DETAILS = 32;

/**
 * @returns null for no action at all
 * @throws {@link OtpError} `request_invalid` naming the field
 */
export function readAction(action: unknown): ReadAction | null {
  if (action === undefined) return null;
  requireObject('"action"', action);
  const { id, amount, currency, payee, details = {} } = action as Action;
  requireText('action.id', id);
  const isPayment = amount !== undefined || currency !== undefined || payee !== undefined;
  const payment = isPayment ? readPayment({ amount, currency, payee }) : undefined;
  const paid = payment ? [String(payment.minor), payment.currency, payment.payee] : [];
  return {
    digest: Buffer.concat([
      sha256('nestjs-phone-otp record 1', [id]).subarray(0, RECORD_BYTES),
      sha256('nestjs-phone-otp action 1', [id, String(paid.length), ...paid, ...readDetails(details)]),
    ]),
    ...(payment && {
      shown: {
        amount: majorUnits(payment.minor, payment.currency),
        currency: payment.currency,
        payee: payment.payee,
      },
    }),
  };
}

/**
 * An amount of money as a whole number of its currency's minor unit, which has 0, 2, 3 or 4 decimals (ISO 4217):
 * `10.00` and `10` SAR are 1000, 10 JPY are 10, `1.5` KWD are 1500. Digits of any script are read; signs, exponents,
 * thousands separators and more decimals than the currency has are refused, so no two amounts are ever taken for one.
 * @param amount a decimal text, or the minor units themselves
 * @throws {@link OtpError} `request_invalid`
 */
export function minorUnits(amount: string | bigint, currency: string): bigint {
  const decimals = decimalsOf(currency);
  const minor = typeof amount === 'bigint' ? amount : readDecimal(amount, decimals);
  if (minor !== undefined && minor >= 0n && minor < LIMIT) return minor;
  throw new OtpError(
    'request_invalid',
    `"amount" must be a decimal text without a sign, with at most ${decimals} decimals, or minor units as a bigint.`,
  );
}

function readDecimal(amount: unknown, decimals: number): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d+)(?:[.٫](\d+))?$/.exec(normalizeTyped(amount) ?? '') ?? [];
  if (whole === undefined || fraction.length > decimals) return undefined;
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** The inverse of {@link minorUnits}, with all decimals: 25000n SAR are `250.00`. @throws {@link OtpError} `request_invalid` */
export function majorUnits(minor: bigint, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(minorUnits(minor, currency)).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** More than there is of any currency, in its minor unit. */
const LIMIT = 10n ** 19n;

function decimalsOf(currency: unknown): number {
  const known = typeof currency === 'string' && /^[A-Z]{3}$/.test(currency) ? currencyOf(currency) : undefined;
  if (known) return known.digits;
  throw new OtpError('request_invalid', '"currency" must be a code of ISO 4217 in capitals, such as "SAR".');
}

function readPayment({ amount, currency, payee }: Pick<Action, 'amount' | 'currency' | 'payee'>) {
  if (amount === undefined || currency === undefined || payee === undefined) {
    throw new OtpError('request_invalid', 'An action that is a payment needs "amount", "currency" and "payee".');
  }
  return { minor: minorUnits(amount, currency), currency, payee: requireText('action.payee', payee) };
}

/** By name, so that their order does not matter. */
function readDetails(details: unknown): string[] {
  requireObject('"action.details"', details);
  const entries = Object.entries(details as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > MAX_DETAILS) {
    throw new OtpError('request_invalid', `"action.details" must hold at most ${MAX_DETAILS} fields.`);
  }
  return entries.flatMap(([name, value]) => [
    requireText('name in "action.details"', name),
    requireText('value in "action.details"', value),
  ]);
}

/** Over fields that are preceded by their lengths: no two lists of fields give the same bytes. */
function sha256(domain: string, fields: readonly string[]): Buffer {
  return createHash('sha256')
    .update(frame([domain, ...fields]))
    .digest();
}
