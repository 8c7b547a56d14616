import { SegmentedMessage } from 'sms-segments-calculator';

import { OtpConfigError } from '../errors/otp.error.js';
import { cleanPayee } from './payee.js';
import { parseText, type Slot, SLOTS, type Template } from './template.js';
import { BUILT_IN_TEXTS, LOCALES, NOTICES, type Locale, type Notice, type Texts } from './texts.js';

/** What a person is shown of the payment they confirm (SEC-45). */
export interface ShownAction {
  /** In its one canonical form, such as `250.00`: it is written as it is. */
  amount: string;
  /** ISO 4217, such as `SAR`. */
  currency: string;
  /** As somebody wrote it: it is cleaned here (SEC-58). */
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
  /** What the text costs: SMS segments of 160 GSM-7 or 70 UCS-2 characters, fewer where there are several. */
  readonly segments: number;
}

interface RendererSettings {
  appName: string;
  defaultLocale: Locale;
  origin?: string | undefined;
  androidAppHash?: string | undefined;
  texts?: Texts;
}

/** Writes messages: the sentence of a purpose and the lines by which browsers and Android apps find the code in it. */
export class MessageRenderer {
  /** By purpose, locale and minutes, or by notice and locale. */
  readonly #texts = new Map<string, CompiledText>();
  /** Purposes with a text that names amount, currency or payee, in whatever language. */
  readonly #namingAction = new Set<string>();

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

  /**
   * Whether messages of this purpose name an action, so that none can be written without one: ask before anything is
   * stored. True for `transaction`, and for a purpose of the host whose text has `{amount}`, `{currency}` or `{payee}` in
   * any language, so that what is refused does not depend on the language.
   */
  needsAction(purpose: string): boolean {
    return this.#namingAction.has(purpose);
  }

  /**
   * The text is that of the purpose; where it has none in this language, that of `transaction` if there is an action, since
   * a person must see what they confirm, and else the default.
   * @throws Error when the text names an action and there is none: see {@link needsAction}
   */
  render({ purpose, locale, code, ttlSeconds, action }: MessageContent): Message {
    const where = `${locale} ${Math.floor(ttlSeconds / 60)}`;
    const { template, namesAction, segments } =
      this.#texts.get(`${purpose} ${where}`) ??
      this.#texts.get(`${action === undefined ? 'default' : 'transaction'} ${where}`)!;
    const text = this.#withLines(template.fill({ code, ...(namesAction && shown(action)) }), code);
    return { text, segments: namesAction ? segmentsOf(text) : (segments[code.length] ??= segmentsOf(text)) };
  }

  /** A message that tells an owner what happened to the account. It has no code, so nothing binds it to an origin or an app. */
  renderNotice(notice: Notice, locale: Locale): Message {
    const { template, segments } = this.#texts.get(`notice_${notice} ${locale}`)!;
    const text = template.fill({});
    return { text, segments: (segments[0] ??= segmentsOf(text)) };
  }

  /**
   * The origin-bound code is the last line, with one space before the "#" (WICG origin-bound one-time codes); the hash of
   * the Android app stands on the line before. An app is handed no message of more than 140 bytes, so in one the hash would
   * only cost.
   */
  #withLines(sentence: string, code: string): string {
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
    if (!isLocale(locale)) throw new OtpConfigError(`${where}: locales are ${LOCALES.join(', ')}.`);
    try {
      const settle = parseText(text, locale);
      const app = this.settings.appName;
      if (isNotice(purpose)) return this.#keep(`${purpose} ${locale}`, purpose, settle({ app }));
      for (const minutes of EVERY_LIFETIME) {
        this.#keep(`${purpose} ${locale} ${minutes}`, purpose, settle({ app, minutes }));
      }
    } catch (error) {
      throw new OtpConfigError(`${where} cannot be used: ${(error as Error).message}.`);
    }
  }

  #keep(key: string, purpose: string, template: Template): void {
    assertFit(template, purpose);
    const namesAction = ACTION_SLOTS.some((slot) => template.count(slot) > 0);
    if (namesAction) this.#namingAction.add(purpose);
    this.#texts.set(key, { template, namesAction, segments: [] });
  }
}

interface CompiledText {
  readonly template: Template;
  readonly namesAction: boolean;
  /** What was counted, by length of the code, where nothing else in the text varies: counting takes a millisecond. */
  readonly segments: number[];
}

/** In minutes, up to the bound of LIM-02: a plural form that leaves the code out must not wait for its number. */
const EVERY_LIFETIME = Array.from({ length: 10 }, (_, n) => n + 1);

/** Longer messages are not handed to an app (https://developers.google.com/identity/sms-retriever/verify). */
const SMS_RETRIEVER_BYTES = 140;

const ACTION_SLOTS = SLOTS.filter((slot) => slot !== 'code');

/** @throws Error when a slot that must stand in texts of this purpose does not, or one does that nothing would fill. */
function assertFit(template: Template, purpose: string): void {
  if (isNotice(purpose)) return assertNone(template, SLOTS, 'a notice brings only "{app}"');
  assertOnce(template, ['code']);
  if (purpose === 'transaction') assertOnce(template, ACTION_SLOTS, ', so that people see what they pay');
  if (purpose === 'default') assertNone(template, ACTION_SLOTS, 'it serves messages without an action too');
}

function assertOnce(template: Template, slots: readonly Slot[], why = ''): void {
  const odd = slots.find((slot) => template.count(slot) !== 1);
  if (odd) throw new Error(`"{${odd}}" must stand in it exactly once${why}`);
}

function assertNone(template: Template, slots: readonly Slot[], why: string): void {
  const odd = slots.find((slot) => template.count(slot) > 0);
  if (odd) throw new Error(`"{${odd}}" cannot stand in it: ${why}`);
}

/** Each field by name: an action is somebody's object, and must not fill the place of the code. */
function shown(action: ShownAction | undefined): Partial<Record<Slot, string>> {
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
