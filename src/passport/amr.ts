/** What a code by SMS proves (RFC 8176 §2). A single factor, so "mfa" is not among it. */
export const PHONE_AMR: readonly string[] = Object.freeze(['otp', 'sms']);

/** Methods that prove something known or inherent (RFC 8176 §2), where a phone is something one has. */
const OTHER_FACTORS: ReadonlySet<string> = new Set(['pwd', 'pin', 'face', 'fpt', 'iris', 'retina', 'vbm']);

/**
 * The `amr` of a login in which a code by SMS was the second step: `["pwd"]` becomes `["pwd", "otp", "sms", "mfa"]`.
 * `mfa` is stated only where the first step was a factor of another kind than the phone, or stated it itself (NIST SP
 * 800-63B-4 §2.2.1): a call to the same phone, a place or a second thing one has do not make it so.
 */
export function amrWithPhone(first: readonly string[]): string[] {
  const others = first.filter((method) => !PHONE_AMR.includes(method) && method !== 'mfa');
  const isMultiFactor =
    others.some((method) => OTHER_FACTORS.has(method)) || (others.length > 0 && first.includes('mfa'));
  return [...new Set([...others, ...PHONE_AMR, ...(isMultiFactor ? ['mfa'] : [])])];
}
