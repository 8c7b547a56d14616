// What people type and paste, in the characters it means. The server reads it in the same way; this is for what is shown.

/** Every decimal digit of any script in ASCII. */
export function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0)!;
    let zero = point;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--; // digits stand in runs of ten
    return String((point - zero) % 10);
  });
}

const BETWEEN_DIGITS = /(?<=\d)[\p{Zs}\p{Pd}\p{Bidi_Control}\u00AD\u200B-\u200D\u2060\u2212\uFEFF]+(?=\d)/gu;

/** The code in what was typed or pasted, be it a whole message; or else its digits. */
export function codeIn(text: string): string {
  const plain = asciiDigits(text).replace(BETWEEN_DIGITS, '');
  const [code] = /(?<!\d)\d{4,8}(?!\d)/.exec(plain) ?? [plain.replace(/\D/g, '').slice(0, 8)];
  return code;
}

/** Whether somebody who typed this number means that one (E.164), which they are shown masked. */
export function samePhone(typed: string, e164: string): boolean {
  const digits = asciiDigits(typed).replace(/\D/g, '');
  return digits.length >= 8 && e164.slice(-8) === digits.slice(-8);
}

/** The wire names phones in full; on the page, long numbers keep their last two digits. */
export function maskNumbers(text: string): string {
  return text.replace(/\d{9,}/g, (digits) => '*'.repeat(digits.length - 2) + digits.slice(-2));
}
