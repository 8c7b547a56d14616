import { OtpConfigError } from '../errors/otp.error.js';
import { resolveSpendBudget, type SpendBudget } from './spend.js';

const budget: SpendBudget = { amount: '250.00', currency: 'USD', prices: { SA: '0.045', NG: '0.110001' } };
const resolve = (more: object) => resolveSpendBudget({ ...budget, ...more }, ['SA', 'NG'], 0.8);

describe('a budget in money', () => {
  it('SEC-26 is whole millionths', () => {
    expect(resolve({})).toMatchObject({ currency: 'USD', total: 250_000_000, dearest: 110_001 });
    expect(resolve({})!.prices).toEqual(new Map([['SA', 45_000], ['NG', 110_001]])); // prettier-ignore
    expect(resolveSpendBudget(undefined, ['SA'], 0.8)).toBeUndefined();
  });

  it.each([250, '0', '0.00', '-1', '1e3', '1.1234567', '1000000.01', ' 1', '1,50', '', undefined])(
    'SEC-26 refuses the amount %j',
    (amount) => {
      expect(() => resolve({ amount })).toThrow(
        new OtpConfigError(
          '"dailySpendBudget.amount" must be a text such as "250.00", above 0 and at most a million, with at most six decimals.',
        ),
      );
    },
  );

  it.each([0.045, '0', '100.01', 'free', undefined])('SEC-26 refuses the price %j', (NG) => {
    expect(() => resolve({ prices: { SA: '0.045', NG } })).toThrow(
      new OtpConfigError(
        '"dailySpendBudget.prices.NG" must be a text such as "0.045", above 0 and at most 100, with at most six decimals.',
      ),
    );
  });

  it.each<[string, object, string]>([
    [
      'a currency that is none',
      { currency: 'usd' },
      '"dailySpendBudget.currency" must be 1 to 10 capitals, such as "USD".',
    ],
    [
      'a price for a region that is not served',
      { prices: { ...budget.prices, GB: '0.04' } },
      '"dailySpendBudget.prices" holds a region that is not in "regions".',
    ],
    [
      'less than one message of a stranger',
      { amount: '0.13' },
      '"dailySpendBudget.amount" does not pay for one message: strangers get at most 80 % of it.',
    ],
  ])('SEC-26 refuses %s', (_, more, message) => {
    expect(() => resolve(more)).toThrow(new OtpConfigError(message));
  });
});
