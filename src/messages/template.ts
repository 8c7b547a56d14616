import { IntlMessageFormat } from 'intl-messageformat';

import type { Locale } from './texts.js';

/** Placeholders that are filled per message. All others are filled at start-up. */
export const PLACEHOLDERS = ['code', 'amount', 'currency', 'payee'] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

/**
 * Parses a text once and returns a function that makes its templates from the values known at start-up, such as the minutes.
 * @throws Error if the text is not a valid ICU message; the returned function throws if the text has an unknown placeholder
 */
export function parseText(text: string, locale: Locale): (constants: Record<string, string | number>) => Template {
  // ASCII digits in every language, because keyboards find only these for their one-time-code suggestion.
  const format = new IntlMessageFormat(text, `${locale}-u-nu-latn`, undefined, { ignoreTag: true });
  return (constants) => new Template(format.formatToParts<Gap>({ ...GAPS, ...constants }).map(({ value }) => value));
}

/** Fixed text with gaps. Filling it joins strings, so the values are never parsed as text. */
export class Template {
  readonly #pieces: readonly (string | Gap)[];

  constructor(pieces: readonly (string | Gap)[]) {
    this.#pieces = pieces;
  }

  /** Returns how often a placeholder occurs. */
  count(placeholder: Placeholder): number {
    return this.#pieces.filter((piece) => piece === GAPS[placeholder]).length;
  }

  fill(values: Partial<Record<Placeholder, string>>): string {
    let text = '';
    for (const piece of this.#pieces) text += typeof piece === 'string' ? piece : piece.fill(values);
    return text;
  }
}

/** The gap of a placeholder. ICU passes it through unchanged; an attempt to format it throws. */
class Gap {
  constructor(private readonly placeholder: Placeholder) {}

  fill(values: Partial<Record<Placeholder, string>>): string {
    const value = values[this.placeholder];
    if (value === undefined)
      throw new Error(`The text needs "{${this.placeholder}}", but the message has no value for it.`);
    return value;
  }

  [Symbol.toPrimitive](): never {
    throw new Error(`it must contain "{${this.placeholder}}" without a format`);
  }
}

const GAPS = Object.fromEntries(PLACEHOLDERS.map((placeholder) => [placeholder, new Gap(placeholder)])) as Record<
  Placeholder,
  Gap
>;
