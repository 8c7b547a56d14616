import { asciiDigits } from '../phone/digits.js';

/** Maximum length of a payee in a message (SEC-58), in UTF-16 code units, as SMS counts. */
const MAX_LENGTH = 30;

/** Direction marks, joiners, soft hyphens, fillers. Removed first, because they could hide a link such as "evil.com" from the other rules. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const QUOTES = /[\u2018\u2019]/g;
const DASHES = /[\p{Pd}\u2212]/gu;
/** Everything but the allowed characters, which cannot form a line, markup, a placeholder, an address or an origin line. */
const NOT_ALLOWED = /[^\p{L}\p{Mn}\p{Mc}\d .,&'()*-]/gu;
/** A combining mark without a base letter would combine with the text before the payee. */
const ORPHANED_MARKS = /(?<![\p{L}\p{M}\d])\p{M}+/gu;
/** Four digits can look like a code, even with characters other than letters between them: "12-34", "1 2 (3) 4". */
const CODE_LIKE = /\d(?:[^\p{L}\d]*\d){3,}/gu;
/** Dots that make phones show a link: "evil.com". The dot of "Ltd. " is kept. */
const LINKING_DOTS = /\.(?=\S)/g;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Sanitizes a payee name for a message: one line of at most 30 characters, in which nothing can be mistaken for a code, a link,
 * an origin line or another sentence of the message (SEC-58).
 *
 * Keeps letters of every script, digits (as ASCII), spaces and `. , & ' ( ) - *`. Invisible characters are removed; all others
 * become a space. Four or more digits become `*` and the last three: `SA03 8000` is `SA*000`. A sanitized name does not change
 * if it is sanitized again.
 *
 * @param raw the name as supplied
 * @returns never empty: `*` if nothing readable is left
 */
export function cleanPayee(raw: string): string {
  const readable = asciiDigits(raw.replace(INVISIBLE, '').normalize('NFKC'))
    .replace(QUOTES, "'")
    .replace(DASHES, '-')
    .replace(NOT_ALLOWED, ' ')
    .replace(ORPHANED_MARKS, '')
    .replace(CODE_LIKE, (run) => `*${run.replace(/\D/g, '').slice(-3)}`)
    .replace(LINKING_DOTS, ' ')
    .replace(/ +/g, ' ')
    .trim();
  const shown = beginningOf(readable).replace(/[ .,]+$/, ''); // the text of the message adds its own full stop
  return /[\p{L}\d]/u.test(shown) ? shown : '*';
}

/** Cuts a text to the maximum length without splitting a grapheme. */
function beginningOf(text: string): string {
  let beginning = '';
  for (const { segment } of graphemes.segment(text)) {
    if (beginning.length + segment.length > MAX_LENGTH) break;
    beginning += segment;
  }
  return beginning;
}
