// Converts typed and pasted text into the characters it means. The server reads it the same way; this is for display.

/** Converts decimal digits of any script to ASCII. */
export function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0)!;
    let zero = point;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--; // digits come in runs of ten
    return String((point - zero) % 10);
  });
}

const BETWEEN_DIGITS = /(?<=\d)[\p{Zs}\p{Pd}\p{Bidi_Control}\u00AD\u200B-\u200D\u2060\u2212\uFEFF]+(?=\d)/gu;

/** Returns the code in typed or pasted text, even if it is a whole message; otherwise its digits. */
export function codeIn(text: string): string {
  const plain = asciiDigits(text).replace(BETWEEN_DIGITS, '');
  const [code] = /(?<!\d)\d{4,8}(?!\d)/.exec(plain) ?? [plain.replace(/\D/g, '').slice(0, 8)];
  return code;
}

/** Tells whether a typed number means this one (E.164), which the page shows masked. */
export function samePhone(typed: string, e164: string): boolean {
  const digits = asciiDigits(typed).replace(/\D/g, '');
  return digits.length >= 8 && e164.slice(-8) === digits.slice(-8);
}

/** The traffic contains full phone numbers; on the page, long numbers keep their last two digits. */
export function maskNumbers(text: string): string {
  return text.replace(/\d{9,}/g, (digits) => '*'.repeat(digits.length - 2) + digits.slice(-2));
}
