/** The `amr` values of a code by SMS (RFC 8176 §2). It is a single factor, so "mfa" is not included. */
export const PHONE_AMR: readonly string[] = Object.freeze(['otp', 'sms']);

/** Methods that prove knowledge or inherence (RFC 8176 §2). A phone proves possession. */
const OTHER_FACTORS: ReadonlySet<string> = new Set(['pwd', 'pin', 'face', 'fpt', 'iris', 'retina', 'vbm']);

/**
 * The `amr` of a login with a code by SMS as its second step: `["pwd"]` becomes `["pwd", "otp", "sms", "mfa"]`.
 * `mfa` is included only if the first step was a factor of a different kind than the phone, or already included it (NIST SP
 * 800-63B-4 §2.2.1). A call to the same phone, a location or a second possession factor does not qualify.
 */
export function amrWithPhone(first: readonly string[]): string[] {
  const others = first.filter((method) => !PHONE_AMR.includes(method) && method !== 'mfa');
  const isMultiFactor =
    others.some((method) => OTHER_FACTORS.has(method)) || (others.length > 0 && first.includes('mfa'));
  return [...new Set([...others, ...PHONE_AMR, ...(isMultiFactor ? ['mfa'] : [])])];
}
