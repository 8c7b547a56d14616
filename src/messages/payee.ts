import { asciiDigits } from '../phone/digits.js';

/** The most a payee may take of a message (SEC-58), in UTF-16 code units, which is how an SMS counts. */
const MAX_LENGTH = 30;

/** Direction marks, joiners, soft hyphens, fillers: what nobody sees could part "evil" from ".com" until it is gone. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const QUOTES = /[\u2018\u2019]/g;
const DASHES = /[\p{Pd}\u2212]/gu;
/** All that may stay. No line, markup, placeholder, address or origin line can be written with it. */
const NOT_ALLOWED = /[^\p{L}\p{Mn}\p{Mc}\d .,&'()*-]/gu;
/** A mark without a letter of its own would settle on the text around the payee. */
const ORPHANED_MARKS = /(?<![\p{L}\p{M}\d])\p{M}+/gu;
/** Four digits could be a code, also when something other than a letter spreads them: "12-34", "1 2 (3) 4". */
const CODE_LIKE = /\d(?:[^\p{L}\d]*\d){3,}/gu;
/** What phones make a link of: "evil.com". The dot of "Ltd. " may stay. */
const LINKING_DOTS = /\.(?=\S)/g;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * A payee's name as it may stand inside a message: one line of at most 30 characters, in which nothing can be taken for a
 * code, a link, an origin line or a further sentence of ours (SEC-58).
 *
 * Letters of every script, digits (as ASCII), spaces and `. , & ' ( ) - *` stay; what else there was becomes a space, or
 * nothing where it was invisible. Four digits or more become `*` and the last three: `SA03 8000` is `SA*000`.
 * A name that is clean stays as it is.
 *
 * @param raw as the caller wrote it
 * @returns never empty: `*` where nothing readable is left
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
  const shown = beginningOf(readable).replace(/[ .,]+$/, ''); // the text goes on with a full stop of its own
  return /[\p{L}\d]/u.test(shown) ? shown : '*';
}

/** As many whole characters, as people count them, as there is room for. */
function beginningOf(text: string): string {
  let beginning = '';
  for (const { segment } of graphemes.segment(text)) {
    if (beginning.length + segment.length > MAX_LENGTH) break;
    beginning += segment;
  }
  return beginning;
}
