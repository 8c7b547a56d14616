import { createHash, randomBytes } from 'node:crypto';

/** Token of a trusted device, written `<series>.<secret>`. The series lasts as long as the trust; the secret changes with each use. */
export interface DeviceToken {
  /** 128 random bits that find the row. */
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

/** @returns undefined for anything that is not a token, of any type */
export function parseDeviceToken(input: unknown): DeviceToken | undefined {
  const [, series, secret] = (typeof input === 'string' && FORM.exec(input)) || [];
  return series === undefined || secret === undefined ? undefined : { series, secret };
}

/** Hashes both halves. They are random, so plain hashes protect them. Hashes the text, because decoding ignores bits of its last character. */
export function deviceTokenHashes({ series, secret }: DeviceToken): { seriesHash: Buffer; secretHash: Buffer } {
  const hash = (half: string) => createHash('sha256').update(half).digest();
  return { seriesHash: hash(series), secretHash: hash(secret) };
}
