import { OtpError } from './otp.error.js';

// Hosts pass values straight from requests, so the types guarantee nothing: a query must never run with a missing criterion.

/** PostgreSQL cannot store NUL, and lone surrogates would all be stored as the same character. */
const TEXT = /^[^\0\p{Cs}]{1,256}$/u;

/** Whether PostgreSQL can store a text, regardless of its length. */
export function isStorable(text: string): boolean {
  return !/[\0\p{Cs}]/u.test(text);
}

/** @throws {@link OtpError} `request_invalid` for anything but an object with fields */
export function requireObject(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new OtpError('request_invalid', `${what} must be an object.`);
}

/** @throws {@link OtpError} `request_invalid` for anything but a storable string of 1 to 256 characters */
export function requireText(field: string, value: unknown): string {
  if (typeof value === 'string' && TEXT.test(value)) return value;
  throw new OtpError('request_invalid', `"${field}" must be a string of 1 to 256 characters.`);
}

/** @throws {@link OtpError} `request_invalid` for anything but a valid `Date`; a proof that went through JSON no longer has one */
export function requireDate(field: string, value: unknown): void {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return;
  throw new OtpError('request_invalid', `"${field}" must be a "Date".`);
}

/** A validated {@link Client}; empty for `server`. */
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
    throw new OtpError('request_invalid', `"client" must be "server" or an object with the client's "address".`);
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

/** @throws {@link OtpError} `request_invalid` for anything but a string or undefined */
export function readLocale(locale: unknown): string | undefined {
  if (locale === undefined || typeof locale === 'string') return locale;
  throw new OtpError('request_invalid', '"locale" must be a string.');
}
