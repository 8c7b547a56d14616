import { amrWithPhone, PHONE_AMR } from './amr.js';

describe('the "amr" of a login', () => {
  it('SEC-36: by a code alone is a single factor', () => {
    expect(PHONE_AMR).toEqual(['otp', 'sms']);
    expect(() => (PHONE_AMR as string[]).push('mfa')).toThrow();
  });

  it.each([
    ['a password', ['pwd']],
    ['a PIN', ['pin']],
    ['a fingerprint', ['fpt']],
    ['a face', ['face']],
    ['a password on a known device', ['rba', 'pwd']],
    ['a passkey that asked for a PIN', ['hwk', 'pin']],
    ['a login that was multi-factor in itself', ['hwk', 'mfa']],
  ])('SEC-36: states "mfa" for %s and a code', (_, first) => {
    expect(amrWithPhone(first)).toEqual([...first.filter((method) => method !== 'mfa'), 'otp', 'sms', 'mfa']);
  });

  it.each([
    ['nothing', []],
    ['another code by SMS', ['otp', 'sms']],
    ['a code by SMS that claims to be more', ['otp', 'sms', 'mfa']],
    ['a claim alone', ['mfa']],
    ['a call to the phone', ['tel']],
    ['where the person is', ['geo']],
    ['a low risk', ['rba']],
    ['another thing one has', ['swk']],
    ['a button pressed', ['user']],
    ['a word of the host’s own', ['magic_link']],
  ])('SEC-36: states no "mfa" for %s and a code', (_, first) => {
    expect(amrWithPhone(first)).not.toContain('mfa');
    expect(amrWithPhone(first)).toEqual(expect.arrayContaining(['otp', 'sms']));
  });

  it('SEC-36: names each method once, in order, and leaves what it was given alone', () => {
    const first = Object.freeze(['pwd', 'sms', 'pwd', 'mfa']);

    expect(amrWithPhone(first)).toEqual(['pwd', 'otp', 'sms', 'mfa']);
    expect(amrWithPhone(amrWithPhone(first))).toEqual(['pwd', 'otp', 'sms', 'mfa']);
  });
});
