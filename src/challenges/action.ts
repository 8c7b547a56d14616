import { createHash } from 'node:crypto';

import { code as currencyOf } from 'currency-codes';

import { requireObject, requireText } from '../errors/input.js';
import { frame } from '../crypto/keyed-hash.js';
import type { ShownAction } from '../messages/message-renderer.js';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from '../phone/digits.js';

/**
 * The stored record that the code confirms. The message names its amount, currency and payee. Challenge and grant are valid
 * for this record in this state only ((EU) 2018/389 art. 5).
 */
export interface Action {
  /** Your application's id of the record, such as `transfer 4711`. */
  id: string;
  /** Amount of a payment, together with `currency` and `payee`: `"250.00"` in the major unit, or `25000n` in the minor unit. Never a float. */
  amount?: string | bigint;
  /** ISO 4217, such as `SAR`. */
  currency?: string;
  /** Name of the payee, as the user knows it. */
  payee?: string;
  /** Further fields that must not change between confirmation and execution, by name: `{ iban: 'SA03…' }`. */
  details?: Readonly<Record<string, string>>;
}

/** An action in its canonical form, the only form that is compared. */
export interface ReadAction {
  /** 16 bytes that identify the record, then 32 bytes that cover its contents. */
  readonly digest: Buffer;
  /** The fields that the message names. Absent if the action is not a payment. */
  readonly shown?: ShownAction;
}

/** Leading bytes of the digest that identify the record, regardless of its contents. */
export const RECORD_BYTES = 16;
const MAX_DETAILS = 32;

/**
 * Validates an action and computes its digest.
 * @returns null if there is no action
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
 * Converts an amount of money to a whole number of its currency's minor unit, which has 0, 2, 3 or 4 decimals (ISO 4217):
 * `10.00` and `10` SAR are 1000, 10 JPY are 10, `1.5` KWD are 1500. Accepts digits of any script. Rejects signs, exponents,
 * thousands separators and more decimals than the currency has, so two different amounts are never treated as equal.
 * @param amount a decimal string, or the minor units as a bigint
 * @throws {@link OtpError} `request_invalid`
 */
export function minorUnits(amount: string | bigint, currency: string): bigint {
  const decimals = decimalsOf(currency);
  const minor = typeof amount === 'bigint' ? amount : readDecimal(amount, decimals);
  if (minor !== undefined && minor >= 0n && minor < LIMIT) return minor;
  throw new OtpError(
    'request_invalid',
    `"amount" must be an unsigned decimal string with at most ${decimals} decimals, or a bigint of minor units.`,
  );
}

function readDecimal(amount: unknown, decimals: number): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d+)(?:[.٫](\d+))?$/.exec(normalizeTyped(amount) ?? '') ?? [];
  if (whole === undefined || fraction.length > decimals) return undefined;
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/**
 * The inverse of {@link minorUnits}: formats minor units with all decimals of the currency. 25000n SAR are `250.00`.
 * @throws {@link OtpError} `request_invalid`
 */
export function majorUnits(minor: bigint, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(minorUnits(minor, currency)).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Exclusive upper bound in minor units, larger than the total supply of any currency. */
const LIMIT = 10n ** 19n;

function decimalsOf(currency: unknown): number {
  const known = typeof currency === 'string' && /^[A-Z]{3}$/.test(currency) ? currencyOf(currency) : undefined;
  if (known) return known.digits;
  throw new OtpError('request_invalid', '"currency" must be an uppercase ISO 4217 code, such as "SAR".');
}

function readPayment({ amount, currency, payee }: Pick<Action, 'amount' | 'currency' | 'payee'>) {
  if (amount === undefined || currency === undefined || payee === undefined) {
    throw new OtpError('request_invalid', '"action" of a payment needs "amount", "currency" and "payee".');
  }
  return { minor: minorUnits(amount, currency), currency, payee: requireText('action.payee', payee) };
}

/** Sorts the fields by name, so that their order does not affect the digest. */
function readDetails(details: unknown): string[] {
  requireObject('"action.details"', details);
  const entries = Object.entries(details as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > MAX_DETAILS) {
    throw new OtpError('request_invalid', `"action.details" must hold at most ${MAX_DETAILS} fields.`);
  }
  return entries.flatMap(([name, value]) => [
    requireText('action.details: name', name),
    requireText('action.details: value', value),
  ]);
}

/** Hashes the fields, each preceded by its length, so that two different lists never hash the same bytes. */
function sha256(domain: string, fields: readonly string[]): Buffer {
  return createHash('sha256')
    .update(frame([domain, ...fields]))
    .digest();
}
