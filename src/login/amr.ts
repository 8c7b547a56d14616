/** What a code by SMS proves (RFC 8176 §2). A single factor, so "mfa" is not among it. */
export const PHONE_AMR: readonly string[] = ['otp', 'sms'];

/**
 * The `amr` of a login in which a code by SMS was the second step: `["pwd"]` becomes `["pwd", "otp", "sms", "mfa"]`.
 * `mfa` is stated only where the first step was another factor than the phone (NIST SP 800-63B-4 §2.2.1).
 */
export function amrWithPhone(first: readonly string[]): string[] {
  const others = first.filter((method) => !PHONE_AMR.includes(method) && method !== 'mfa');
  return [...others, ...PHONE_AMR, ...(others.length > 0 ? ['mfa'] : [])];
}
