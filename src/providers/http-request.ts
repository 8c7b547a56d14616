import { REDACTED, Secret } from './secret.js';

/** Names and values of headers or form fields. A {@link Secret} is sent in the clear and shown masked. */
export type HttpFields = Readonly<Record<string, string | Secret>>;

/** One POST to the vendor. Keys and typed codes go in as {@link Secret}s, in headers or body, never in the path. */
export interface HttpRequest {
  /** What follows the base URL: a constant of the adapter, such as `/verify.php`, never made of input. */
  readonly path: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly bearer?: Secret;
  readonly headers?: HttpFields;
  /** The body as JSON. */
  readonly json?: unknown;
  /** The body as `multipart/form-data`, instead of `json`. */
  readonly form?: HttpFields;
  /** Headers over the JSON text exactly as it is sent, for vendors that want it signed. */
  readonly sign?: (json: string) => HttpFields;
}

/** A request in two forms: as it is sent, and as it may be shown. */
export interface ComposedRequest {
  readonly headers: Record<string, string>;
  readonly body: string | FormData;
  readonly shown: { readonly headers: Record<string, string>; readonly body: string };
  /** Hides this request's secrets in a text, such as an answer that repeats them. */
  mask(text: string): string;
}

export function compose({ bearer, headers, json, form, sign }: HttpRequest): ComposedRequest {
  const secrets = new Set<string>();
  const expose = (secret: Secret) => {
    secrets.add(secret.expose());
    return secret.expose();
  };
  const reveal = (value: unknown) => (value instanceof Secret ? expose(value) : value);

  const text = json === undefined ? '' : stringify(json, reveal);
  const fields = { ...(json !== undefined && { 'content-type': 'application/json' }), ...headers, ...sign?.(text) };

  return {
    headers: { ...map(fields, reveal), ...(bearer && { authorization: `Bearer ${expose(bearer)}` }) },
    body: form ? formData(map(form, reveal)) : text,
    shown: {
      headers: { ...map(fields, String), ...(bearer && { authorization: `Bearer ${REDACTED}` }) },
      body: form ? JSON.stringify(map(form, String)) : json === undefined ? '' : JSON.stringify(json),
    },
    mask: (answer) => [...secrets].reduce(hide, answer),
  };
}

/** `Secret.toJSON` speaks before a replacer does, so the replacer looks at the property itself. */
function stringify(json: unknown, reveal: (value: unknown) => unknown): string {
  return JSON.stringify(json, function (this: Record<string, unknown>, name, value: unknown) {
    return this[name] instanceof Secret ? reveal(this[name]) : value;
  });
}

function map(fields: HttpFields, to: (value: unknown) => unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, to(value) as string]));
}

function formData(fields: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

/**
 * Only where the secret stands alone: a short code must not make holes in other numbers. A vendor's JSON may put a
 * backslash before any sign in it.
 */
function hide(text: string, secret: string): string {
  const signs = secret.replace(/\W/g, '\\\\?\\$&');
  return text.replace(new RegExp(`(?<!\\w)${signs}(?!\\w)`, 'g'), REDACTED);
}
