import { type OptionNames, refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/**
 * Hard cap on the cost of messages per day. Amounts are decimal strings with at most six decimals, all in one currency, in which
 * a message costs at most 100.
 */
export interface SpendBudget {
  /** The cap per day, such as `250.00`; at most 1000000. */
  readonly amount: string;
  /** Your vendor's billing currency: 1 to 10 uppercase letters, such as `USD`. */
  readonly currency: string;
  /** Price of a message to each of `regions`, such as `{ SA: '0.045' }`. */
  readonly prices: Readonly<Record<string, string>>;
}

const PARTS = { amount: true, currency: true, prices: true } satisfies OptionNames<SpendBudget>;

/** A {@link SpendBudget} in whole millionths, so that sums are exact. */
export interface ResolvedSpendBudget {
  readonly currency: string;
  readonly total: number;
  readonly prices: ReadonlyMap<string, number>;
  readonly dearest: number;
}

const MILLIONTHS = 1_000_000;
const MOST = 1_000_000 * MILLIONTHS;
const MOST_PER_MESSAGE = 100 * MILLIONTHS;

/** @throws {@link OtpConfigError} */
export function resolveSpendBudget(
  budget: SpendBudget | undefined,
  regions: readonly string[],
  strangersShare: number,
): ResolvedSpendBudget | undefined {
  if (budget === undefined) return undefined;
  refuseUnknownOptions(budget, PARTS, 'dailySpendBudget');
  const { amount, currency, prices: listed } = (budget ?? {}) as SpendBudget;
  const total = millionths(amount);
  if (total === undefined || total > MOST) {
    throw new OtpConfigError(
      '"dailySpendBudget.amount" must be a string such as "250.00", above 0 and at most 1000000, with at most six decimals.',
    );
  }
  if (typeof currency !== 'string' || !/^[A-Z]{1,10}$/.test(currency)) {
    throw new OtpConfigError('"dailySpendBudget.currency" must be 1 to 10 uppercase letters, such as "USD".');
  }
  const prices = new Map<string, number>();
  for (const region of regions) {
    const price = millionths(listed?.[region]);
    if (price === undefined || price > MOST_PER_MESSAGE) {
      throw new OtpConfigError(
        `"dailySpendBudget.prices.${region}" must be a string such as "0.045", above 0 and at most 100, with at most six decimals.`,
      );
    }
    prices.set(region, price);
  }
  if (Object.keys(listed).some((region) => !prices.has(region))) {
    throw new OtpConfigError(
      '"dailySpendBudget.prices" contains a region that is not in "regions": add it there, or remove it here.',
    );
  }
  const dearest = Math.max(...prices.values());
  if (dearest > total * strangersShare) {
    throw new OtpConfigError(
      `"dailySpendBudget.amount" does not cover one message, since strangers get at most ${strangersShare * 100} % of it: ` +
        'raise it.',
    );
  }
  return { currency, total, prices, dearest };
}

/** Parses digits, without floating point. @returns undefined for anything but a positive amount */
function millionths(amount: unknown): number | undefined {
  const [, whole, decimals = ''] = (typeof amount === 'string' && /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(amount)) || [];
  if (whole === undefined) return undefined;
  return Number(whole) * MILLIONTHS + Number(decimals.padEnd(6, '0')) || undefined;
}
