import { getCountries, getCountryCallingCode } from 'libphonenumber-js/max';

const VISIBLE_DIGITS = 2;
const LINE_DIGITS = 4;
/** One to three digits each, and none is the beginning of another (ITU-T E.164). */
const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((region) => getCountryCallingCode(region)));

/**
 * A number as its owner may see it: `+966*******78`. ASCII only; the calling code and the last two digits stay, and the
 * length, so that a person with several numbers knows which is meant. Where the calling code is unknown, stars stand
 * for it too. In a sentence from right to left put it into `<bdi dir="ltr">`, or between U+2066 and U+2069: its plus would
 * be drawn at its end.
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
 * The block of numbers that a number belongs to: all but its last four digits. Fraudsters who are paid per message
 * use neighbouring numbers, so sends are also counted by this key.
 *
 * @param e164 canonical E.164
 */
export function prefixOf(e164: string): string {
  return e164.slice(0, -LINE_DIGITS);
}

/** The same as people may read it: `+96651234****`. */
export function maskPrefix(e164: string): string {
  return `${prefixOf(e164)}${'*'.repeat(LINE_DIGITS)}`;
}
