import { OtpConfigError } from '../errors/otp.error.js';
import { resolveSpendBudget, type SpendBudget } from './spend.js';

const budget: SpendBudget = { amount: '250.00', currency: 'USD', prices: { SA: '0.045', NG: '0.110001' } };
const resolve = (more: object) => resolveSpendBudget({ ...budget, ...more }, ['SA', 'NG'], 0.8);

describe('the option dailySpendBudget', () => {
  it('SEC-26 converts amounts to whole millionths', () => {
    expect(resolve({})).toMatchObject({ currency: 'USD', total: 250_000_000, dearest: 110_001 });
    expect(resolve({})!.prices).toEqual(new Map([['SA', 45_000], ['NG', 110_001]])); // prettier-ignore
    expect(resolveSpendBudget(undefined, ['SA'], 0.8)).toBeUndefined();
  });

  it.each([250, '0', '0.00', '-1', '1e3', '1.1234567', '1000000.01', ' 1', '1,50', '', undefined])(
    'SEC-26 rejects the amount %j',
    (amount) => {
      expect(() => resolve({ amount })).toThrow(
        new OtpConfigError(
          '"dailySpendBudget.amount" must be a string such as "250.00", above 0 and at most 1000000, with at most six decimals.',
        ),
      );
    },
  );

  it.each([0.045, '0', '100.01', 'free', undefined])('SEC-26 rejects the price %j', (NG) => {
    expect(() => resolve({ prices: { SA: '0.045', NG } })).toThrow(
      new OtpConfigError(
        '"dailySpendBudget.prices.NG" must be a string such as "0.045", above 0 and at most 100, with at most six decimals.',
      ),
    );
  });

  it.each<[string, object, string]>([
    [
      'a lowercase currency',
      { currency: 'usd' },
      '"dailySpendBudget.currency" must be 1 to 10 uppercase letters, such as "USD".',
    ],
    [
      'a price for a region that is not served',
      { prices: { ...budget.prices, GB: '0.04' } },
      '"dailySpendBudget.prices" contains a region that is not in "regions": add it there, or remove it here.',
    ],
    [
      'an amount below the price of one message to a stranger',
      { amount: '0.13' },
      '"dailySpendBudget.amount" does not cover one message, since strangers get at most 80 % of it: raise it.',
    ],
  ])('SEC-26 rejects %s', (_, more, message) => {
    expect(() => resolve(more)).toThrow(new OtpConfigError(message));
  });
});
