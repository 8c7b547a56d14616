import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from './digits.js';

// Listed individually, because `\s` would include line breaks and tabs. U+2212 is the minus sign.
const SPACES_AND_DASHES = /[\p{Zs}\p{Pd}\u2212]/gu;

/**
 * Converts a typed code to ASCII digits and keeps leading zeros. Accepts digits of any script, spaces, dashes and direction
 * marks. Rejects JSON numbers, because they lose leading zeros.
 *
 * @param min number of digits of a code
 * @param max maximum number of digits, if a vendor does not document the exact number
 * @throws {@link OtpError} `code_malformed`; the message does not repeat the input
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
