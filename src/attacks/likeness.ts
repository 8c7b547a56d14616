import type { AttackAnswer } from './target.js';

/** Fields that differ between any two answers. */
const OWN_FIELDS = ['challenge', 'phone', 'expiresAt', 'resendAt', 'retryAfter', 'correlationId'];
const OWN_HEADERS =
  /^(date|etag|retry-after|content-length|set-cookie|x-request-id|x-correlation-id|(x-)?ratelimit.*)$/;

/** Returns the parts in which two answers differ. */
export function differences(one: AttackAnswer, other: AttackAnswer): string[] {
  const [a, b] = [partsOf(one), partsOf(other)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((part) => a.get(part) !== b.get(part));
}

/** The time difference that cannot be measured over a network, in milliseconds. */
const INAUDIBLE_MS = 1;

/**
 * Tells whether two sets of times do not overlap and so reveal their kind. Eight of each do so by chance once in 6435
 * times.
 */
export function areApart(one: readonly number[], other: readonly number[]): boolean {
  const gap = Math.max(Math.min(...other) - Math.max(...one), Math.min(...one) - Math.max(...other));
  return gap > INAUDIBLE_MS;
}

function partsOf({ status, headers, json, text }: AttackAnswer): Map<string, string> {
  const parts = new Map([['the status', String(status)]]);
  for (const [name, value] of headers) parts.set(`the header ${name}`, OWN_HEADERS.test(name) ? '' : value);
  for (const [name, value] of Object.entries(json)) {
    parts.set(`the field ${name}`, OWN_FIELDS.includes(name) ? shapeOf(value) : JSON.stringify(value));
  }
  if (Object.keys(json).length === 0) parts.set('the body', text);
  return parts;
}

function shapeOf(value: unknown): string {
  return `${typeof value} ${typeof value === 'string' ? value.length : ''}`;
}
