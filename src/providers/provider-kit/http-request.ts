import { REDACTED, Secret } from './secret.js';

/** Names and values of headers or form fields. A {@link Secret} is sent in plain text and displayed masked. */
export type HttpFields = Readonly<Record<string, string | Secret>>;

/** One call to the vendor. Pass keys and typed codes as {@link Secret}s, in headers or body, never in the path. */
export interface HttpRequest {
  /** @defaultValue 'POST' */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Path after the base URL: a constant of the adapter, such as `/verify.php`, possibly with ids from the vendor. */
  readonly path: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly bearer?: Secret;
  /** Sent as `Authorization: Basic …` (RFC 7617). */
  readonly basic?: { readonly user: string; readonly password: Secret };
  /** Further headers. */
  readonly headers?: HttpFields;
  /** The body as JSON. */
  readonly json?: unknown;
  /** The body as `multipart/form-data`, instead of `json`. */
  readonly form?: HttpFields;
  /** The body as `application/x-www-form-urlencoded`, instead of `json`. */
  readonly urlencoded?: HttpFields;
  /** Returns signature headers for the JSON text exactly as sent, or for an empty string if there is no body. */
  readonly sign?: (json: string) => HttpFields;
  /** Fields of the JSON response that are masked when it is displayed, such as one that contains a code. */
  readonly conceal?: readonly string[];
}

/** A request in two forms: as sent, and as displayed. */
export interface ComposedRequest {
  readonly method: NonNullable<HttpRequest['method']>;
  readonly headers: Record<string, string>;
  readonly body: string | FormData | null;
  readonly shown: { readonly headers: Record<string, string>; readonly body: string };
  /** Masks this request's secrets and the concealed fields in a response. */
  mask(text: string): string;
}

export function compose(request: HttpRequest): ComposedRequest {
  const { method = 'POST', bearer, basic, headers, json, form, urlencoded, sign, conceal = [] } = request;
  const secrets = new Set<string>();
  const expose = (secret: Secret) => {
    secrets.add(secret.expose());
    return secret.expose();
  };
  const reveal = (value: unknown) => (value instanceof Secret ? expose(value) : value);
  const bodyOf = () => {
    if (form) return formData(map(form, reveal));
    if (urlencoded) return new URLSearchParams(map(urlencoded, reveal)).toString();
    return method === 'POST' ? text : null;
  };

  const base64 = basic && Buffer.from(`${basic.user}:${expose(basic.password)}`).toString('base64');
  const [scheme, credentials] = base64 ? ['Basic', new Secret(base64)] : ['Bearer', bearer];
  const text = json === undefined ? '' : stringify(json, reveal);
  const shownForm = form ?? urlencoded;
  const fields = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(urlencoded && { 'content-type': 'application/x-www-form-urlencoded' }),
    ...headers,
    ...sign?.(text),
  };

  return {
    method,
    headers: { ...map(fields, reveal), ...(credentials && { authorization: `${scheme} ${expose(credentials)}` }) },
    body: bodyOf(),
    shown: {
      headers: { ...map(fields, String), ...(credentials && { authorization: `${scheme} ${REDACTED}` }) },
      body: shownForm ? JSON.stringify(map(shownForm, String)) : json === undefined ? '' : JSON.stringify(json),
    },
    mask: (answer) => conceal.reduce(concealField, [...secrets].reduce(hide, answer)),
  };
}

/** `JSON.stringify` calls `Secret.toJSON` before the replacer, so the replacer reads the property itself. */
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
 * Masks a secret only where it is a whole word: a short code must not be masked inside a longer number. The vendor's JSON
 * may escape any character with a backslash.
 */
function hide(text: string, secret: string): string {
  const signs = secret.replace(/\W/g, '\\\\?\\$&');
  return text.replace(new RegExp(`(?<!\\w)${signs}(?!\\w)`, 'g'), REDACTED);
}

/** Masks a field's value: a string, a number, or an unterminated string, as in a truncated response. */
function concealField(text: string, name: string): string {
  return text.replace(
    new RegExp(`("${name}"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*(?:"|$)|[^\\s,}\\]]+)`, 'g'),
    `$1"${REDACTED}"`,
  );
}
