import { OtpError } from '../errors/otp.error.js';
import { drawRecoveryCode, readRecoveryCode, recoveryCodeHash } from './recovery-code.js';

const codes = Array.from({ length: 2000 }, drawRecoveryCode);
const [code] = codes as [string];
const signs = code.replaceAll('-', '');

describe('a recovery code', () => {
  it('SEC-52: has 125 bits, each of 32 signs as likely as any other at each of 25 places', () => {
    expect(new Set(codes).size).toBe(codes.length);
    for (let place = 0; place < 25; place++) {
      const seen = new Map<string, number>();
      for (const one of codes) {
        const sign = one.replaceAll('-', '')[place]!;
        seen.set(sign, (seen.get(sign) ?? 0) + 1);
      }
      const expected = codes.length / 32;
      const chiSquare = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(seen.size).toBe(32);
      expect(chiSquare).toBeLessThan(85); // 31 degrees of freedom: past it once in two million places
    }
  });

  it('is five groups of five signs that no eye confuses', () => {
    for (const one of codes) expect(one).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$/);
  });

  it.each([
    ['as it was shown', code],
    ['in small letters', code.toLowerCase()],
    ['without dashes', signs],
    ['with spaces for dashes, and around', ` ${code.replaceAll('-', ' ')} `],
    ['with the dashes of a word processor', code.replaceAll('-', '–')],
    ['with letters for the digits they look like', code.replaceAll('0', 'O').replaceAll('1', 'l')],
    ['with the other letters for them', code.replaceAll('0', 'o').replaceAll('1', 'I')],
    ['in the digits of an Arabic keyboard', code.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!)],
  ])('is read %s', (_, typed) => {
    expect(readRecoveryCode(typed)).toBe(signs);
  });

  it.each([undefined, null, 12, {}, ['x'], '', code.slice(1), `${code}0`, code.replace(/.$/, 'U'), `${signs}\n`])(
    'is not %j',
    (typed) => {
      expect(() => readRecoveryCode(typed)).toThrow(
        new OtpError('code_malformed', 'A recovery code has 25 letters and digits.'),
      );
    },
  );

  it('SEC-52: is stored bound to its account, however it was typed', () => {
    const stored = recoveryCodeHash('account-1', code);

    expect(recoveryCodeHash('account-1', signs.toLowerCase())).toEqual(stored);
    expect(recoveryCodeHash('account-2', code)).not.toEqual(stored);
    expect(stored).toHaveLength(32);
  });
});
