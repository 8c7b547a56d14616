import { hash as digest } from 'node:crypto';

import { v7 as uuidv7 } from 'uuid';

import type { KeyedHash } from '../crypto/keyed-hash.js';
import { drawBytes } from '../crypto/random.js';

/**
 * What the client holds of a challenge, written `<id>.<secret half>`. The id finds the row and may be logged; the secret
 * half is stored as a hash only and never logged. Whoever did not start the challenge cannot even try a code on it.
 */
export interface Handle {
  /** UUID version 7: its time part only keeps new rows together in the index. */
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
 * The handle of a signed-in account's challenge: its secret half is made of the id and a key that only the server has, so
 * that whoever asks again within the cooldown can be given the same one.
 */
export function derivedHandle(hash: KeyedHash, id: string = newId()): Handle {
  return { id, secret: hash.of('handle', id) };
}

export function formatHandle({ id, secret }: Handle): string {
  return `${id}.${secret.toString('base64url')}`;
}

/** Undefined for anything that is not a handle, whatever its type. */
export function parseHandle(input: unknown): Handle | undefined {
  const [, id, secret] = (typeof input === 'string' && FORM.exec(input)) || [];
  return id === undefined || secret === undefined ? undefined : { id, secret: Buffer.from(secret, 'base64url') };
}

/** The secret half is random, so a plain hash keeps it. */
export function handleHash({ secret }: Handle): Buffer {
  return digest('sha256', secret, 'buffer');
}
