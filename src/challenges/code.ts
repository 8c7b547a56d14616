import { createHmac, randomInt } from 'node:crypto';

import { frame, type ResolvedPepper, type StoredMac } from '../crypto/keyed-hash.js';
import type { Handle } from './handle.js';

/** A code of `length` digits, uniform over the whole range, so one in ten begins with 0 (ASVS 5.0 6.5.3). */
export function drawCode(length: number): string {
  return randomInt(10 ** length)
    .toString()
    .padStart(length, '0');
}

/** What a code is good for: this challenge, in the hands of whoever holds its secret half, for this purpose. */
export interface CodeBinding extends Handle {
  purpose: string;
}

/**
 * The only form in which a code is stored. It covers the pepper's id, both halves of the handle and the purpose, so
 * neither a copy of the database (no pepper, no secret half) nor a leaked pepper alone lets anyone search the codes.
 * Phone, subject, action and session are columns of the same row, which the functions compare.
 */
export class CodeMac {
  /** @param peppers the first writes, all read */
  constructor(private readonly peppers: readonly [ResolvedPepper, ...ResolvedPepper[]]) {}

  /** The MAC to store, with the id of its pepper. */
  of(binding: CodeBinding, code: string): StoredMac {
    const [pepper] = this.peppers;
    return { keyId: pepper.id, mac: macOf(pepper, binding, code) };
  }

  /**
   * One MAC per readable pepper. They are compared in SQL by equality: whoever lacks the pepper cannot choose the bytes
   * that are compared, so the time of the comparison tells nothing.
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
