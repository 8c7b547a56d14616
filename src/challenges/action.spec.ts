import fc from 'fast-check';

import { OtpError } from '../errors/otp.error.js';
import { type Action, majorUnits, minorUnits, readAction, RECORD_BYTES } from './action.js';

const PAYMENT = { id: 'transfer 1', amount: '10.00', currency: 'SAR', payee: 'Sara' } satisfies Action;

const digestOf = (action: unknown): string => readAction(action)!.digest.toString('hex');
const paying = (changes: object): string => digestOf({ ...PAYMENT, ...changes });
const recordOf = (action: unknown): string => digestOf(action).slice(0, 2 * RECORD_BYTES);

function expectRefused(read: () => unknown): void {
  expect(read).toThrow(expect.objectContaining({ name: 'OtpError', code: 'request_invalid' }));
}

describe('minorUnits and majorUnits', () => {
  it.each([
    ['10', 'SAR', 1000n],
    ['10.0', 'SAR', 1000n],
    ['10.00', 'SAR', 1000n],
    ['0010.00', 'SAR', 1000n],
    ['0.01', 'SAR', 1n],
    ['0', 'SAR', 0n],
    ['10', 'JPY', 10n],
    ['1.5', 'KWD', 1500n],
    ['1.505', 'LYD', 1505n],
    ['1.0001', 'CLF', 10_001n],
    ['10', 'CLF', 100_000n],
    [1000n, 'SAR', 1000n],
    [1500n, 'KWD', 1500n],
    ['١٠٫٥', 'SAR', 1050n],
    ['۱۰٫۵۰', 'SAR', 1050n],
    ['１０．５', 'SAR', 1050n],
    ['\u200F10.5\u200F', 'SAR', 1050n],
    ['99999999999999999.99', 'SAR', 10n ** 19n - 1n],
    [10n ** 19n - 1n, 'JPY', 10n ** 19n - 1n],
  ] as const)('SEC-46: %p %s has a single canonical form of %p minor units', (amount, currency, minor) => {
    expect(minorUnits(amount, currency)).toBe(minor);
    expect(paying({ amount, currency })).toBe(paying({ amount: minor, currency }));
  });

  it.each<[what: string, amount: unknown, currency?: string]>([
    ['an exponent', '1e1'],
    ['a sign', '+10'],
    ['a negative zero', '-0'],
    ['a negative amount', '-10'],
    ['a full-width minus', '－10'],
    ['a mathematical minus sign', '\u221210'],
    ['more decimals than the currency has', '10.001'],
    ['decimals in a currency without any', '10.0', 'JPY'],
    ['four decimals in a currency with three', '1.5000', 'KWD'],
    ['a comma', '10,00'],
    ['a thousands separator', '1,000.00'],
    ['an Arabic thousands separator', '١٬٠٠٠'],
    ['a leading space', ' 10'],
    ['a trailing space', '10 '],
    ['an inner space', '1 000'],
    ['a line break', '10\n'],
    ['an empty string', ''],
    ['no whole part', '.5'],
    ['no fraction after the point', '10.'],
    ['two points', '1.0.0'],
    ['hexadecimal digits', '0x10'],
    ['non-decimal digits', '①⓪'],
    ['a currency code', '10 SAR'],
    ['a float', 10.1],
    ['a float with rounding noise', 0.1 + 0.2],
    ['an integer number instead of a bigint', 10],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['the string Infinity', 'Infinity'],
    ['a boolean', true],
    ['null', null],
    ['an array', ['10']],
    ['an object that stringifies to an amount', { toString: () => '10' }],
    ['a negative bigint', -1n],
    ['a bigint above the bound', 10n ** 19n],
    ['a string above the bound', '100000000000000000.00'],
    ['a string of 64 digits', '1'.repeat(64)],
  ])('SEC-46: rejects an invalid amount: %s', (_, amount, currency = 'SAR') => {
    expectRefused(() => minorUnits(amount as string, currency));
    expectRefused(() => readAction({ ...PAYMENT, amount, currency }));
  });

  it.each(['sar', 'Sar', 'SAR ', ' SAR', 'SA', 'SARR', 'ZZZ', '682', '', 'ＳＡＲ', null, undefined, 682, ['SAR'], {}])(
    'SEC-46: rejects an amount in the currency %p',
    (currency) => {
      expectRefused(() => minorUnits('10', currency as string));
      expectRefused(() => majorUnits(1000n, currency as string));
      expectRefused(() => readAction({ ...PAYMENT, currency }));
    },
  );

  it('SEC-46: does not repeat the amount in the error message', () => {
    for (const amount of ['4711e0', '-4711', 4711.5]) {
      const error = catchError(() => minorUnits(amount as string, 'SAR'));
      expect(error.message).toMatch(/^"amount" must be/);
      expect(error.message).not.toContain('4711');
    }
  });

  it('SEC-46: an amount survives formatting and parsing unchanged', () => {
    fc.assert(
      fc.property(minors, currencies, (minor, currency) => {
        expect(minorUnits(majorUnits(minor, currency), currency)).toBe(minor);
      }),
    );
  });

  it.each([
    [25_000n, 'SAR', '250.00'],
    [5n, 'SAR', '0.05'],
    [0n, 'SAR', '0.00'],
    [10n, 'JPY', '10'],
    [1500n, 'KWD', '1.500'],
    [10_001n, 'CLF', '1.0001'],
  ])('formats an amount with all decimals of its currency: %p %s as %s', (minor, currency, major) => {
    expect(majorUnits(minor, currency)).toBe(major);
    expect(readAction({ ...PAYMENT, amount: minor, currency })!.shown).toEqual({
      amount: major,
      currency,
      payee: 'Sara',
    });
  });
});

