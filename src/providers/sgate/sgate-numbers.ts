/**
 * The nine digits of a number in any format that the vendor accepts: `5xxxxxxxx`, `05xxxxxxxx`, `9665xxxxxxxx` and
 * `+9665xxxxxxxx`, as a string or, as on one of its pages, as a number. Anything else is `undefined`.
 */
export function localNumber(mobile: unknown): string | undefined {
  if (typeof mobile !== 'string' && typeof mobile !== 'number') return undefined;
  return /^(?:\+?966|0)?(5\d{8})$/.exec(String(mobile))?.[1];
}

/** Whether a value is a session id of the vendor: 32 characters, hexadecimal in every sample. */
export function isSession(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-z]{32}$/i.test(value);
}

/**
 * Test numbers of the vendor's sandbox, which sends them nothing, with the session id it always returns. Their code is
 * 123456. In production they are ordinary numbers with codes and sessions of their own.
 */
export const SANDBOX_SESSIONS: ReadonlyMap<string, string> = new Map([
  ['512345678', '10290d703f8254593ff93533f00af153'],
  ['500000001', 'a3f551d80f05a0e3e9056869fda18485'],
  ['500000002', 'e8cffbb22c2e09af7004c92b82a4275f'],
  ['500000003', '05121e9b019b6ac4bd938322dcaf73ef'],
  ['500000004', '9e1aac7c1f6719e12e3384ced6782887'],
  ['500000005', 'c6cfc53d34b2c93eaaa9d430397dead0'],
]);

const KNOWN_SESSIONS = new Set(SANDBOX_SESSIONS.values());

export function isSandboxSession(session: string): boolean {
  return KNOWN_SESSIONS.has(session.toLowerCase());
}
