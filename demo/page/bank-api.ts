import { learnTime, ours } from './clock.js';
import { language } from './language.js';
import { type Asked, tab, usePhone } from './tab.js';

/** A failed call to the bank: a problem (RFC 9457), or no connection. */
export class Problem extends Error {
  /** When the same call may succeed, if the bank said so. */
  readonly retryAt: number | undefined;

  constructor(
    readonly code: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(code);
    this.retryAt = typeof body.retryAfter === 'number' ? Date.now() + body.retryAfter * 1000 : undefined;
  }
}

interface Call {
  body?: object;
  grant?: string;
}

/** Calls the bank as the signed-in customer. @throws {Problem} */
export async function call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, { body, grant }: Call = {}): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers: {
        'Accept-Language': language(),
        ...(body && { 'Content-Type': 'application/json' }),
        ...(tab.token !== undefined && { Authorization: `Bearer ${tab.token}` }),
        ...(grant !== undefined && { 'OTP-Grant': grant }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new Problem('offline');
  }
  learnTime(response.headers.get('date'));
  const answer = read(text);
  const { code } = answer;
  if (!response.ok) throw new Problem(typeof code === 'string' ? code : 'internal_server_error', answer);
  return answer as T;
}

function read(text: string): Record<string, unknown> {
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Requests a code for a phone as typed. */
export async function start(phone: string, purpose: string): Promise<Asked> {
  const body = { phone, purpose, locale: language() };
  const asked = askedFrom(await call<Record<string, unknown>>('POST', '/otp/start', { body }));
  usePhone(phone);
  return asked;
}

export async function resend(challenge: string): Promise<Asked> {
  return askedFrom(await call('POST', '/otp/resend', { body: { challenge } }));
}

/** What a verified code gives. */
export function verify(
  { challenge }: Asked,
  code: string,
  purpose: string,
): Promise<{ grant: string; expiresAt: string }> {
  return call('POST', '/otp/verify', { body: { challenge, code, purpose } });
}

/** Returns the challenge of a call that needs a code. @throws every other problem */
export async function asksForCode(calling: Promise<unknown>): Promise<Asked> {
  try {
    await calling;
  } catch (problem) {
    if (problem instanceof Problem && problem.code === 'insufficient_user_authentication' && problem.body.challenge) {
      return askedFrom(problem.body);
    }
    throw problem;
  }
  throw new Problem('internal_server_error');
}

function askedFrom(answer: Record<string, unknown>): Asked {
  const { challenge, phone, expiresAt, resendAt, codeLength } = answer as Record<string, string>;
  return {
    challenge: challenge!,
    phone: phone!,
    expiresAt: ours(expiresAt!),
    resendAt: ours(resendAt!),
    codeLength: Number(codeLength),
  };
}
