import { OtpError } from '../errors/otp.error.js';
import { drawRecoveryCode, readRecoveryCode, recoveryCodeHash } from './recovery-code.js';

const codes = Array.from({ length: 2000 }, drawRecoveryCode);
const [code] = codes as [string];
const characters = code.replaceAll('-', '');

describe('a recovery code', () => {
  it('SEC-52: a recovery code has 125 bits: 25 positions with 32 equally likely characters', () => {
    expect(new Set(codes).size).toBe(codes.length);
    for (let position = 0; position < 25; position++) {
      const seen = new Map<string, number>();
      for (const one of codes) {
        const character = one.replaceAll('-', '')[position]!;
        seen.set(character, (seen.get(character) ?? 0) + 1);
      }
      const expected = codes.length / 32;
      const chiSquare = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(seen.size).toBe(32);
      expect(chiSquare).toBeLessThan(85); // 31 degrees of freedom: chance exceeds this once in two million positions
    }
  });

  it('a recovery code has five groups of five unambiguous characters', () => {
    for (const one of codes) expect(one).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$/);
  });

  it.each([
    ['as displayed', code],
    ['in lowercase', code.toLowerCase()],
    ['without dashes', characters],
    ['with spaces instead of dashes, and around it', ` ${code.replaceAll('-', ' ')} `],
    ['with the dashes of a word processor', code.replaceAll('-', '–')],
    ['with O and l instead of 0 and 1', code.replaceAll('0', 'O').replaceAll('1', 'l')],
    ['with o and I instead of 0 and 1', code.replaceAll('0', 'o').replaceAll('1', 'I')],
    ['with Arabic-Indic digits', code.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!)],
  ])('readRecoveryCode accepts a code typed %s', (_, typed) => {
    expect(readRecoveryCode(typed)).toBe(characters);
  });

  it.each([undefined, null, 12, {}, ['x'], '', code.slice(1), `${code}0`, code.replace(/.$/, 'U'), `${characters}\n`])(
    'readRecoveryCode rejects %j',
    (typed) => {
      expect(() => readRecoveryCode(typed)).toThrow(
        new OtpError('code_malformed', 'A recovery code has 25 letters and digits.'),
      );
    },
  );

  it('SEC-52: the stored hash is bound to the account and does not depend on how the code was typed', () => {
    const stored = recoveryCodeHash('account-1', code);

    expect(recoveryCodeHash('account-1', characters.toLowerCase())).toEqual(stored);
    expect(recoveryCodeHash('account-2', code)).not.toEqual(stored);
    expect(stored).toHaveLength(32);
  });
});
