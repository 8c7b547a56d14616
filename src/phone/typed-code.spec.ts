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
  ])('SEC-54 reads %j as 012345', (typed) => {
    expect(readTypedCode(typed, 6)).toBe('012345');
  });

  it.each([
    ['circled', '①②③④⑤⑥'],
    ['superscript', '⁰¹²³⁴⁵'],
    ['subscript', '₀₁₂₃₄₅'],
    ['roman', 'ⅠⅡⅢⅣⅤⅥ'],
    ['one circled among five', '01234⑤'],
    ['with a sign', '+12345'],
    ['with a sign before six', '+012345'],
    ['a fraction', '1.2345'],
    ['hexadecimal', '0x1E24'],
    ['an exponent', '1e2345'],
    ['a letter O', 'O12345'],
    ['one too few', '01234'],
    ['one too many', '0123456'],
    ['empty', ''],
    ['spaces alone', '      '],
    ['a trailing newline', '012345\n'],
    ['a leading newline', '\n012345'],
    ['a newline for the last digit', '01234\n'],
    ['a tab', '012\t345'],
    ['a line separator', '012345\u2028'],
    ['a NUL', '012345\0'],
    ['a keycap emoji', '0️⃣12345'],
    ['a combining mark', '012345\u0301'],
    ['a lone surrogate', '012345\uD800'],
  ])('SEC-54 refuses a code that is %s', (_what, typed) => {
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
  ])('SEC-02 refuses what is not a string (case %#)', (input: unknown) => {
    expect(() => readTypedCode(input, 6)).toThrow(malformed);
  });

  it('SEC-02 keeps every leading zero', () => {
    expect(readTypedCode('0000', 4)).toBe('0000');
  });

  it('refuses a long text before working on it', () => {
    expect(() => readTypedCode(`012345${' '.repeat(59)}`, 6)).toThrow(malformed);
  });

  it('never repeats what was typed', () => {
    expect(() => readTypedCode('98765432', 6)).toThrow(
      new OtpError('code_malformed', 'The code must be a string of 6 digits.'),
    );
  });

  it('answers anything at all with exactly the digits asked for, or with code_malformed', () => {
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
