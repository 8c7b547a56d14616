import { IntlMessageFormat } from 'intl-messageformat';

import type { Locale } from './texts.js';

/** What each message brings with it. Everything else in a text is settled at start-up. */
export const SLOTS = ['code', 'amount', 'currency', 'payee'] as const;
export type Slot = (typeof SLOTS)[number];

/**
 * Parses a text once, for templates that differ in what is settled, such as the minutes.
 * @throws Error when the text is no ICU message; the templates throw when it asks for something that nobody brings
 */
export function parseText(text: string, locale: Locale): (settled: Record<string, string | number>) => Template {
  // Codes keep ASCII digits in every language: they must be the digits that the keyboard's one-time-code suggestion finds.
  const format = new IntlMessageFormat(text, `${locale}-u-nu-latn`, undefined, { ignoreTag: true });
  return (settled) => new Template(format.formatToParts<Gap>({ ...GAPS, ...settled }).map(({ value }) => value));
}

/** Words with gaps between them. To fill it is to join strings: what goes into a gap is never read as a text again. */
export class Template {
  readonly #pieces: readonly (string | Gap)[];

  constructor(pieces: readonly (string | Gap)[]) {
    this.#pieces = pieces;
  }

  /** How often a slot stands in it. */
  count(slot: Slot): number {
    return this.#pieces.filter((piece) => piece === GAPS[slot]).length;
  }

  fill(values: Partial<Record<Slot, string>>): string {
    let text = '';
    for (const piece of this.#pieces) text += typeof piece === 'string' ? piece : piece.filledFrom(values);
    return text;
  }
}

/** The place of a slot. ICU hands it through as it is, and whatever would write it in another way meets an error. */
class Gap {
  constructor(private readonly slot: Slot) {}

  filledFrom(values: Partial<Record<Slot, string>>): string {
    const value = values[this.slot];
    if (value === undefined) throw new Error(`The text has a place for "{${this.slot}}", and the message brings none.`);
    return value;
  }

  [Symbol.toPrimitive](): never {
    throw new Error(`"{${this.slot}}" must stand in it as it is, without a format`);
  }
}

const GAPS = Object.fromEntries(SLOTS.map((slot) => [slot, new Gap(slot)])) as Record<Slot, Gap>;
