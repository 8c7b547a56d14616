import fc from 'fast-check';
import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { parsePhone, type Region } from './phone-number.js';

const invalid = expect.objectContaining({ name: 'OtpError', code: 'phone_invalid' });

describe('parsePhone', () => {
  it.each([
    '+966512345678',
    '966512345678',
    '00966512345678',
    '0512345678',
    '512345678',
    '+966 51 234 5678',
    '+966 (0) 51 234 5678',
    '(+966) 51-234-5678',
    '+966.51.234.5678',
    '051/234 5678',
    ' 0512345678 ',
    '٠٥١٢٣٤٥٦٧٨',
    '+٩٦٦٥١٢٣٤٥٦٧٨',
    '۰۵۱۲۳۴۵۶۷۸',
    '＋９６６５１２３４５６７８',
    '\u202A+966\u00A051\u2011234\u20135678\u202C',
    '\u200F٠٥١\u200B٢٣٤\u200D٥٦٧٨\uFEFF',
  ])('SEC-23 reads %j as +966512345678', (typed) => {
    expect(parsePhone(typed, 'SA')).toEqual({ e164: '+966512345678', region: 'SA', lineType: 'MOBILE' });
  });

  it.each<[string, Region, string, Region]>([
    ['050-234-5678', 'IL', '+972502345678', 'IL'],
    ['0810 947 7743', 'NG', '+2348109477743', 'NG'],
    ['091-2345678', 'LY', '+218912345678', 'LY'],
    ['+39 06 1234 5678', 'SA', '+390612345678', 'IT'],
    ['06 1234 5678', 'IT', '+390612345678', 'IT'],
    ['+44 (0) 7400 123456', 'SA', '+447400123456', 'GB'],
    ['+1 242 359 1234', 'US', '+12423591234', 'BS'],
    ['8 (771) 000-99-98', 'RU', '+77710009998', 'KZ'],
    ['+54 11 15 2345 6789', 'AR', '+5491123456789', 'AR'],
  ])('SEC-23 reads %j typed in %s as %s of %s', (typed, defaultRegion, e164, region) => {
    expect(parsePhone(typed, defaultRegion)).toMatchObject({ e164, region });
  });

  it('SEC-23 returns the same canonical form for every spelling of a number', () => {
    fc.assert(
      fc.property(spelling, ({ typed, e164, region }) => {
        expect(parsePhone(typed, region).e164).toBe(e164);
      }),
      { numRuns: 300 },
    );
  });

  it('SEC-23 returns a canonical number of any region unchanged, regardless of the default region', () => {
    const phones = getCountries().map((region) => getExampleNumber(region, examples)?.number ?? '+966512345678');

    for (const e164 of phones) expect(parsePhone(e164, 'NG').e164).toBe(e164);
  });

  it.each<[string, Region, string]>([
    ['00966512345678', 'NG', '+966512345678'],
    ['009966512345678', 'NG', '+966512345678'],
    ['00966512345678', 'US', '+966512345678'],
    ['011966512345678', 'US', '+966512345678'],
    ['0085291234567', 'HK', '+85291234567'],
  ])('reads the international prefix of %j typed in %s', (typed, region, e164) => {
    expect(parsePhone(typed, region).e164).toBe(e164);
  });

  it('rejects a 00 prefix that could mean two different numbers', () => {
    // 009 is Nigeria's international prefix: the input means +18123456789 there and +918123456789 for a traveller.
    expect(() => parsePhone('00918123456789', 'NG')).toThrow(invalid);
    expect(parsePhone('+918123456789', 'NG').e164).toBe('+918123456789');
  });

  it.each([
    ['an extension', '+966512345678;ext=12'],
    ['an extension by letter', '+966512345678x12'],
    ['an extension by hash', '+966512345678#12'],
    ['an extension by comma', '+966512345678,12'],
    ['a URI', 'tel:+966512345678'],
    ['a URI with a context', 'tel:512345678;phone-context=+966'],
    ['text before the number', 'call +966512345678'],
    ['text after the number', '+966512345678 please'],
    ['Arabic text before the number', 'رقمي ٠٥١٢٣٤٥٦٧٨'],
    ['letters in place of digits', '+1 800 FLOWERS'],
    ['a trailing line feed', '+966512345678\n'],
    ['an inner carriage return', '+96651\r2345678'],
    ['a header injection', '+966512345678\r\nTo: +966512345679'],
    ['a tab', '+966\t512345678'],
    ['a line separator', '+966512345678\u2028'],
    ['a NUL', '+966512345678\0'],
    ['an emoji', '📞+966512345678'],
    ['keycap emoji', '0️⃣512345678'],
    ['circled digits', '+96651234567⑧'],
    ['superscript digits', '+96651234567⁸'],
    ['two numbers', '+966512345678 +966512345679'],
    ['two numbers separated by a slash', '0512345678/0512345679'],
    ['two numbers separated by a comma', '0512345678,0512345679'],
    ['two plus signs', '++966512345678'],
    ['a trailing plus', '966512345678+'],
    ['a plus before an international prefix', '+00966512345678'],
    ['a plus before a national number', '+0512345678'],
    ['a tilde', '+966~512345678'],
    ['a star', '*966512345678'],
    ['an empty string', ''],
    ['only spaces', '   '],
    ['only a plus', '+'],
    ['a number that is too short', '05123456'],
    ['a number that is too long', '05123456789'],
    ['a number outside its numbering plan', '+966012345678'],
    ['an unknown calling code', '+999512345678'],
  ])('SEC-24 rejects %s', (_what, typed) => {
    expect(() => parsePhone(typed, 'SA')).toThrow(invalid);
  });

  it.each([
    [966512345678],
    [null],
    [undefined],
    [true],
    [['+966512345678']],
    [{ $ne: null }],
    [new String('+966512345678')],
  ])('SEC-24 rejects input that is not a string (case %#)', (input: unknown) => {
    expect(() => parsePhone(input, 'SA')).toThrow(invalid);
  });

  it('accepts 64 characters and rejects 65', () => {
    expect(parsePhone('+966512345678'.padEnd(64), 'SA').e164).toBe('+966512345678');
    expect(() => parsePhone('+966512345678'.padEnd(65), 'SA')).toThrow(invalid);
  });

  it('rejects more than 15 digits, although some national numbering plans have them', () => {
    expect(() => parsePhone('+8100375294911911', 'JP')).toThrow(invalid);
  });

  it('never repeats the input in the error message', () => {
    expect(() => parsePhone('+966512345678x', 'SA')).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/[0-9]/) }),
    );
  });

  it('returns a canonical number or throws phone_invalid for any input', () => {
    const typed = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('+0012345678966٠۹４① -(/.;x\n\u200F')), maxLength: 20 }),
    );

    fc.assert(
      fc.property(typed, fc.constantFrom<Region>('SA', 'IL', 'NG', 'LY', 'US'), (input, region) => {
        try {
          expect(parsePhone(input, region).e164).toMatch(/^\+[1-9][0-9]{1,14}$/);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Spellings of one number: international or national, in any script, with separators and invisible marks anywhere. */
const spelling = fc
  .record({
    phone: fc.constantFrom<{ region: Region; code: string; trunk: string; line: string }>(
      { region: 'SA', code: '966', trunk: '0', line: '512345678' },
      { region: 'IL', code: '972', trunk: '0', line: '502345678' },
      { region: 'NG', code: '234', trunk: '0', line: '8109477743' },
      { region: 'LY', code: '218', trunk: '0', line: '912345678' },
      { region: 'IT', code: '39', trunk: '', line: '0612345678' },
    ),
    form: fc.constantFrom('+C', '00C', '+CT', 'T'),
    zeros: fc.constantFrom('0', '٠', '۰', '０', '०'),
    gaps: fc.array(fc.constantFrom('', '', ' ', '-', '\u00A0', '.', '/', '(', ')', '\u200F', '\u2066'), {
      maxLength: 20,
    }),
  })
  .map(({ phone: { region, code, trunk, line }, form, zeros, gaps }) => {
    const plain = form.replace('C', code).replace('T', trunk) + line;
    const inScript = (sign: string) =>
      sign === '+' ? sign : String.fromCodePoint(zeros.codePointAt(0)! + Number(sign));
    const typed = Array.from(plain, (sign, index) => inScript(sign) + (gaps[index] ?? '')).join('');
    return { typed, e164: `+${code}${line}`, region };
  });
