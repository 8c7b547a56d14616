import { OtpConfigError } from '../otp.error.js';
import { MessageRenderer } from './message-renderer.js';
import { BUILT_IN_TEXTS, LOCALES, type Locale, type Texts } from './texts.js';

/** The 7-bit alphabet of 3GPP TS 23.038 in which a message holds 160 characters, without its extension table. */
const GSM_7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/;
const CODE = '01234567';
const PURPOSES = [...Object.keys(BUILT_IN_TEXTS), 'verify_number', 'pick_up'];
const longest = { appName: 'Acme Bank of the Four Seasons '.slice(0, 30), defaultLocale: 'en' as const };

const renderer = (changed: object = {}) => new MessageRenderer({ ...longest, appName: 'Acme', ...changed });
const login = { purpose: 'login', locale: 'en' as Locale, code: CODE, ttlSeconds: 300 };

describe('the built-in texts', () => {
  const each = PURPOSES.flatMap((purpose) => LOCALES.map((locale) => ({ purpose, locale })));

  it.each(each)('SEC-58 of $purpose in $locale hold the code exactly once, and no other digits of it', (of) => {
    for (const ttlSeconds of [60, 120, 180, 600]) {
      const text = renderer().render({ ...of, code: CODE, ttlSeconds });

      expect(text.split(CODE)).toHaveLength(2);
      expect(text.match(/\p{Nd}{4,}/gu)).toEqual([CODE]);
      expect(text).toContain('Acme');
      expect(text).not.toMatch(/[{}\n]/);
    }
  });

  it.each(each.filter(({ locale }) => locale === 'en' || locale === 'fr'))(
    'SEC-64 of $purpose in $locale fit one segment with the longest name, code and origin line',
    (of) => {
      const text = renderer({ ...longest, origin: 'bank.example' }).render({ ...of, code: CODE, ttlSeconds: 600 });

      expect(text).toMatch(GSM_7);
      expect(text.length).toBeLessThanOrEqual(160);
    },
  );

  it('say for each purpose what the code does, so that nobody is talked into giving away another one', () => {
    for (const locale of LOCALES) {
      const texts = Object.keys(BUILT_IN_TEXTS).map((purpose) => renderer().render({ ...login, purpose, locale }));

      expect(new Set(texts).size).toBe(texts.length);
    }
  });

  it('count minutes as each language does, in ASCII digits', () => {
    const minutes = (locale: Locale, ttlSeconds: number) => renderer().render({ ...login, locale, ttlSeconds });

    expect(minutes('en', 60)).toContain('1 minute.');
    expect(minutes('en', 300)).toContain('5 minutes.');
    expect(minutes('ar', 120)).toContain('دقيقتين');
    expect(minutes('ar', 300)).toContain('5 دقائق');
    expect(minutes('he', 120)).toContain('שתי דקות');
    expect(minutes('fr', 600)).toContain('10 minutes.');
  });
});

describe('the origin line', () => {
  it('SEC-64 stands last, and the browsers read host and code from it', () => {
    const text = renderer({ origin: 'bank.example' }).render(login);

    const [, host, code] = /^@(\S+) #(\S+)$/.exec(text.split('\n').at(-1)!)!;
    expect([host, code]).toEqual(['bank.example', CODE]);
    expect(text.split('\n')[0]).toContain(CODE);
  });

  it('is left out where no origin is set', () => {
    expect(renderer().render(login)).not.toMatch(/[@#]/);
  });
});

describe('texts of the host', () => {
  const render = (texts: Texts, of: object = {}) => renderer({ texts }).render({ ...login, ...of });

  it('replace the built-in text of their purpose and locale, and leave every other one', () => {
    const texts = { login: { en: '{app}: {code}' } };

    expect(render(texts)).toBe(`Acme: ${CODE}`);
    expect(render(texts, { locale: 'fr' })).toBe(renderer().render({ ...login, locale: 'fr' }));
    expect(render(texts, { purpose: 'registration' })).toBe(renderer().render({ ...login, purpose: 'registration' }));
  });

  it('replace the default in one locale, and leave it in the others', () => {
    const texts = { default: { en: '{app}: {code}' } };
    const ownPurpose = { purpose: 'pick_up' };

    expect(render(texts, ownPurpose)).toBe(`Acme: ${CODE}`);
    expect(render(texts, { ...ownPurpose, locale: 'fr' })).toBe(
      renderer().render({ ...login, ...ownPurpose, locale: 'fr' }),
    );
  });

  it('may name purposes of the host', () => {
    expect(render({ pick_up: { en: 'Show {code} at the desk' } }, { purpose: 'pick_up' })).toBe(
      `Show ${CODE} at the desk`,
    );
  });

  it.each([
    ['no code', '{app}', '"{code}" must stand in it exactly once'],
    ['two codes', '{code} {code}', '"{code}" must stand in it exactly once'],
    ['a code in one plural form only', '{minutes, plural, one {soon} other {{code}}}', 'exactly once'],
    ['an unknown argument', '{code} {payee}', 'payee'],
    ['a brace left open', '{code', ''],
  ])('are refused with %s', (_, text, why) => {
    const set = () => renderer({ texts: { login: { en: text } } });

    expect(set).toThrow(OtpConfigError);
    expect(set).toThrow(/^"texts\.login\.en" cannot be used: /);
    expect(set).toThrow(why);
  });

  it('are refused in a language that has no built-in texts', () => {
    expect(() => renderer({ texts: { login: { de: '{code}' } } })).toThrow(
      new OtpConfigError('"texts.login.de": locales are ar, en, fr, he.'),
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
  ])('for %j is %s', (asked, locale) => {
    expect(renderer().localeFor(asked)).toBe(locale);
  });

  it('is the default where nothing fits, and the default must be one of them', () => {
    expect(renderer({ defaultLocale: 'ar' }).localeFor('de')).toBe('ar');
    expect(() => renderer({ defaultLocale: 'de' })).toThrow(
      new OtpConfigError('"defaultLocale" must be one of ar, en, fr, he.'),
    );
  });
});
