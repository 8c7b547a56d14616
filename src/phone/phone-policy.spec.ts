import fc from 'fast-check';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import { PhonePolicy, type PhonePolicyOptions } from './phone-policy.js';

const invalid = expect.objectContaining({ name: 'OtpError', code: 'phone_invalid' });
const notSupported = new OtpError(
  'phone_not_supported',
  'Codes cannot be sent to this phone number. Use another mobile number.',
);

function refusalOf(policy: PhonePolicy, phone: string): unknown {
  try {
    return policy.accept(phone);
  } catch (error) {
    return error;
  }
}

describe('PhonePolicy', () => {
  it.each<[PhonePolicyOptions['regions'][number], string]>([
    ['SA', '+966512345678'],
    ['IL', '+972502345678'],
    ['NG', '+2348109477743'],
    ['LY', '+218912345678'],
    ['US', '+12015550123'],
  ])('accepts a mobile number of a listed region (%s)', (region, phone) => {
    expect(new PhonePolicy({ regions: [region] }).accept(phone)).toEqual({ e164: phone, region });
  });

  describe('SEC-21 the allowlist of regions', () => {
    it.each([
      ['a region that is not listed', '+972502345678'],
      ['a satellite phone, +870', '+870773111632'],
      ['a satellite phone, +881', '+881612345678'],
      ['an international network, +883', '+883510012345'],
      ['an international premium line, +979', '+979123456789'],
      ['an international freephone, +800', '+80012345678'],
      ['a premium line, +1 900', '+19002345678'],
    ])('SEC-21 rejects %s', (_what, phone) => {
      expect(refusalOf(new PhonePolicy({ regions: ['SA', 'US'] }), phone)).toEqual(notSupported);
    });

    it.each<[PhonePolicyOptions['regions'][number], string, string]>([
      ['US', '+12015550123', '+12423591234'],
      ['GB', '+447400123456', '+447781123456'],
      ['RU', '+79123456789', '+77710009998'],
    ])('SEC-21 serves %s but not its neighbours with the same calling code', (region, own, neighbour) => {
      const policy = new PhonePolicy({ regions: [region] });

      expect(policy.accept(own).region).toBe(region);
      expect(refusalOf(policy, neighbour)).toEqual(notSupported);
    });

    it.each<[string, unknown, string]>([
      ['no regions', {}, 'regions'],
      ['an empty array of regions', { regions: [] }, 'regions'],
      ['a string instead of an array', { regions: 'SA' }, 'regions'],
      ['an unknown region', { regions: ['SA', 'ZZ'] }, 'regions[1]'],
      ['a lowercase region', { regions: ['sa'] }, 'regions[0]'],
      ['a calling code', { regions: ['+966'] }, 'regions[0]'],
      ['an undefined region', { regions: ['SA', undefined] }, 'regions[1]'],
      ['a nested array', { regions: [['SA']] }, 'regions[0]'],
      ['an inherited object property', { regions: ['constructor'] }, 'regions[0]'],
      ['a default region outside the regions', { regions: ['SA'], defaultRegion: 'IL' }, 'defaultRegion'],
      ['a default region of null', { regions: ['SA'], defaultRegion: null }, 'defaultRegion'],
      ['no line types', { regions: ['SA'], lineTypes: [] }, 'lineTypes'],
      ['a line type that is not mobile', { regions: ['SA'], lineTypes: ['MOBILE', 'PREMIUM_RATE'] }, 'lineTypes[1]'],
    ])('SEC-21 rejects a configuration with %s', (_what, options, option) => {
      const start = () => new PhonePolicy(options as PhonePolicyOptions);

      expect(start).toThrow(OtpConfigError);
      expect(start).toThrow(`"${option}"`);
      expect(start).toThrow(/must|use|add/);
    });

    it('SEC-21 ignores later changes to the array of regions', () => {
      const regions: PhonePolicyOptions['regions'][number][] = ['SA'];
      const policy = new PhonePolicy({ regions });

      regions.push('IL');

      expect(refusalOf(policy, '+972502345678')).toEqual(notSupported);
    });
  });

  describe('SEC-22 the line types', () => {
    it.each([
      ['FIXED_LINE', '+441212345678'],
      ['PREMIUM_RATE', '+449012345678'],
      ['TOLL_FREE', '+448001234567'],
      ['SHARED_COST', '+966920012345'],
      ['VOIP', '+445612345678'],
      ['PERSONAL_NUMBER', '+447012345678'],
      ['PAGER', '+447640123456'],
      ['UAN', '+445512345678'],
      ['VOICEMAIL', '+41860123456789'],
    ])('SEC-22 rejects %s in a listed region', (_type, phone) => {
      expect(refusalOf(new PhonePolicy({ regions: ['GB', 'SA', 'CH'] }), phone)).toEqual(notSupported);
    });

    it('SEC-22 throws the same error for every reason', () => {
      const policy = new PhonePolicy({ regions: ['GB'] });
      const refusals = ['+972502345678', '+870773111632', '+449012345678', '+447781123456'].map((phone) => {
        const { name, code, message, cause } = refusalOf(policy, phone) as OtpError;
        return JSON.stringify({ name, code, message, cause });
      });

      expect(new Set(refusals).size).toBe(1);
    });

    it('can be restricted to lines that are certainly mobile', () => {
      const policy = new PhonePolicy({ regions: ['US', 'SA'], lineTypes: ['MOBILE'] });

      expect(refusalOf(policy, '+12015550123')).toEqual(notSupported);
      expect(policy.accept('+966512345678').region).toBe('SA');
    });
  });

  it('parses a national number in the first region, or in the default region', () => {
    expect(new PhonePolicy({ regions: ['SA', 'IL'] }).accept('0502345678').e164).toBe('+966502345678');
    expect(new PhonePolicy({ regions: ['SA', 'IL'], defaultRegion: 'IL' }).accept('0502345678').e164).toBe(
      '+972502345678',
    );
  });

  it('throws phone_invalid for input that is not a phone number', () => {
    const policy = new PhonePolicy({ regions: ['SA'] });

    expect(() => policy.accept('+96651234567')).toThrow(invalid);
    expect(() => policy.accept('+972502345678;ext=1')).toThrow(invalid);
    expect(() => policy.accept(undefined)).toThrow(invalid);
  });

  it('returns a number of a listed region or throws an OtpError for any input', () => {
    const policy = new PhonePolicy({ regions: ['SA'] });
    const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 7, maxLength: 14 });

    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          digits.map((line) => `+${line}`),
          digits,
        ),
        (input) => {
          try {
            expect(policy.accept(input).e164).toMatch(/^\+9665[0-9]{8}$/);
          } catch (error) {
            expect(error).toBeInstanceOf(OtpError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
