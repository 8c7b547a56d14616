import { parsePhoneNumberFromString, type CountryCode, type PhoneNumberType } from 'libphonenumber-js/max';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from './digits.js';

/** ISO 3166-1 alpha-2 code of a numbering region, such as `SA`. Several regions may share one calling code. */
export type Region = CountryCode;

/** A phone number in canonical form. Keys, limits, indexes and logs use `e164`, never the typed text. */
export interface PhoneNumber {
  /** ITU-T E.164: `+`, calling code, national number; at most 15 digits. */
  readonly e164: string;
  readonly region: Region;
}

/** A valid number before the policy is applied. Satellite and other international services have no region. */
export interface ParsedPhone {
  readonly e164: string;
  readonly region?: Region;
  readonly lineType?: PhoneNumberType;
}

// Listed individually, because `\s` would include line breaks and tabs. U+2212 is the minus sign.
const SEPARATORS = /[\p{Zs}\p{Pd}\u2212()./]/gu;
const E164 = /^\+[0-9]{1,15}$/;

/**
 * Parses input that consists of exactly one phone number. Accepts digits of any script, spaces, brackets, dashes, dots,
 * slashes, direction marks, a trunk zero (also after the calling code, `+966 (0) 51…`) and an international prefix. It does not
 * search for a number inside a text: letters, extensions, URIs and line breaks are rejected.
 *
 * @param defaultRegion region of numbers typed without a calling code
 * @throws {@link OtpError} `phone_invalid`; the message does not repeat the input
 */
export function parsePhone(input: unknown, defaultRegion: Region): ParsedPhone {
  const text = normalizeTyped(input)?.replace(SEPARATORS, '');
  // The parser also accepts extensions, URIs and brackets, so it receives digits only.
  if (text && /^\+?[0-9]+$/.test(text)) {
    const [phone, another] = validReadings(text, defaultRegion);
    if (phone && !another) return phone;
  }
  throw new OtpError('phone_invalid', 'The phone number must be a string with exactly one valid phone number.');
}

/**
 * Travellers type `00` regardless of the region's international prefix, which is 009 in Nigeria, 011 in the United States and 001
 * in Hong Kong. So `00` is parsed both by the region's rules and as `+`. If both are valid numbers, the input is rejected: a code
 * must not be sent to a guessed number.
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
