import { hash as digest } from 'node:crypto';

import { drawBytes } from './random.js';

/** A parsed grant: its id, which finds the row, and the hash of its secret half. Only the hash is stored. */
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

/** Hashes the secret half. It has 256 random bits, so a plain hash protects it. */
export function grantHash(secret: Buffer): Buffer {
  return digest('sha256', secret, 'buffer');
}

/** Joins id and secret half in one text of 64 characters. */
export function formatGrant(id: string, secret: Buffer): string {
  return Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), secret]).toString('base64url');
}

/** @returns undefined for anything that is not a grant, of any type */
export function parseGrant(input: unknown): GrantToken | undefined {
  if (typeof input !== 'string' || !FORM.test(input)) return undefined;
  const bytes = Buffer.from(input, 'base64url');
  const id = bytes.toString('hex', 0, ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return { id, hash: grantHash(bytes.subarray(ID_BYTES)) };
}
