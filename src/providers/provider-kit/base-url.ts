import ipaddr from 'ipaddr.js';

import { OtpConfigError } from '../../errors/otp.error.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * The only address that an adapter calls, validated at start-up, without a trailing slash. It may contain a path prefix, for
 * gateways.
 *
 * @param testMode also allows loopback addresses, with or without TLS, for simulators
 * @throws {@link OtpConfigError}; the message never repeats the URL, which may contain a password
 */
export function checkedBaseUrl(baseUrl: unknown, testMode: boolean): string {
  const url = parsed(baseUrl);
  if (url.username || url.password) refuse('must not contain a user name or password: pass keys in their own options');
  if (/[?#]/.test(baseUrl as string)) refuse('must not contain a query or fragment: end it after the path');

  if (testMode && LOOPBACK.has(url.hostname)) return trimmed(url);
  if (url.protocol !== 'https:')
    refuse('must begin with "https://" (plain http is allowed for loopback addresses in "testMode")');
  if (!isPublic(url.hostname)) {
    refuse('must be a public host, not a loopback, private or link-local address (loopback is allowed in "testMode")');
  }
  return trimmed(url);
}

function parsed(baseUrl: unknown): URL {
  const url = typeof baseUrl === 'string' && !/[\s\\]/.test(baseUrl) && URL.canParse(baseUrl) && new URL(baseUrl);
  if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  return refuse('must be an absolute URL such as "https://api.example.com"');
}

/** Checks literal IP addresses. Host names are trusted: only the operator can set them. */
function isPublic(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(address)) return ipaddr.parse(address).range() === 'unicast';
  return !/(^|\.)localhost\.?$/.test(hostname);
}

function trimmed(url: URL): string {
  return url.href.replace(/\/+$/, '');
}

function refuse(remedy: string): never {
  throw new OtpConfigError(`"baseUrl" ${remedy}.`);
}
