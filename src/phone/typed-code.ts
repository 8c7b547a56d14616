import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from './digits.js';

// Named one by one, since `\s` would take line breaks and tabs too: U+2212 is the minus sign.
const SPACES_AND_DASHES = /[\p{Zs}\p{Pd}\u2212]/gu;

/**
 * Reads a typed code as the ASCII digits that were sent, leading zeros kept. Digits of any script, spaces, dashes and
 * direction marks are accepted; a JSON number never is, because it has lost its zeros.
 *
 * @param min the digits a code has
 * @param max the most it may have, where a vendor does not say how many it makes
 * @throws {OtpError} `code_malformed`; the message does not repeat the input
 */
export function readTypedCode(input: unknown, min: number, max = min): string {
  const code = normalizeTyped(input)?.replace(SPACES_AND_DASHES, '');
  if (!code || code.length < min || code.length > max || !/^[0-9]+$/.test(code))
    throw new OtpError(
      'code_malformed',
      `The code must be a string of ${min === max ? min : `${min} to ${max}`} digits.`,
    );
  return code;
}
