import { SegmentedMessage } from 'sms-segments-calculator';

import { OtpConfigError } from '../errors/otp.error.js';
import { cleanPayee } from './payee.js';
import { parseText, type Placeholder, PLACEHOLDERS, type Template } from './template.js';
import { BUILT_IN_TEXTS, LOCALES, NOTICES, type Locale, type Notice, type Texts } from './texts.js';

/** The fields of a payment that the message names (SEC-45). */
export interface ShownAction {
  /** In canonical form, such as `250.00`. It is not reformatted. */
  amount: string;
  /** ISO 4217, such as `SAR`. */
  currency: string;
  /** As supplied. The renderer sanitizes it (SEC-58). */
  payee: string;
}

export interface MessageContent {
  purpose: string;
  locale: Locale;
  code: string;
  ttlSeconds: number;
  action?: ShownAction | undefined;
}

export interface Message {
  readonly text: string;
  /** Number of SMS segments: 160 GSM-7 or 70 UCS-2 characters each, fewer if there are several segments. */
  readonly segments: number;
}

interface RendererSettings {
  appName: string;
  defaultLocale: Locale;
  origin?: string | undefined;
  androidAppHash?: string | undefined;
  texts?: Texts;
}

/** Renders messages: the text of a purpose, and the lines by which browsers and Android apps find the code. */
export class MessageRenderer {
  /** By purpose, locale and minutes, or by notice and locale. */
  readonly #texts = new Map<string, CompiledText>();
  /** Purposes with a text that names amount, currency or payee in any language. */
  readonly #actionPurposes = new Set<string>();

  /** @throws {@link OtpConfigError} if a text of the host is invalid; it names purpose and locale */
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

  /** Returns the nearest language to a BCP 47 tag (`ar-SA` is `ar`), or else the default. */
  localeFor(tag: string | undefined): Locale {
    const language = tag?.split('-', 1)[0]?.toLowerCase();
    return isLocale(language) ? language : this.settings.defaultLocale;
  }

  /**
   * Whether messages of this purpose need an action. Check this before anything is stored. True for `transaction`, and for a
   * purpose of the host whose text has `{amount}`, `{currency}` or `{payee}` in any language, so the result does not depend on
   * the language.
   */
  needsAction(purpose: string): boolean {
    return this.#actionPurposes.has(purpose);
  }

  /**
   * Renders a message with the text of its purpose. If the purpose has no text in this language, it uses the text of
   * `transaction` if there is an action, so that the user sees what they confirm, or else the default text.
   * @throws Error if the text names an action and there is none, see {@link needsAction}
   */
  render({ purpose, locale, code, ttlSeconds, action }: MessageContent): Message {
    const where = `${locale} ${Math.floor(ttlSeconds / 60)}`;
    const { template, namesAction, segments } =
      this.#texts.get(`${purpose} ${where}`) ??
      this.#texts.get(`${action === undefined ? 'default' : 'transaction'} ${where}`)!;
    const text = this.#addLines(template.fill({ code, ...(namesAction && actionValues(action)) }), code);
    return { text, segments: namesAction ? segmentsOf(text) : (segments[code.length] ??= segmentsOf(text)) };
  }

  /** Renders a notice about the owner's account. It has no code, so it has neither an origin line nor an app hash. */
  renderNotice(notice: Notice, locale: Locale): Message {
    const { template, segments } = this.#texts.get(`notice_${notice} ${locale}`)!;
    const text = template.fill({});
    return { text, segments: (segments[0] ??= segmentsOf(text)) };
  }

