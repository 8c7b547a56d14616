import { parsePhoneNumberFromString, type CountryCode, type PhoneNumberType } from 'libphonenumber-js/max';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from './digits.js';

/** ISO 3166-1 alpha-2 code of a numbering region, such as `SA`. Several regions may share one calling code. */
export type Region = CountryCode;

/** A phone number in its one canonical form. Keys, limits, indexes and logs use `e164`, never what was typed. */
export interface PhoneNumber {
  /** ITU-T E.164: `+`, calling code, national number; at most 15 digits. */
  readonly e164: string;
  readonly region: Region;
}

/** A valid number before any policy: satellite and other international services have no region. */
export interface ParsedPhone {
  readonly e164: string;
  readonly region?: Region;
  readonly lineType?: PhoneNumberType;
}

// Spaces, dashes, minus sign. `\s` would take line breaks and tabs too.
const SEPARATORS = /[\p{Zs}\p{Pd}\u2212()./]/gu;
const E164 = /^\+[0-9]{1,15}$/;

/**
 * Reads a text that is one phone number from end to end. Digits of any script, spaces, brackets, dashes, dots,
 * slashes, direction marks, a trunk zero (also after the calling code, `+966 (0) 51…`) and an international prefix are
 * accepted. Nothing is searched for inside a text: letters, extensions, URIs and line breaks are refused.
 *
 * @param defaultRegion whose numbers may be written without a calling code
 * @throws {OtpError} `phone_invalid`; the message does not repeat the input
 */
export function parsePhone(input: unknown, defaultRegion: Region): ParsedPhone {
  const text = normalizeTyped(input)?.replace(SEPARATORS, '');
  // The parser itself would also accept extensions, URIs and brackets: it is shown digits only.
  if (text && /^\+?[0-9]+$/.test(text)) {
    const [phone, another] = validReadings(text, defaultRegion);
    if (phone && !another) return phone;
  }
  throw new OtpError('phone_invalid', 'The phone number must be a string that holds one valid phone number.');
}

/**
 * Travellers write `00` whatever the region dials: Nigeria dials 009, the United States 011, Hong Kong 001. So `00` is
 * read as the region does and as `+`, and refused where both are real numbers: a code must not go to a guess.
 */
function validReadings(text: string, defaultRegion: Region): ParsedPhone[] {
  const readings = new Map<string, ParsedPhone>();
  for (const reading of new Set([text, text.replace(/^00/, '+')])) {
    const phone = parsePhoneNumberFromString(reading, { defaultCountry: defaultRegion, extract: false });
    if (phone?.isValid() && E164.test(phone.number))
      readings.set(phone.number, { e164: phone.number, region: phone.country, lineType: phone.getType() });
  }
  return [...readings.values()];
}
