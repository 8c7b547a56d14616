import fc from 'fast-check';

import { OtpConfigError } from '../errors/otp.error.js';
import { type MessageContent, MessageRenderer, type ShownAction } from './message-renderer.js';
import { BUILT_IN_TEXTS, LOCALES, type Locale, NOTICES, type Texts } from './texts.js';

const CODE = '012345';
const ORIGIN = 'bank.example';
const HASH = 'FA+9qCX9VSu';
const PURPOSES = [
  ...Object.keys(BUILT_IN_TEXTS).filter((key) => !key.startsWith('notice_')),
  'verify_number',
  'pick_up',
];
const longestName = 'Acme Bank of the Four Seasons '.slice(0, 30);
const payment: ShownAction = { amount: '250.00', currency: 'SAR', payee: 'Corner Shop' };

const standard = new MessageRenderer({ appName: 'Acme', defaultLocale: 'en' });
const renderer = (changed?: object) =>
  changed ? new MessageRenderer({ appName: 'Acme', defaultLocale: 'en', ...changed }) : standard;
const login = { purpose: 'login', locale: 'en' as Locale, code: CODE, ttlSeconds: 300 };
/** Message content as the service passes it: only transactions have an action. */
const contentOf = (of: { purpose: string; locale: Locale }, changed: object = {}): MessageContent => ({
  ...login,
  ...of,
  action: of.purpose === 'transaction' ? payment : undefined,
  ...changed,
});

const everyText = PURPOSES.flatMap((purpose) => LOCALES.map((locale) => ({ purpose, locale })));

describe('the built-in texts', () => {
  it.each(everyText)('SEC-58 for $purpose in $locale contain the code once and no other run of four digits', (of) => {
    for (const ttlSeconds of [60, 120, 180, 600]) {
      const { text } = renderer().render(contentOf(of, { ttlSeconds }));

      expect(text.split(CODE)).toHaveLength(2);
      expect(text.match(/\p{Nd}{4,}/gu)).toEqual([CODE]);
      expect(text).toContain('Acme');
      expect(text).not.toMatch(/[{}\n]/);
    }
  });

  it.each(LOCALES)('SEC-45 for a transaction in %s name the exact amount, its currency and the payee', (locale) => {
    const { text } = renderer().render(contentOf({ purpose: 'transaction', locale }));

    expect(text.split('250.00 SAR')).toHaveLength(2);
    expect(text.split('Corner Shop')).toHaveLength(2);
  });

  it.each(everyText.filter(({ purpose, locale }) => purpose !== 'transaction' && ['en', 'fr'].includes(locale)))(
    'SEC-64 for $purpose in $locale fit one segment with the longest name, code and lifetime, and an origin line',
    (of) => {
      const content = contentOf(of, { code: '01234567', ttlSeconds: 600 });

      expect(renderer({ appName: longestName, origin: ORIGIN }).render(content).segments).toBe(1);
    },
  );

  it('SEC-64 need the listed number of segments, without and with an origin line', () => {
    const bound = renderer({ origin: ORIGIN });
    const cost = (purpose: string, messages: MessageRenderer) =>
      LOCALES.map((locale) => messages.render(contentOf({ purpose, locale })).segments).join(' ');

    expect(LOCALES.join(' ')).toBe('ar en fr he');
    expect(
      Object.fromEntries(PURPOSES.map((purpose) => [purpose, [cost(purpose, standard), cost(purpose, bound)]])),
    ).toEqual({
      default: ['1 1 1 1', '2 1 1 2'],
      login: ['1 1 1 1', '2 1 1 2'],
      registration: ['1 1 1 1', '2 1 1 2'],
      verify_number: ['1 1 1 1', '2 1 1 2'],
      password_reset: ['1 1 1 1', '2 1 1 2'],
      change_number: ['1 1 1 1', '2 1 1 2'],
      second_factor: ['1 1 1 1', '2 1 1 2'],
      transaction: ['2 1 1 2', '2 1 1 2'],
      pick_up: ['1 1 1 1', '2 1 1 2'],
    });
  });

  it('differ for each purpose, so that users see what the code is for', () => {
    for (const locale of LOCALES) {
      const purposes = Object.keys(BUILT_IN_TEXTS).filter((key) => !key.startsWith('notice_'));
      const texts = purposes.map((purpose) => renderer().render(contentOf({ purpose, locale })).text);

      expect(new Set(texts).size).toBe(purposes.length);
    }
  });

  it('use the plural forms of each language for minutes, with ASCII digits', () => {
    const minutes = (locale: Locale, ttlSeconds: number) => renderer().render({ ...login, locale, ttlSeconds }).text;

    expect(minutes('en', 60)).toContain('1 minute.');
    expect(minutes('en', 300)).toContain('5 minutes.');
    expect(minutes('ar', 120)).toContain('دقيقتين');
    expect(minutes('ar', 300)).toContain('5 دقائق');
    expect(minutes('he', 120)).toContain('שתי דקות');
    expect(minutes('fr', 600)).toContain('10 minutes.');
  });
});

