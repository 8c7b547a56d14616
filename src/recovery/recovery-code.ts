import { createHash, randomBytes } from 'node:crypto';

import { frame } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import { normalizeTyped } from '../phone/digits.js';

/** Crockford's base 32: without the ambiguous letters I, L, O and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const FORM = new RegExp(`^[${ALPHABET}]+$`);
/** 125 bits. With at least 112 bits, a plain hash is enough to protect a code in a leaked database (NIST SP 800-63B-4 §3.1.2.2). */
const LENGTH = 25;
const GROUP = /.{5}(?=.)/g;
/** Separators that people type between groups or copy along. */
const BETWEEN = /[\p{Zs}\p{Pd}\u2212]/gu;

/** Draws a new code in its display form: `7ZK3M-Q0V5R-…`. */
export function drawRecoveryCode(): string {
  // 256 is a multiple of 32, so all characters are equally likely.
  const characters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
  return characters.join('').replace(GROUP, '$&-');
}

/**
 * Normalizes a typed code. Accepts both cases, digits of any script, and codes with or without separators.
 * @throws {@link OtpError} `code_malformed`
 */
export function readRecoveryCode(typed: unknown): string {
  const code = normalizeTyped(typed)?.replace(BETWEEN, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
  if (code?.length === LENGTH && FORM.test(code)) return code;
  throw new OtpError('code_malformed', `A recovery code has ${LENGTH} letters and digits.`);
}

/** Hashes a code for storage, bound to its account. It uses no pepper, because codes must survive pepper rotation. */
export function recoveryCodeHash(account: string, code: string): Buffer {
  return createHash('sha256')
    .update(frame(['nestjs-phone-otp recovery code 1', account, readRecoveryCode(code)]))
    .digest();
}
