import { MAX_TYPED_LENGTH, normalizeTyped } from './digits.js';

// The digits of each script from the platform's locale data, which shares no code with the implementation.
const scripts = Intl.supportedValuesOf('numberingSystem')
  .map((system): [string, string] => {
    const format = new Intl.NumberFormat('en', { numberingSystem: system, useGrouping: false });
    return [system, Array.from({ length: 10 }, (_, value) => format.format(value)).join('')];
  })
  .filter(([, digits]) => /^\p{Nd}{10}$/u.test(digits));

describe('normalizeTyped', () => {
  it.each(scripts)('SEC-24 converts the digits of %s', (_system, digits) => {
    expect(normalizeTyped(digits)).toBe('0123456789');
  });

  it('SEC-24 is tested with the scripts of its users', () => {
    expect(scripts.map(([system]) => system)).toEqual(expect.arrayContaining(['arab', 'arabext', 'fullwide', 'latn']));
  });

  it('SEC-24 converts the fourth of five adjacent runs of mathematical digits', () => {
    expect(normalizeTyped('𝟬𝟭𝟮𝟯𝟰𝟱𝟲𝟳𝟴𝟵')).toBe('0123456789');
  });

  it.each(['①', '⓪', '²', '₂', '⑴', '⒈', '½', 'Ⅳ', '፩', '〇', '㊿'])(
    'SEC-54 never converts %s to a digit',
    (number) => {
      expect(normalizeTyped(number)).not.toMatch(/[0-9]/);
    },
  );

  it('SEC-54 converts only decimal digits to ASCII digits, over the whole of Unicode', () => {
    const errors: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point);
      const isFolded = character.normalize('NFKC') !== character;
      if (isFolded && !/\p{Nd}/u.test(character) && /^[0-9]+$/.test(normalizeTyped(character) ?? '')) {
        errors.push(character);
      }
    }

    expect(errors).toEqual([]);
  });

  it('SEC-24 removes direction marks, zero-width characters and soft hyphens', () => {
    expect(
      normalizeTyped('\u202A+\u2066966\u2069\u202C\u200E5\u200F\u061C1\u200B\u200C\u200D\u2060\uFEFF\u00AD2'),
    ).toBe('+966512');
  });

  it('converts full-width characters to ASCII', () => {
    expect(normalizeTyped('＋９６６（５１）－２．／\u3000')).toBe('+966(51)-2./ ');
  });

  it('keeps control characters, letters and emoji, so that the caller can reject them', () => {
    expect(normalizeTyped('1\n\0a😀')).toBe('1\n\0a😀');
  });

  it('accepts 64 characters and rejects 65', () => {
    expect(normalizeTyped(' '.repeat(MAX_TYPED_LENGTH))).toHaveLength(64);
    expect(normalizeTyped(' '.repeat(MAX_TYPED_LENGTH + 1))).toBeUndefined();
  });

  it('SEC-02 accepts strings only', () => {
    for (const input of [12345, 12345n, null, undefined, true, ['1'], { toString: () => '1' }, new String('1')])
      expect(normalizeTyped(input)).toBeUndefined();
  });
});