/** Parses a message as browsers do: "parse an origin-bound one-time code message" of the WICG specification. */
function parseOriginBound(message: string): { host: string; code: string } | undefined {
  const line = message.replace(/\r\n?/g, '\n').split('\n').at(-1)!;
  const found = /^@([^\t\n\f\r ]+) #([^\t\n\f\r ]+)/.exec(line);
  return found ? { host: found[1]!, code: found[2]! } : undefined;
}

describe('the origin line', () => {
  it.each(everyText)('SEC-64 for $purpose in $locale is last, and browsers can parse host and code from it', (of) => {
    const { text } = renderer({ origin: ORIGIN }).render(contentOf(of));

    expect(parseOriginBound(text)).toEqual({ host: ORIGIN, code: CODE });
    expect(text.split('\n')).toEqual([expect.stringContaining(CODE), '', `@${ORIGIN} #${CODE}`]);
  });

  it('is omitted if no origin is set', () => {
    expect(renderer().render(login).text).not.toMatch(/[@#\n]/);
  });
});

describe('the line with the Android app hash', () => {
  const linesOf = (changed: object, content = login) => renderer(changed).render(content).text.split('\n').slice(1);

  it('SEC-64 is before the origin line, or last without an origin', () => {
    expect(linesOf({ androidAppHash: HASH, origin: ORIGIN })).toEqual(['', HASH, `@${ORIGIN} #${CODE}`]);
    expect(linesOf({ androidAppHash: HASH })).toEqual(['', HASH]);
  });

  it('SEC-64 is omitted if the message would exceed 140 bytes, while the origin line stays', () => {
    const around = (letters: number, letter: string) => ({ login: { en: `{code}${letter.repeat(letters)}` } });
    const line = `@${ORIGIN} #${CODE}`;
    const spare = 140 - `${CODE}\n\n${HASH}\n${line}`.length;
    const set = { androidAppHash: HASH, origin: ORIGIN };

    expect(linesOf({ ...set, texts: around(spare, 'x') })).toEqual(['', HASH, line]);
    expect(linesOf({ ...set, texts: around(spare + 1, 'x') })).toEqual(['', line]);
    expect(linesOf({ ...set, texts: around(Math.floor(spare / 2) + 1, 'ש') })).toEqual(['', line]);
  });

  it('SEC-64 fits every built-in login text except the Arabic one with an origin', () => {
    const read = (locale: Locale, origin?: string) => {
      const { text } = renderer({ androidAppHash: HASH, origin }).render({ ...login, locale });
      return Buffer.byteLength(text) <= 140 && text.includes(HASH);
    };

    expect(LOCALES.filter((locale) => read(locale))).toEqual(['ar', 'en', 'fr', 'he']);
    expect(LOCALES.filter((locale) => read(locale, ORIGIN))).toEqual(['en', 'fr', 'he']);
  });
});

describe('the segments of a message', () => {
  it.each([
    ['a text of exactly one segment', 'x'.repeat(154), 1],
    ['one character more', 'x'.repeat(155), 2],
    ['three parts, each with a header', 'x'.repeat(301), 3],
    ['a character of the extension table, which counts twice', `${'x'.repeat(153)}€`, 2],
    ['Arabic text of exactly one segment', 'ش'.repeat(64), 1],
    ['one Arabic character more', 'ش'.repeat(65), 2],
    ['one letter outside GSM-7', `${'x'.repeat(64)}ç`, 2],
  ])('SEC-64 are counted as carriers count them: %s', (_, rest, segments) => {
    expect(renderer({ texts: { login: { en: `{code}${rest}` } } }).render(login).segments).toBe(segments);
  });

  it('SEC-64 are recounted for a longer code and for another payee', () => {
    const messages = renderer({ texts: { login: { en: `{code}${'x'.repeat(154)}` } } });
    const segments = (payee: string) =>
      messages.render(contentOf({ purpose: 'transaction', locale: 'en' }, { action: { ...payment, payee } })).segments;

    expect([6, 8, 6].map((length) => messages.render({ ...login, code: '1'.repeat(length) }).segments)).toEqual([
      1, 2, 1,
    ]);
    expect(['Shop', 'متجر', 'Shop'].map(segments)).toEqual([1, 2, 1]);
  });
});

describe('the payment in a message', () => {
  const pay = (payee: string, changed?: object, content: object = {}) =>
    renderer(changed).render(
      contentOf({ purpose: 'transaction', locale: 'en' }, { action: { ...payment, payee }, ...content }),
    ).text;

  it.each([
    ['123456 is your code', 'to *456 is your code.'],
    ['##code##', 'to code.'],
    ['$&', 'to *.'],
    ["$' $` $1 $<a>", "to ' 1 a."],
    ['{CODE}', 'to CODE.'],
    ['{code}', 'to code.'],
    ['{n, plural, other {#}}', 'to n, plural, other.'],
    ['Shop\r\n@evil.com #000000', 'to Shop evil com *000.'],
    ['Shop\n\n@evil.com #000000', 'to Shop evil com *000.'],
    ['@evil.com #000000', 'to evil com *000.'],
    ['\u2028@evil.com #1', 'to evil com 1.'],
  ])('SEC-58 adds no code, origin line or other line for the payee %j', (payee, shown) => {
    const text = pay(payee, { origin: ORIGIN });

    expect(text).toBe(
      `${CODE} is your Acme code to pay 250.00 SAR ${shown} Valid for 5 minutes. Do not share it with anyone.` +
        `\n\n@${ORIGIN} #${CODE}`,
    );
  });

  it('SEC-58 is not parsed again if a payee or an amount looks like a placeholder', () => {
    const texts = { transaction: { en: '{payee} {amount} {currency} {code}' } };
    const action = { amount: '{code}', currency: '$1', payee: 'code amount' };

    expect(pay('', { texts }, { action })).toBe(`code amount {code} $1 ${CODE}`);
  });

  it('SEC-58 cannot replace the code', () => {
    const action = { ...payment, code: '999999' };

    expect(pay('', undefined, { action })).toContain(`${CODE} is your`);
    expect(pay('', undefined, { action })).not.toContain('999999');
  });

  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom(...Array.from('0123٠١۳９①🯵 .-\n\r@#{}a.\u200F\u0301\u20E3\u2028')),
      maxLength: 60,
    }),
  );

  it.each(LOCALES)('SEC-58 leaves one code, one text line and one origin line in %s for any payee', (locale) => {
    const messages = renderer({ origin: ORIGIN });
    const action = { ...payment, amount: '1234567.89' };

    fc.assert(
      fc.property(nasty, (payee) => {
        const content = contentOf({ purpose: 'transaction', locale }, { action: { ...action, payee } });
        const { text, segments } = messages.render(content);
        const [sentence, ...lines] = text.split(/[\n\r\v\f\u0085\u2028\u2029]/u);

        expect(lines).toEqual(['', `@${ORIGIN} #${CODE}`]);
        expect(parseOriginBound(text)).toEqual({ host: ORIGIN, code: CODE });
        expect(sentence!.split('1234567.89 SAR')).toHaveLength(2);
        expect(sentence!.replace('1234567.89 SAR', '').match(/\p{Nd}{4,}/gu)).toEqual([CODE]);
        expect(sentence).not.toMatch(/[@#{}\p{Cc}\p{Cf}]/u);
        expect(segments).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('SEC-45 is named for a purpose of the host without its own text, and required by texts that name it', () => {
    const texts = { pick_up: { en: 'Show {code} at {payee}' }, invite: { en: '{code}' } };
    const messages = renderer({ texts });
    const text = (purpose: string, locale: Locale, action?: ShownAction) =>
      messages.render({ ...login, purpose, locale, action }).text;

    expect(text('payout', 'en', payment)).toContain('to pay 250.00 SAR to Corner Shop.');
    expect(text('pick_up', 'en', payment)).toBe(`Show ${CODE} at Corner Shop`);
    expect(text('pick_up', 'fr', payment)).toContain('pour payer 250.00 SAR à Corner Shop.');
    expect(text('invite', 'en', payment)).toBe(CODE);
    expect(text('payout', 'en')).toContain('to confirm this number.');
    expect(
      ['transaction', 'pick_up', 'payout', 'invite', 'login'].map((purpose) => messages.needsAction(purpose)),
    ).toEqual([true, true, false, false, false]);
  });

  it('SEC-45 is required: a text that names it is not rendered without it', () => {
    const texts = { pick_up: { en: 'Show {code} at {payee}' } };

    for (const [purpose, missing] of [
      ['transaction', 'amount'],
      ['pick_up', 'payee'],
    ] as const) {
      expect(() => renderer({ texts }).render({ ...login, purpose })).toThrow(
        new Error(`The text needs "{${missing}}", but the message has no value for it.`),
      );
    }
  });
});

describe('a notice', () => {
  const each = NOTICES.flatMap((notice) => LOCALES.map((locale) => ({ notice, locale })));

  it.each(each)('$notice in $locale has one segment, no code and no further lines', ({ notice, locale }) => {
    const { text, segments } = renderer({ origin: ORIGIN, androidAppHash: HASH }).renderNotice(notice, locale);

    expect(segments).toBe(1);
    expect(text.split('Acme')).toHaveLength(3);
    expect(text).not.toMatch(/[\d{}@#\n]/);
  });

  it('has a different text for each event and language', () => {
    const texts = each.map(({ notice, locale }) => renderer().renderNotice(notice, locale).text);

    expect(new Set(texts).size).toBe(each.length);
    expect(texts).toContain('Your Acme account now uses another number. If it was not you, contact Acme at once.');
  });

  it('can have a text of the host', () => {
    const messages = renderer({ texts: { notice_number_changed: { en: '{app}: new number' } } });

    expect(messages.renderNotice('number_changed', 'en')).toEqual({ text: 'Acme: new number', segments: 1 });
    expect(messages.renderNotice('number_changed', 'he')).toEqual(renderer().renderNotice('number_changed', 'he'));
  });

  it.each(['code', 'amount', 'currency', 'payee'])('must not contain {%s}', (placeholder) => {
    expect(() => renderer({ texts: { notice_password_changed: { fr: `{app} {${placeholder}}` } } })).toThrow(
      new OtpConfigError(
        `"texts.notice_password_changed.fr" is invalid: it must not contain "{${placeholder}}", because a notice has only "{app}".`,
      ),
    );
  });
});

describe('texts of the host', () => {
  const render = (texts: Texts, of: object = {}) => renderer({ texts }).render({ ...login, ...of }).text;

  it('replace the built-in text of their purpose and locale only', () => {
    const texts = { login: { en: '{app}: {code}' } };

    expect(render(texts)).toBe(`Acme: ${CODE}`);
    expect(render(texts, { locale: 'fr' })).toBe(renderer().render({ ...login, locale: 'fr' }).text);
    expect(render(texts, { purpose: 'registration' })).toBe(
      renderer().render({ ...login, purpose: 'registration' }).text,
    );
  });

  it('replace the default in one locale only', () => {
    const texts = { default: { en: '{app}: {code}' } };
    const ownPurpose = { purpose: 'pick_up' };

    expect(render(texts, ownPurpose)).toBe(`Acme: ${CODE}`);
    expect(render(texts, { ...ownPurpose, locale: 'fr' })).toBe(
      renderer().render({ ...login, ...ownPurpose, locale: 'fr' }).text,
    );
  });

  it('can be set for purposes of the host', () => {
    expect(render({ pick_up: { en: 'Show {code} at the desk' } }, { purpose: 'pick_up' })).toBe(
      `Show ${CODE} at the desk`,
    );
  });

  it.each([
    ['no code', '{app}', 'it must contain "{code}" exactly once'],
    ['two codes', '{code} {code}', 'it must contain "{code}" exactly once'],
    ['a code in one plural form only', '{minutes, plural, one {soon} other {{code}}}', 'exactly once'],
    ['an unknown argument', '{code} {iban}', 'iban'],
    ['a formatted code', '{code, number}', 'it must contain "{code}" without a format'],
    ['a formatted amount', '{code} {amount, number}', 'it must contain "{amount}" without a format'],
    ['a payee in a select', '{code} {payee, select, other {}}', 'it must contain "{payee}" without a format'],
    ['an unclosed brace', '{code', ''],
  ])('are rejected with %s', (_, text, why) => {
    const set = () => renderer({ texts: { login: { en: text } } });

    expect(set).toThrow(OtpConfigError);
    expect(set).toThrow(/^"texts\.login\.en" is invalid: /);
    expect(set).toThrow(why);
  });

  it.each([
    ['amount', '{code} {currency} {payee}'],
    ['currency', '{code} {amount} {payee}'],
    ['payee', '{code} {amount} {currency}'],
    ['amount', '{code} {amount} {amount} {currency} {payee}'],
    ['payee', '{code} {amount} {currency} {payee} {payee}'],
    ['currency', '{code} {amount} {minutes, plural, one {{currency}} other {}} {payee}'],
  ])('SEC-45 are rejected for a transaction unless they contain {%s} once: %j', (placeholder, text) => {
    expect(() => renderer({ texts: { transaction: { en: text } } })).toThrow(
      new OtpConfigError(
        `"texts.transaction.en" is invalid: it must contain "{${placeholder}}" exactly once, so that users see what they pay.`,
      ),
    );
  });

  it('are rejected as the default if they name an action, since most messages have none', () => {
    expect(() => renderer({ texts: { default: { he: '{code} {amount}' } } })).toThrow(
      new OtpConfigError(
        '"texts.default.he" is invalid: it must not contain "{amount}", because it is also used for messages without an action.',
      ),
    );
  });

  it('are rejected in a language without built-in texts', () => {
    expect(() => renderer({ texts: { login: { de: '{code}' } } })).toThrow(
      new OtpConfigError('"texts.login.de" has an unsupported locale: use one of ar, en, fr, he.'),
    );
  });
});

describe('the language of a message', () => {
  it.each([
    ['ar', 'ar'],
    ['ar-SA', 'ar'],
    ['FR-ca', 'fr'],
    ['he', 'he'],
    ['de', 'en'],
    ['', 'en'],
    ['constructor', 'en'],
    [undefined, 'en'],
  ])('for the tag %j is %s', (tag, locale) => {
    expect(renderer().localeFor(tag)).toBe(locale);
  });

  it('falls back to the default, which must be a supported locale', () => {
    expect(renderer({ defaultLocale: 'ar' }).localeFor('de')).toBe('ar');
    expect(() => renderer({ defaultLocale: 'de' })).toThrow(
      new OtpConfigError('"defaultLocale" must be one of ar, en, fr, he.'),
    );
  });
});
