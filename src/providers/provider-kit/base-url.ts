import ipaddr from 'ipaddr.js';

import { OtpConfigError } from '../../errors/otp.error.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * The one place an adapter calls, checked at start-up and without a slash at its end. A path in front of the vendor's
 * own is allowed, for gateways.
 *
 * @param testMode also allows this machine, with or without TLS, for simulators
 * @throws {@link OtpConfigError}; the URL itself is never repeated, since it may hold a password
 */
export function checkedBaseUrl(baseUrl: unknown, testMode: boolean): string {
  const url = parsed(baseUrl);
  if (url.username || url.password) refuse('must not carry a user name or password: keys have their own options');
  if (/[?#]/.test(baseUrl as string)) refuse('must not carry a query or fragment: end it after the path');

  if (testMode && LOOPBACK.has(url.hostname)) return trimmed(url);
  if (url.protocol !== 'https:') refuse('must begin with "https://" (plain http: this machine only, in "testMode")');
  if (!isPublic(url.hostname)) {
    refuse('must name a public host, not a loopback, private or link-local address (this machine: only in "testMode")');
  }
  return trimmed(url);
}

function parsed(baseUrl: unknown): URL {
  const url = typeof baseUrl === 'string' && !/[\s\\]/.test(baseUrl) && URL.canParse(baseUrl) && new URL(baseUrl);
  if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  return refuse('must be an absolute URL such as "https://api.example.com"');
}

/** Of addresses written as such; a name is the operator's word, and nobody else can set it. */
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
