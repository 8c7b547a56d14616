import { hash, verify } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';

/** Argon2id with the library's defaults, which follow OWASP: 19 MiB, 2 passes, 1 lane. */
export function hashPassword(password: string): Promise<string> {
  return hash(canonical(password));
}

/** Takes equally long without a hash, so that the time does not reveal who is a customer. */
export async function passwordFits(password: string, passwordHash: string | undefined): Promise<boolean> {
  const fits = await verify(passwordHash ?? (await nobodysHash), canonical(password));
  return fits && passwordHash !== undefined;
}

const nobodysHash = hashPassword(randomBytes(32).toString('base64'));

/** Normalizes a password, so that every keyboard produces the same characters. */
function canonical(password: string): string {
  return password.normalize('NFKC');
}
