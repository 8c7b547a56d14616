import { hash } from '@node-rs/argon2';

/** Argon2id with the library's defaults, which are those of OWASP: 19 MiB, 2 passes, 1 lane. */
export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFKC')); // the same characters, whatever keyboard they come from
}
