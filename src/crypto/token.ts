import { hash as digest } from 'node:crypto';

import { drawBytes } from './random.js';

/** What the client holds of a grant: its id, which finds the row, and a secret half, which is stored as a hash only. */
export interface GrantToken {
  readonly id: string;
  readonly hash: Buffer;
}

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const FORM = /^[\w-]{64}$/;

export function newGrantSecret(): Buffer {
  return drawBytes(SECRET_BYTES);
}

/** The secret half is 256 random bits, so a plain hash keeps it. */
export function grantHash(secret: Buffer): Buffer {
  return digest('sha256', secret, 'buffer');
}

/** Both halves in one text of 64 characters. */
export function formatGrant(id: string, secret: Buffer): string {
  return Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), secret]).toString('base64url');
}

/** Undefined for anything that is not a grant, whatever its type. */
export function parseGrant(input: unknown): GrantToken | undefined {
  if (typeof input !== 'string' || !FORM.test(input)) return undefined;
  const bytes = Buffer.from(input, 'base64url');
  const id = bytes.toString('hex', 0, ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return { id, hash: grantHash(bytes.subarray(ID_BYTES)) };
}
