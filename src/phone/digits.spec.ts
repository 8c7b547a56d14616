import { MAX_TYPED_LENGTH, normalizeTyped } from './digits.js';

// The digits of each script as the platform's own locale data writes them: a witness that shares no code with ours.
const scripts = Intl.supportedValuesOf('numberingSystem')
  .map((system): [string, string] => {
    const format = new Intl.NumberFormat('en', { numberingSystem: system, useGrouping: false });
    return [system, Array.from({ length: 10 }, (_, value) => format.format(value)).join('')];
  })
  .filter(([, digits]) => /^\p{Nd}{10}$/u.test(digits));

describe('normalizeTyped', () => {
  it.each(scripts)('SEC-24 reads the digits of %s', (_system, digits) => {
    expect(normalizeTyped(digits)).toBe('0123456789');
  });

  it('SEC-24 knows the scripts of its users', () => {
    expect(scripts.map(([system]) => system)).toEqual(expect.arrayContaining(['arab', 'arabext', 'fullwide', 'latn']));
  });

  it('SEC-24 reads the fourth of five adjacent runs of mathematical digits', () => {
    expect(normalizeTyped('𝟬𝟭𝟮𝟯𝟰𝟱𝟲𝟳𝟴𝟵')).toBe('0123456789');
  });

  it.each(['①', '⓪', '²', '₂', '⑴', '⒈', '½', 'Ⅳ', '፩', '〇', '㊿'])('SEC-54 never makes a digit of %s', (number) => {
    expect(normalizeTyped(number)).not.toMatch(/[0-9]/);
  });

  it('SEC-54 makes an ASCII digit of decimal digits alone, over the whole of Unicode', () => {
    const wronglyAccepted: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const sign = String.fromCodePoint(point);
      const isFolded = sign.normalize('NFKC') !== sign;
      if (isFolded && !/\p{Nd}/u.test(sign) && /^[0-9]+$/.test(normalizeTyped(sign) ?? '')) wronglyAccepted.push(sign);
    }

    expect(wronglyAccepted).toEqual([]);
  });

  it('SEC-24 drops direction marks, zero-width signs and soft hyphens', () => {
    expect(
      normalizeTyped('\u202A+\u2066966\u2069\u202C\u200E5\u200F\u061C1\u200B\u200C\u200D\u2060\uFEFF\u00AD2'),
    ).toBe('+966512');
  });

  it('makes full-width signs plain', () => {
    expect(normalizeTyped('＋９６６（５１）－２．／\u3000')).toBe('+966(51)-2./ ');
  });

  it('keeps controls, letters and emoji for the caller to refuse', () => {
    expect(normalizeTyped('1\n\0a😀')).toBe('1\n\0a😀');
  });

  it('LIM-20 looks at 64 characters and no more', () => {
    expect(normalizeTyped(' '.repeat(MAX_TYPED_LENGTH))).toHaveLength(64);
    expect(normalizeTyped(' '.repeat(MAX_TYPED_LENGTH + 1))).toBeUndefined();
  });

  it('SEC-02 takes strings only', () => {
    for (const input of [12345, 12345n, null, undefined, true, ['1'], { toString: () => '1' }, new String('1')])
      expect(normalizeTyped(input)).toBeUndefined();
  });
});
