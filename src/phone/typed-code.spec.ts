import fc from 'fast-check';
import { OtpError } from '../errors/otp.error.js';
import { readTypedCode } from './typed-code.js';

const malformed = expect.objectContaining({ name: 'OtpError', code: 'code_malformed' });

describe('readTypedCode', () => {
  it.each([
    '012345',
    '٠١٢٣٤٥',
    '۰۱۲۳۴۵',
    '０１２３４５',
    ' 012-345 ',
    '012 345',
    '012\u00A0345',
    '012–345',
    '012−345',
    '\u200F٠١٢\u200B٣٤٥\u200E',
    '٠۱２345',
  ])('SEC-54 parses %j as 012345', (typed) => {
    expect(readTypedCode(typed, 6)).toBe('012345');
  });

  it.each([
    ['circled digits', '①②③④⑤⑥'],
    ['superscript digits', '⁰¹²³⁴⁵'],
    ['subscript digits', '₀₁₂₃₄₅'],
    ['roman numerals', 'ⅠⅡⅢⅣⅤⅥ'],
    ['one circled digit', '01234⑤'],
    ['a sign and five digits', '+12345'],
    ['a sign and six digits', '+012345'],
    ['a fraction', '1.2345'],
    ['a hexadecimal number', '0x1E24'],
    ['an exponent', '1e2345'],
    ['a letter O', 'O12345'],
    ['one digit too few', '01234'],
    ['one digit too many', '0123456'],
    ['an empty string', ''],
    ['only spaces', '      '],
    ['a trailing newline', '012345\n'],
    ['a leading newline', '\n012345'],
    ['a newline in place of the last digit', '01234\n'],
    ['a tab', '012\t345'],
    ['a line separator', '012345\u2028'],
    ['a NUL', '012345\0'],
    ['a keycap emoji', '0️⃣12345'],
    ['a combining mark', '012345\u0301'],
    ['a lone surrogate', '012345\uD800'],
  ])('SEC-54 rejects %s', (_what, typed) => {
    expect(() => readTypedCode(typed, 6)).toThrow(malformed);
  });

  it.each([
    [12345],
    [123456],
    [123456n],
    [null],
    [undefined],
    [true],
    [['012345']],
    [{ $ne: null }],
    [new String('012345')],
  ])('SEC-02 rejects input that is not a string (case %#)', (input: unknown) => {
    expect(() => readTypedCode(input, 6)).toThrow(malformed);
  });

  it('SEC-02 keeps leading zeros', () => {
    expect(readTypedCode('0000', 4)).toBe('0000');
  });

  it('rejects input of more than 64 characters', () => {
    expect(() => readTypedCode(`012345${' '.repeat(59)}`, 6)).toThrow(malformed);
  });

  it('never repeats the input in the error message', () => {
    expect(() => readTypedCode('98765432', 6)).toThrow(
      new OtpError('code_malformed', 'The code must be a string of 6 digits.'),
    );
  });

  it('returns exactly the expected number of digits or throws code_malformed for any input', () => {
    const typed = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('0123٠۹４①²Ⅳ -–+.\n\u200F')), maxLength: 9 }),
    );

    fc.assert(
      fc.property(typed, fc.integer({ min: 4, max: 10 }), (input, length) => {
        try {
          expect(readTypedCode(input, length)).toMatch(new RegExp(`^[0-9]{${length}}$`));
        } catch (error) {
          expect(error).toEqual(malformed);
        }
      }),
      { numRuns: 500 },
    );
  });
});
