import { amrWithPhone, PHONE_AMR } from './amr.js';

describe('amrWithPhone', () => {
  it('SEC-36: treats a code alone as a single factor', () => {
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
    ['a login that is already multi-factor', ['hwk', 'mfa']],
  ])('SEC-36: includes "mfa" for %s and a code', (_, first) => {
    expect(amrWithPhone(first)).toEqual([...first.filter((method) => method !== 'mfa'), 'otp', 'sms', 'mfa']);
  });

  it.each([
    ['nothing', []],
    ['another code by SMS', ['otp', 'sms']],
    ['a code by SMS that claims to be multi-factor', ['otp', 'sms', 'mfa']],
    ['a claim of "mfa" alone', ['mfa']],
    ['a call to the phone', ['tel']],
    ['the user’s location', ['geo']],
    ['a low risk', ['rba']],
    ['another possession factor', ['swk']],
    ['a pressed button', ['user']],
    ['a method of the host’s own', ['magic_link']],
  ])('SEC-36: omits "mfa" for %s and a code', (_, first) => {
    expect(amrWithPhone(first)).not.toContain('mfa');
    expect(amrWithPhone(first)).toEqual(expect.arrayContaining(['otp', 'sms']));
  });

  it('SEC-36: lists each method once, in order, and does not modify its input', () => {
    const first = Object.freeze(['pwd', 'sms', 'pwd', 'mfa']);

    expect(amrWithPhone(first)).toEqual(['pwd', 'otp', 'sms', 'mfa']);
    expect(amrWithPhone(amrWithPhone(first))).toEqual(['pwd', 'otp', 'sms', 'mfa']);
  });
});
