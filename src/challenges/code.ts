import { createHmac, randomInt } from 'node:crypto';

import { frame, type ResolvedPepper, type StoredMac } from '../crypto/keyed-hash.js';
import type { Handle } from './handle.js';

/** Draws a code of `length` digits, uniform over the whole range, so one in ten begins with 0 (ASVS 5.0 6.5.3). */
export function drawCode(length: number): string {
  return randomInt(10 ** length)
    .toString()
    .padStart(length, '0');
}

/** What a code is bound to: the challenge, the secret half of its handle, and the purpose. */
export interface CodeBinding extends Handle {
  purpose: string;
}

/**
 * MAC of a code, the only form in which codes are stored. It covers the pepper's id, both halves of the handle and the
 * purpose. A copy of the database holds neither pepper nor secret half, and a leaked pepper holds no secret half, so neither
 * alone allows a search for the code. Phone, subject, action and session are columns of the same row; the database functions
 * compare them.
 */
export class CodeMac {
  /** @param peppers the first one makes new MACs; all of them verify */
  constructor(private readonly peppers: readonly [ResolvedPepper, ...ResolvedPepper[]]) {}

  /** Returns the MAC to store, with the id of its pepper. */
  of(binding: CodeBinding, code: string): StoredMac {
    const [pepper] = this.peppers;
    return { keyId: pepper.id, mac: macOf(pepper, binding, code) };
  }

  /**
   * Returns one MAC per pepper, to compare with the stored one. SQL compares them by equality. An attacker without the
   * pepper cannot choose the compared bytes, so the duration of the comparison reveals nothing.
   */
  candidates(binding: CodeBinding, code: string): Buffer[] {
    return this.peppers.map((pepper) => macOf(pepper, binding, code));
  }
}

function macOf(
  { id: keyId, secret: pepper }: ResolvedPepper,
  { id, secret, purpose }: CodeBinding,
  code: string,
): Buffer {
  return createHmac('sha256', pepper)
    .update(frame(['nestjs-phone-otp code 1', keyId, id, secret, purpose, code]))
    .digest();
}
