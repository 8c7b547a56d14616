import { type INestApplication, Injectable } from '@nestjs/common';
import { type Caller, Callers } from 'nestjs-phone-otp';

/** A raw HTTP answer. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

/** Sends one request to a listening application. */
export async function send(app: INestApplication, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, await app.getUrl()), init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
}

/** Posts JSON. */
export function post(
  app: INestApplication,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(app, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Returns everything that could tell two answers apart, except what differs between any two starts. */
export function seen({ status, headers, text }: Answer): string {
  const fields = [...headers]
    .filter(([name]) => !['date', 'etag', 'retry-after'].includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  const body = text
    .replace(/"challenge":"[0-9a-f-]{36}\.[\w-]{22}"/, '"challenge":"…"')
    .replace(/"retryAfter":\d+/, '"retryAfter":"…"')
    .replace(/"phone":"\+966\*{7}\d\d"/, '"phone":"…"')
    .replaceAll(/At":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, 'At":"…"');
  return [status, ...fields, body].join('\n');
}

/** Trusts a header about who is signed in, as only a test may. */
@Injectable()
export class HeaderCallers extends Callers {
  async identify(request: unknown): Promise<Caller | null> {
    const { 'x-account': subject, 'x-session': session } = (request as { headers: Record<string, string | undefined> })
      .headers;
    return subject === undefined ? null : { subject, ...(session !== undefined && { session }) };
  }
}

export const headerCallers = { provide: Callers, useClass: HeaderCallers };
