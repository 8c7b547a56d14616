import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { maskPhone, prefixOf } from './mask.js';

const phones = getCountries().flatMap((region) => getExampleNumber(region, examples) ?? []);

describe('maskPhone', () => {
  it.each([
    ['+966512345678', '+966*******78'],
    ['+972502345678', '+972*******78'],
    ['+2348109477743', '+234********43'],
    ['+218912345678', '+218*******78'],
    ['+12015550123', '+1********23'],
  ])('SEC-35 shows %s as %s', (e164, masked) => {
    expect(maskPhone(e164)).toBe(masked);
  });

  it('SEC-35 shows only the calling code and the last two digits, in every region', () => {
    for (const { number, countryCallingCode } of phones) {
      const masked = maskPhone(number);

      expect(masked).toMatch(/^\+[0-9]{1,3}\*{2,}[0-9]{2}$/);
      expect(masked).toHaveLength(number.length);
      expect(masked.slice(1, masked.indexOf('*'))).toBe(countryCallingCode);
    }
  });

  it('SEC-35 hides the start of a number with an unknown calling code', () => {
    expect(maskPhone('+999123456')).toBe('+*******56');
  });
});

describe('prefixOf', () => {
  it('SEC-25 returns the same key for neighbouring numbers', () => {
    expect(prefixOf('+966512345678')).toBe('+96651234');
    expect(prefixOf('+966512349999')).toBe('+96651234');
    expect(prefixOf('+966512355678')).not.toBe('+96651234');
  });

  it('SEC-25 keeps the calling code in the key, even for the shortest numbers', () => {
    for (const { number, countryCallingCode } of phones) expect(prefixOf(number)).toContain(`+${countryCallingCode}`);
  });
});
