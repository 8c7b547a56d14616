import { IntlMessageFormat } from 'intl-messageformat';

import { OtpConfigError } from '../otp.error.js';
import { BUILT_IN_TEXTS, LOCALES, type Locale, type Texts } from './texts.js';

export interface MessageContent {
  purpose: string;
  locale: Locale;
  code: string;
  ttlSeconds: number;
}

interface RendererSettings {
  appName: string;
  defaultLocale: Locale;
  origin?: string | undefined;
  texts?: Texts;
}

/** Writes the text of a message: the sentence of its purpose and, with an `origin`, the line that binds the code to it. */
export class MessageRenderer {
  /** What stands before and after the code, by purpose, locale and minutes. */
  readonly #sentences = new Map<string, readonly [string, string]>();

  /** @throws {@link OtpConfigError} when a text of the host cannot be used, naming its purpose and locale. */
  constructor(private readonly settings: RendererSettings) {
    if (!isLocale(settings.defaultLocale)) {
      throw new OtpConfigError(`"defaultLocale" must be one of ${LOCALES.join(', ')}.`);
    }
    for (const texts of [BUILT_IN_TEXTS, settings.texts ?? {}]) {
      for (const [purpose, byLocale] of Object.entries(texts)) {
        for (const [locale, text] of Object.entries(byLocale ?? {})) this.#add(purpose, locale, text);
      }
    }
  }

  /** The language to write in: the nearest one to what was asked for (`ar-SA` is `ar`), else the default. */
  localeFor(asked: string | undefined): Locale {
    const language = asked?.split('-', 1)[0]?.toLowerCase();
    return isLocale(language) ? language : this.settings.defaultLocale;
  }

  render({ purpose, locale, code, ttlSeconds }: MessageContent): string {
    const { origin } = this.settings;
    const minutes = Math.floor(ttlSeconds / 60);
    const [before, after] =
      this.#sentences.get(`${purpose} ${locale} ${minutes}`) ?? this.#sentences.get(`default ${locale} ${minutes}`)!;
    const sentence = `${before}${code}${after}`;
    // WICG origin-bound one-time codes: the last line, one space before the "#".
    return origin === undefined ? sentence : `${sentence}\n\n@${origin} #${code}`;
  }

  #add(purpose: string, locale: string, text: string): void {
    const where = `"texts.${purpose}.${locale}"`;
    if (!isLocale(locale)) throw new OtpConfigError(`${where}: locales are ${LOCALES.join(', ')}.`);
    try {
      // Codes keep ASCII digits in every language: they must be the digits that the keyboard's one-time-code suggestion finds.
      const format = new IntlMessageFormat(text, `${locale}-u-nu-latn`, undefined, { ignoreTag: true });
      for (const minutes of EVERY_LIFETIME) {
        const sentence = String(format.format({ code: '\u0000', app: this.settings.appName, minutes }));
        const [before = '', after, another] = sentence.split('\u0000');
        if (after === undefined || another !== undefined) throw new Error('"{code}" must stand in it exactly once');
        this.#sentences.set(`${purpose} ${locale} ${minutes}`, [before, after]);
      }
    } catch (error) {
      throw new OtpConfigError(`${where} cannot be used: ${(error as Error).message}.`);
    }
  }
}

/** In minutes, up to the bound of LIM-02: a plural form that leaves the code out must not wait for its number. */
const EVERY_LIFETIME = Array.from({ length: 10 }, (_, n) => n + 1);

function isLocale(text: string | undefined): text is Locale {
  return (LOCALES as readonly (string | undefined)[]).includes(text);
}
