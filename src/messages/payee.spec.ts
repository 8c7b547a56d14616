import fc from 'fast-check';

import { cleanPayee } from './payee.js';

describe('cleanPayee', () => {
  it.each([
    'Corner Shop',
    "O'Neil & Sons (2) Ltd",
    'Café Zoë',
    'متجر الزاوية',
    'חנות 24',
    'ร้านค้า',
    '小店',
    'A-1, B.',
    '*456',
  ])('SEC-58 keeps the name %j', (name) => {
    expect(cleanPayee(name)).toBe(name.replace(/\.$/, ''));
    expect(cleanPayee(cleanPayee(name))).toBe(cleanPayee(name));
  });

  it.each([
    ['123456 is your code', '*456 is your code'],
    ['12-34-56', '*456'],
    ['1 2 3 4', '*234'],
    ['12.34', '*234'],
    ['1,2,(3) & 4', '*234'],
    ['1#2/3+4', '*234'],
    ['1\u200B2\u200B3\u200B4', '*234'],
    ['1\u03012\u03013\u03014', '*234'],
    ['1️⃣2️⃣3️⃣4️⃣', '*234'],
    ['٠١٢٣٤٥', '*345'],
    ['۰۱۲۳۴۵', '*345'],
    ['１２３４５６', '*456'],
    ['①②③④', '*234'],
    ['x²³⁴⁵', 'x*345'],
    ['𝟙𝟚𝟛𝟜', '*234'],
    ['🯱🯲🯳🯴', '*234'],
    ['1٢३４', '*234'],
    ['Box 1234 and 5678', 'Box *234 and *678'],
    ['IBAN SA03 8000 0000 6080', 'IBAN SA*080'],
  ])('SEC-58 shortens %j, which could be a code, to %j', (raw, shown) => {
    expect(cleanPayee(raw)).toBe(shown);
  });

  it('SEC-58 keeps up to three digits and converts them to ASCII', () => {
    expect(cleanPayee('Gate 123')).toBe('Gate 123');
    expect(cleanPayee('بوابة ١٢٣')).toBe('بوابة 123');
  });

  it.each([
    ['evil.com', 'evil com'],
    ['http://evil.com/a?b=c', 'http evil com a b c'],
    ['www.evil.com', 'www evil com'],
    ['evil\u200B.\u2060com', 'evil com'],
    ['evil．com', 'evil com'],
    ['evil\u3002com', 'evil com'],
    ['evil\u2024com', 'evil com'],
    ['..evil..com..', 'evil com'],
    ['evil. com', 'evil. com'],
    ['pay@evil.com', 'pay evil com'],
    ['10.0.0.1', '*001'],
  ])('SEC-58 removes the link from %j', (raw, shown) => {
    expect(cleanPayee(raw)).toBe(shown);
  });

  it.each([
    ['a\r\nb', 'a b'],
    ['a\u0085b\u2028c\u2029d\ve\ff\tg', 'a b c d e f g'],
    ['\u202Eevil\u202C', 'evil'],
    ['a\u0000b\u001Bc', 'a b c'],
    ['@a #b $c {d} <e> \\f `g` %h ~i |j ^k [l] _m "n" ;o :p =q +r !s', 'a b c d e f g h i j k l m n o'],
    ['  too   many\u00A0\u3000spaces ', 'too many spaces'],
    ['Sara’s – shop', "Sara's - shop"],
    ['\u0301\u0302Shop', 'Shop'],
    ['Shop 🛒', 'Shop'],
    ['\uD800Shop\uDC00', 'Shop'],
    ['Shop Ltd.', 'Shop Ltd'],
  ])('SEC-58 returns one plain line: %j becomes %j', (raw, shown) => {
    expect(cleanPayee(raw)).toBe(shown);
  });

  it.each([
    '',
    ' ',
    '\n',
    '\u200B',
    '\u3164',
    '🛒',
    '@#$',
    '...',
    "&,'()-",
    '\u0301',
    '***',
    `a${'\u0301'.repeat(40)}`,
  ])('SEC-58 returns a star instead of an empty name for %j', (raw) => {
    expect(cleanPayee(raw)).toBe('*');
  });

  it('SEC-58 returns at most 30 code units and splits no character', () => {
    expect(cleanPayee('a'.repeat(31))).toBe('a'.repeat(30));
    expect(cleanPayee(`${'a'.repeat(29)}q\u0323\u0307`)).toBe('a'.repeat(29)); // one letter of three code units
    expect(cleanPayee(`${'a'.repeat(29)}𐐷`)).toBe('a'.repeat(29)); // one letter of two code units
    expect(cleanPayee(`${'a'.repeat(29)} b`)).toBe('a'.repeat(29));
  });

  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({
      unit: fc.constantFrom(...Array.from('0189٠٩۳９①🯵 .-,&()*\n@#{}az\u200F\u0301\u0903\u034F')),
      maxLength: 80,
    }),
  );

  it('SEC-58 returns no code, link, markup or invisible character for any input, and is idempotent', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        const shown = cleanPayee(raw);

        expect(shown).toMatch(/^[\p{L}\p{M}0-9 .,&'()*-]{1,30}$/u);
        expect(shown).not.toMatch(/\p{Default_Ignorable_Code_Point}|\.\S|^\p{M}| {2}|^ | $/u);
        expect(shown).not.toMatch(/\d(?:\P{L}*\d){3}/u);
        expect(cleanPayee(shown)).toBe(shown);
      }),
      { numRuns: 2000 },
    );
  });
});
