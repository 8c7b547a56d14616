import { hash as digest } from 'node:crypto';

import { v7 as uuidv7 } from 'uuid';

import type { KeyedHash } from '../crypto/keyed-hash.js';
import { drawBytes } from '../crypto/random.js';

/**
 * The client's reference to a challenge, written `<id>.<secret half>`. The id finds the row and may be logged. The secret
 * half is stored as a hash only and never logged. Without the handle, a client cannot even attempt a code.
 */
export interface Handle {
  /** UUID version 7. Its time part keeps new rows together in the index and has no other use. */
  readonly id: string;
  /** 128 random bits. */
  readonly secret: Buffer;
}

const SECRET_BYTES = 16;
const FORM = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([\w-]{22})$/;

const newId = (): string => uuidv7({ rng: () => drawBytes(16) });

export function newHandle(): Handle {
  return { id: newId(), secret: drawBytes(SECRET_BYTES) };
}

/**
 * Makes the handle of a signed-in account's challenge. Its secret half is derived from the id with a key that only the server
 * has, so a second request within the cooldown can return the same handle.
 */
export function derivedHandle(hash: KeyedHash, id: string = newId()): Handle {
  return { id, secret: hash.of('handle', id) };
}

export function formatHandle({ id, secret }: Handle): string {
  return `${id}.${secret.toString('base64url')}`;
}

/** @returns undefined for anything that is not a handle, of any type */
export function parseHandle(input: unknown): Handle | undefined {
  const [, id, secret] = (typeof input === 'string' && FORM.exec(input)) || [];
  return id === undefined || secret === undefined ? undefined : { id, secret: Buffer.from(secret, 'base64url') };
}

/** Hashes the secret half. It is random, so a plain hash protects it. */
export function handleHash({ secret }: Handle): Buffer {
  return digest('sha256', secret, 'buffer');
}
