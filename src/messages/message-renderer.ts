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
  readonly #formats = new Map<string, IntlMessageFormat>();

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
    const { appName: app, origin } = this.settings;
    const format = this.#formats.get(`${purpose} ${locale}`) ?? this.#formats.get(`default ${locale}`)!;
    const sentence = String(format.format({ code, app, minutes: Math.floor(ttlSeconds / 60) }));
    // WICG origin-bound one-time codes: the last line, one space before the "#".
    return origin === undefined ? sentence : `${sentence}\n\n@${origin} #${code}`;
  }

  #add(purpose: string, locale: string, text: string): void {
    const where = `"texts.${purpose}.${locale}"`;
    if (!isLocale(locale)) throw new OtpConfigError(`${where}: locales are ${LOCALES.join(', ')}.`);
    try {
      // Codes keep ASCII digits in every language: they must be the digits that the keyboard's one-time-code suggestion finds.
      const format = new IntlMessageFormat(text, `${locale}-u-nu-latn`, undefined, { ignoreTag: true });
      this.#formats.set(`${purpose} ${locale}`, format);
      for (const minutes of EVERY_LIFETIME) {
        const probe = String(format.format({ code: '\u0000', app: '', minutes }));
        if (probe.split('\u0000').length !== 2) throw new Error('"{code}" must stand in it exactly once');
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
