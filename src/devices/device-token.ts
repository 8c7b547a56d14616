import { createHash, randomBytes } from 'node:crypto';

/** What a trusted device holds, written `<series>.<secret>`. The series stays as long as the trust; the secret is another after each use. */
export interface DeviceToken {
  /** 128 random bits, which find the row. */
  readonly series: string;
  /** 256 random bits. */
  readonly secret: string;
}

const FORM = /^([\w-]{22})\.([\w-]{43})$/;

export function newDeviceToken(series = randomBytes(16).toString('base64url')): DeviceToken {
  return { series, secret: randomBytes(32).toString('base64url') };
}

export function formatDeviceToken({ series, secret }: DeviceToken): string {
  return `${series}.${secret}`;
}

/** Undefined for anything that is not a token, whatever its type. */
export function parseDeviceToken(input: unknown): DeviceToken | undefined {
  const [, series, secret] = (typeof input === 'string' && FORM.exec(input)) || [];
  return series === undefined || secret === undefined ? undefined : { series, secret };
}

/** Both halves are random, so plain hashes keep them. Of the text: its last character has bits that decoding ignores. */
export function deviceTokenHashes({ series, secret }: DeviceToken): { seriesHash: Buffer; secretHash: Buffer } {
  const hash = (half: string) => createHash('sha256').update(half).digest();
  return { seriesHash: hash(series), secretHash: hash(secret) };
}
