import { createHash, randomBytes } from 'node:crypto';

import { frame } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from '../phone/digits.js';

/** Crockford's base 32: without I, L, O and U, which hands and eyes confuse. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const FORM = new RegExp(`^[${ALPHABET}]+$`);
/** 125 bits, where 112 are enough for a plain hash to keep them from whoever has the database (NIST SP 800-63B-4 §3.1.2.2). */
const LENGTH = 25;
const GROUP = /.{5}(?=.)/g;
/** What people write between groups, or copy along. */
const BETWEEN = /[\p{Zs}\p{Pd}\u2212]/gu;

/** A new code, as people note it: `7ZK3M-Q0V5R-…`. */
export function drawRecoveryCode(): string {
  // 256 is a multiple of 32, so each sign is as likely as any other.
  const signs = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
  return signs.join('').replace(GROUP, '$&-');
}

/**
 * The signs that were meant: in either case, digits of any script, with or without what stands between the groups.
 * @throws {@link OtpError} `code_malformed`
 */
export function readRecoveryCode(typed: unknown): string {
  const signs = normalizeTyped(typed)?.replace(BETWEEN, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
  if (signs?.length === LENGTH && FORM.test(signs)) return signs;
  throw new OtpError('code_malformed', `A recovery code has ${LENGTH} letters and digits.`);
}

/** The form in which a code is stored: bound to its account, and without a pepper, whose rotation it must outlive. */
export function recoveryCodeHash(account: string, code: string): Buffer {
  return createHash('sha256')
    .update(frame(['nestjs-phone-otp recovery code 1', account, readRecoveryCode(code)]))
    .digest();
}
