/** Maximum length of typed input, in UTF-16 code units. No phone number or code is longer. */
export const MAX_TYPED_LENGTH = 64;

// Keyboards and messengers add these invisibly: direction marks, zero-width characters, soft hyphens.
const INVISIBLE = /[\p{Bidi_Control}\u00AD\u200B-\u200D\u2060\uFEFF]/gu;

/**
 * Normalizes typed input: converts decimal digits of any script and full-width characters to ASCII (NFKC, UAX #15), and removes
 * invisible marks. Everything else is kept, so that the caller can reject it.
 *
 * Circled, superscript and roman numerals are numbers but not decimal digits. NFKC would turn them into digits, so it is not
 * applied to numbers.
 *
 * @returns `undefined` for anything but a string of at most {@link MAX_TYPED_LENGTH}
 */
export function normalizeTyped(input: unknown): string | undefined {
  if (typeof input !== 'string' || input.length > MAX_TYPED_LENGTH) return undefined;
  return asciiDigits(input.replace(INVISIBLE, '')).replace(/\P{N}+/gu, (text) => text.normalize('NFKC'));
}

/** Converts the decimal digits of any script to ASCII. */
export function asciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, decimalValue); // skips ASCII digits, the common case
}

/** Unicode encodes decimal digits in contiguous runs from 0 to 9, some of them adjacent, so this counts from the start of the run. */
function decimalValue(digit: string): string {
  const point = digit.codePointAt(0)!;
  let start = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
  return String((point - start) % 10);
}