describe('the digest of an action', () => {
  it('SEC-46: the digest changes with every field, and when text moves from one field to the next', () => {
    const actions: Action[] = [
      PAYMENT,
      { ...PAYMENT, id: 'ab', payee: 'c' },
      { ...PAYMENT, id: 'a', payee: 'bc' },
      { ...PAYMENT, amount: '10.01' },
      { ...PAYMENT, amount: '1' },
      { ...PAYMENT, amount: '1000' },
      { ...PAYMENT, currency: 'USD' },
      { ...PAYMENT, currency: 'JPY', amount: '1000' }, // the same number of minor units
      { ...PAYMENT, payee: 'sara' },
      { ...PAYMENT, payee: 'Sara ' },
      { ...PAYMENT, id: 'transfer 2' },
      { ...PAYMENT, details: { iban: 'SA03' } },
      { ...PAYMENT, details: { iban: 'SA04' } },
      { ...PAYMENT, details: { iba: 'nSA03' } },
      { ...PAYMENT, details: { ibanS: 'A03' } },
      { ...PAYMENT, details: { iban: 'SA03', note: 'x' } },
      { ...PAYMENT, details: { iban: 'SA03', not: 'ex' } },
      { ...PAYMENT, details: { iban: 'x', note: 'SA03' } },
      { id: 'transfer 1' },
      { id: 'transfer 1', details: { amount: '10.00', currency: 'SAR', payee: 'Sara' } },
      { id: 'transfer 1', details: { '1000': 'SAR', Sara: 'x' } },
      { id: 'transfer 1', details: { '3': '1000', SAR: 'Sara' } },
    ];

    expect(new Set(actions.map(digestOf)).size).toBe(actions.length);
  });

  it('SEC-46: the digest ignores the order of details and inherited properties', () => {
    const details = { iban: 'SA03', note: 'rent', a: '1', B: '2', '10': 'x', '9': 'y' };
    const turned = Object.fromEntries(Object.entries(details).toReversed());
    const heir = Object.assign(Object.create({ inherited: 'x' }) as object, details);

    expect(paying({ details: turned })).toBe(paying({ details }));
    expect(paying({ details: heir })).toBe(paying({ details }));
    expect(paying({ details: {} })).toBe(paying({}));
  });

  it('SEC-46: the first bytes identify the record, the others cover its contents', () => {
    expect(recordOf(PAYMENT)).toBe(recordOf({ id: PAYMENT.id }));
    expect(recordOf({ ...PAYMENT, amount: '11', payee: 'Mallory' })).toBe(recordOf(PAYMENT));
    expect(recordOf({ ...PAYMENT, id: 'transfer 2' })).not.toBe(recordOf(PAYMENT));
    expect(readAction(PAYMENT)!.digest).toHaveLength(RECORD_BYTES + 32);
  });

  it('SEC-46: is one for one payment however it is written, and two for two', () => {
    fc.assert(
      fc.property(payments, payments, spellings, (one, other, spelling) => {
        const same = JSON.stringify(printable(one)) === JSON.stringify(printable(other));
        expect(digestOf(one) === digestOf(other)).toBe(same);
        expect(recordOf(one) === recordOf(other)).toBe(one.id === other.id);
        expect(digestOf({ ...one, amount: spelling(one.amount, one.currency) })).toBe(digestOf(one));
      }),
      { numRuns: 300 },
    );
  });

  it('SEC-46: the digest ignores fields that an action does not have', () => {
    expect(paying({ status: 'pending', executions: 0 })).toBe(paying({}));
  });

  it.each<[what: string, action: unknown]>([
    ['null', null],
    ['a string', 'transfer 1'],
    ['an array', [PAYMENT]],
    ['no id', { ...PAYMENT, id: undefined }],
    ['an empty id', { ...PAYMENT, id: '' }],
    ['a numeric id', { ...PAYMENT, id: 1 }],
    ['an id that is too long', { ...PAYMENT, id: 'x'.repeat(257) }],
    ['half a surrogate pair in the id', { ...PAYMENT, id: 'a\uD800' }],
    ['only an amount', { id: 'transfer 1', amount: '10.00' }],
    ['no currency', { ...PAYMENT, currency: undefined }],
    ['no payee', { ...PAYMENT, payee: undefined }],
    ['an empty payee', { ...PAYMENT, payee: '' }],
    ['a payee that is not a string', { ...PAYMENT, payee: { name: 'Sara' } }],
    ['an array as details', { ...PAYMENT, details: ['x'] }],
    ['null as details', { ...PAYMENT, details: null }],
    ['a number in the details', { ...PAYMENT, details: { n: 1 } }],
    ['an empty detail', { ...PAYMENT, details: { n: '' } }],
    ['33 details', { ...PAYMENT, details: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`d${n}`, 'x'])) }],
  ])('SEC-46: rejects an invalid action: %s', (_, action) => {
    expectRefused(() => readAction(action));
  });

  it('returns null if there is no action', () => {
    expect(readAction(undefined)).toBeNull();
  });
});