  /**
   * Adds the origin-bound code as the last line, with one space before the "#" (WICG origin-bound one-time codes), and the hash
   * of the Android app on the line before. Android passes no message of more than 140 bytes to an app, so the hash is omitted in
   * longer ones.
   */
  #addLines(sentence: string, code: string): string {
    const { origin, androidAppHash } = this.settings;
    const originLine = origin === undefined ? '' : `\n@${origin} #${code}`;
    if (androidAppHash !== undefined) {
      const text = `${sentence}\n\n${androidAppHash}${originLine}`;
      if (Buffer.byteLength(text) <= SMS_RETRIEVER_BYTES) return text;
    }
    return originLine === '' ? sentence : `${sentence}\n${originLine}`;
  }

  #add(purpose: string, locale: string, text: string): void {
    const where = `"texts.${purpose}.${locale}"`;
    if (!isLocale(locale)) {
      throw new OtpConfigError(`${where} has an unsupported locale: use one of ${LOCALES.join(', ')}.`);
    }
    try {
      const compile = parseText(text, locale);
      const app = this.settings.appName;
      if (isNotice(purpose)) return this.#store(`${purpose} ${locale}`, purpose, compile({ app }));
      for (const minutes of EVERY_LIFETIME) {
        this.#store(`${purpose} ${locale} ${minutes}`, purpose, compile({ app, minutes }));
      }
    } catch (error) {
      throw new OtpConfigError(`${where} is invalid: ${(error as Error).message}.`);
    }
  }

  #store(key: string, purpose: string, template: Template): void {
    assertValid(template, purpose);
    const namesAction = ACTION_PLACEHOLDERS.some((placeholder) => template.count(placeholder) > 0);
    if (namesAction) this.#actionPurposes.add(purpose);
    this.#texts.set(key, { template, namesAction, segments: [] });
  }
}

interface CompiledText {
  readonly template: Template;
  readonly namesAction: boolean;
  /** Cached segment counts by code length, for texts in which nothing else varies: counting takes a millisecond. */
  readonly segments: number[];
}

/** In minutes, up to the bound of `codeTtlSeconds`: an error in a plural form must appear at start-up, not at run time. */
const EVERY_LIFETIME = Array.from({ length: 10 }, (_, n) => n + 1);

/** Android passes no longer messages to an app (https://developers.google.com/identity/sms-retriever/verify). */
const SMS_RETRIEVER_BYTES = 140;

const ACTION_PLACEHOLDERS = PLACEHOLDERS.filter((placeholder) => placeholder !== 'code');

/** @throws Error if a required placeholder is missing or repeated, or if no value exists for a placeholder */
function assertValid(template: Template, purpose: string): void {
  if (isNotice(purpose)) return assertNone(template, PLACEHOLDERS, 'a notice has only "{app}"');
  assertOnce(template, ['code']);
  if (purpose === 'transaction') assertOnce(template, ACTION_PLACEHOLDERS, ', so that users see what they pay');
  if (purpose === 'default')
    assertNone(template, ACTION_PLACEHOLDERS, 'it is also used for messages without an action');
}

function assertOnce(template: Template, placeholders: readonly Placeholder[], why = ''): void {
  const placeholder = placeholders.find((each) => template.count(each) !== 1);
  if (placeholder) throw new Error(`it must contain "{${placeholder}}" exactly once${why}`);
}

function assertNone(template: Template, placeholders: readonly Placeholder[], why: string): void {
  const placeholder = placeholders.find((each) => template.count(each) > 0);
  if (placeholder) throw new Error(`it must not contain "{${placeholder}}", because ${why}`);
}

/** Copies each field by name: an action is an external object, and must not replace the code. */
function actionValues(action: ShownAction | undefined): Partial<Record<Placeholder, string>> {
  return action ? { amount: action.amount, currency: action.currency, payee: cleanPayee(action.payee) } : {};
}

function segmentsOf(text: string): number {
  return new SegmentedMessage(text).segmentsCount;
}

function isLocale(text: string | undefined): text is Locale {
  return (LOCALES as readonly (string | undefined)[]).includes(text);
}

function isNotice(purpose: string): boolean {
  return NOTICES.some((notice) => purpose === `notice_${notice}`);
}
