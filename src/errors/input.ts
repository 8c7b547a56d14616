import { OtpError } from './otp.error.js';

// Hosts call with what a request held, so the types promise nothing: a look-up must never run with a missing criterion.

/** PostgreSQL stores no NUL, and half a surrogate pair would be stored as the same sign as every other half. */
const TEXT = /^[^\0\p{Cs}]{1,256}$/u;

/** Whether a database can hold it, of whatever length. */
export function isStorable(text: string): boolean {
  return !/[\0\p{Cs}]/u.test(text);
}

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

/** @throws {@link OtpError} `request_invalid` for anything but a moment, which a proof that travelled as JSON no longer holds */
export function requireDate(field: string, value: unknown): void {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return;
  throw new OtpError('request_invalid', `"${field}" must be a date.`);
}

export interface ReadClient {
  address?: string;
  deviceKey?: string;
  botToken?: string;
}

const MAX_BOT_TOKEN = 4096;

/** @throws {@link OtpError} `request_invalid` for anything but a {@link Client} */
export function readClient(client: unknown): ReadClient {
  if (client === 'server') return {};
  const { address, deviceKey, botToken } = (client ?? {}) as Record<keyof ReadClient, unknown>;
  if (typeof address !== 'string' || address === '' || address.length > 64) {
    throw new OtpError('request_invalid', `"client" must be "server" or hold the client's "address".`);
  }
  if (deviceKey !== undefined && !isBetween(deviceKey, 16, 256)) {
    throw new OtpError('request_invalid', '"client.deviceKey" must be a string of 16 to 256 characters.');
  }
  if (botToken !== undefined && !isBetween(botToken, 1, MAX_BOT_TOKEN)) {
    throw new OtpError('request_invalid', `"client.botToken" must be a string of 1 to ${MAX_BOT_TOKEN} characters.`);
  }
  return { address, ...(deviceKey !== undefined && { deviceKey }), ...(botToken !== undefined && { botToken }) };
}

function isBetween(text: unknown, min: number, max: number): text is string {
  return typeof text === 'string' && text.length >= min && text.length <= max;
}

/** @throws {@link OtpError} `request_invalid` for anything but a string, or nothing at all */
export function readLocale(locale: unknown): string | undefined {
  if (locale === undefined || typeof locale === 'string') return locale;
  throw new OtpError('request_invalid', '"locale" must be a string.');
}
