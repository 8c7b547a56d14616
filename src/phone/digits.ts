/** The longest text that is looked at, in UTF-16 code units. Nobody types more for a phone number or a code. */
export const MAX_TYPED_LENGTH = 64;

// Keyboards and messengers add these without the person seeing them: direction marks, zero-width signs, soft hyphens.
const INVISIBLE = /[\p{Bidi_Control}\u00AD\u200B-\u200D\u2060\uFEFF]/gu;

/**
 * What a person typed, in the characters it means: every decimal digit of any script becomes ASCII, full-width signs
 * become plain ones (NFKC, UAX #15), invisible marks go. Everything else stays, for the caller to refuse.
 *
 * Circled, superscript and roman numerals are numbers but not decimal digits. NFKC alone would turn them into digits,
 * so it never sees them.
 *
 * @returns `undefined` for anything but a string of at most {@link MAX_TYPED_LENGTH}
 */
export function normalizeTyped(input: unknown): string | undefined {
  if (typeof input !== 'string' || input.length > MAX_TYPED_LENGTH) return undefined;
  return asciiDigits(input.replace(INVISIBLE, '')).replace(/\P{N}+/gu, (text) => text.normalize('NFKC'));
}

/** The text with every decimal digit of any script in ASCII. */
export function asciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, decimalValue); // most people type ASCII, which need not be looked up
}

/** Unicode encodes decimal digits in unbroken runs from 0 to 9, some of them back to back: count from the run's start. */
function decimalValue(digit: string): string {
  const point = digit.codePointAt(0)!;
  let start = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
  return String((point - start) % 10);
}
