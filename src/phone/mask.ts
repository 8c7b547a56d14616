import { getCountries, getCountryCallingCode } from 'libphonenumber-js/max';

const VISIBLE_DIGITS = 2;
const LINE_DIGITS = 4;
/** One to three digits each; no calling code is a prefix of another (ITU-T E.164). */
const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((region) => getCountryCallingCode(region)));

/**
 * Masks a number for display: `+966*******78`. The result is ASCII and keeps the length, the calling code and the last two
 * digits, so a user with several numbers can recognise it. An unknown calling code is masked too. In right-to-left text, wrap it
 * in `<bdi dir="ltr">` or in U+2066 and U+2069; otherwise the plus sign appears at the end.
 *
 * @param e164 canonical E.164
 */
export function maskPhone(e164: string): string {
  const callingCode =
    [1, 2, 3].map((digits) => e164.slice(1, 1 + digits)).find((code) => CALLING_CODES.has(code)) ?? '';
  const hidden = Math.max(0, e164.length - 1 - callingCode.length - VISIBLE_DIGITS);
  return `+${callingCode}${'*'.repeat(hidden)}${e164.slice(-VISIBLE_DIGITS)}`;
}

/**
 * Returns the prefix of a number: all but its last four digits. SMS pumping uses neighbouring numbers, so messages are also
 * counted by prefix.
 *
 * @param e164 canonical E.164
 */
export function prefixOf(e164: string): string {
  return e164.slice(0, -LINE_DIGITS);
}

/** Returns the prefix in display form: `+96651234****`. */
export function maskPrefix(e164: string): string {
  return `${prefixOf(e164)}${'*'.repeat(LINE_DIGITS)}`;
}
