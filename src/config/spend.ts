import { type OptionNames, refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/**
 * The most a day may cost, in money. Amounts are decimal texts with at most six decimals, all in one currency, in which a
 * message costs at most 100.
 */
export interface SpendBudget {
  /** Such as `250.00`; at most a million. */
  readonly amount: string;
  /** As your vendor bills it: 1 to 10 capitals, such as `USD`. */
  readonly currency: string;
  /** What a message to each of `regions` costs, such as `{ SA: '0.045' }`. */
  readonly prices: Readonly<Record<string, string>>;
}

const PARTS = { amount: true, currency: true, prices: true } satisfies OptionNames<SpendBudget>;

/** The same in whole millionths, so that sums are exact. */
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
      '"dailySpendBudget.amount" must be a text such as "250.00", above 0 and at most a million, with at most six decimals.',
    );
  }
  if (typeof currency !== 'string' || !/^[A-Z]{1,10}$/.test(currency)) {
    throw new OtpConfigError('"dailySpendBudget.currency" must be 1 to 10 capitals, such as "USD".');
  }
  const prices = new Map<string, number>();
  for (const region of regions) {
    const price = millionths(listed?.[region]);
    if (price === undefined || price > MOST_PER_MESSAGE) {
      throw new OtpConfigError(
        `"dailySpendBudget.prices.${region}" must be a text such as "0.045", above 0 and at most 100, with at most six decimals.`,
      );
    }
    prices.set(region, price);
  }
  if (Object.keys(listed).some((region) => !prices.has(region))) {
    throw new OtpConfigError('"dailySpendBudget.prices" holds a region that is not in "regions".');
  }
  const dearest = Math.max(...prices.values());
  if (dearest > total * strangersShare) {
    throw new OtpConfigError(
      `"dailySpendBudget.amount" does not pay for one message: strangers get at most ${strangersShare * 100} % of it.`,
    );
  }
  return { currency, total, prices, dearest };
}

/** By digits, never by floating point. Undefined for anything but a positive amount. */
function millionths(amount: unknown): number | undefined {
  const [, whole, decimals = ''] = (typeof amount === 'string' && /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(amount)) || [];
  if (whole === undefined) return undefined;
  return Number(whole) * MILLIONTHS + Number(decimals.padEnd(6, '0')) || undefined;
}