const minors = fc.bigInt({ min: 0n, max: 10n ** 19n - 1n });
const currencies = fc.constantFrom('JPY', 'SAR', 'USD', 'KWD', 'LYD', 'CLF');
// Few values, so that equal ones occur.
const words = fc.oneof(
  fc.constantFrom('a', 'ab', 'b', 'bc', 'c', 'SAR', '3', '0'),
  fc.string({ minLength: 1, maxLength: 9 }),
);
const clean = words.filter((word) => !word.includes('\0'));
const payments = fc.record({
  id: clean,
  amount: fc.oneof(fc.constantFrom(0n, 1n, 10n, 100n), minors),
  currency: currencies,
  payee: clean,
  details: fc.dictionary(clean, clean, { maxKeys: 3 }),
});

/** Ways to write the same amount. */
const spellings = fc.constantFrom<(minor: bigint, currency: string) => string | bigint>(
  (minor) => minor,
  majorUnits,
  (minor, currency) => `00${majorUnits(minor, currency)}`,
  (minor, currency) => majorUnits(minor, currency).replace(/\.0+$/, ''),
  (minor, currency) => majorUnits(minor, currency).replaceAll(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!),
  (minor, currency) => majorUnits(minor, currency).replace('.', '٫'),
);

function printable({ amount, details, ...rest }: { amount: bigint; details: Record<string, string> }): unknown {
  const sorted = Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [rest, String(amount), sorted];
}

function catchError(work: () => unknown): OtpError {
  try {
    work();
  } catch (error) {
    if (error instanceof OtpError) return error;
  }
  throw new Error('no OtpError was thrown');
}
