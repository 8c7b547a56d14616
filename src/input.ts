import { OtpError } from './otp.error.js';

// Hosts call with what a request held, so the types promise nothing: a look-up must never run with a missing criterion.

/** PostgreSQL stores no NUL, and half a surrogate pair would be stored as the same sign as every other half. */
const TEXT = /^[^\0\p{Cs}]{1,256}$/u;

/** @throws {@link OtpError} `request_invalid` for anything but an object with fields */
export function requireObject(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new OtpError('request_invalid', `${what} must be an object.`);
}

/** @throws {@link OtpError} `request_invalid` for anything but an id of sensible length */
export function requireText(field: string, value: unknown): string {
  if (typeof value === 'string' && TEXT.test(value)) return value;
  throw new OtpError('request_invalid', `"${field}" must be a string of 1 to 256 characters.`);
}

/** @throws {@link OtpError} `request_invalid` for anything but a {@link Client} */
export function readClient(client: unknown): { address?: string; deviceKey?: string } {
  if (client === 'server') return {};
  const { address, deviceKey } = (client ?? {}) as { address?: unknown; deviceKey?: unknown };
  if (typeof address !== 'string' || address === '' || address.length > 64) {
    throw new OtpError('request_invalid', `"client" must be "server" or hold the client's "address".`);
  }
  if (deviceKey === undefined) return { address };
  if (typeof deviceKey === 'string' && deviceKey.length >= 16 && deviceKey.length <= 256) return { address, deviceKey };
  throw new OtpError('request_invalid', '"client.deviceKey" must be a string of 16 to 256 characters.');
}

/** @throws {@link OtpError} `request_invalid` for anything but a string, or nothing at all */
export function readLocale(locale: unknown): string | undefined {
  if (locale === undefined || typeof locale === 'string') return locale;
  throw new OtpError('request_invalid', '"locale" must be a string.');
}
