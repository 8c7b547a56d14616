import { Logger } from '@nestjs/common';

import type { OptionNames } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { checkedBaseUrl } from './base-url.js';
import { compose, type ComposedRequest, type HttpRequest } from './http-request.js';
import type { ProviderCall } from '../../delivery/provider.js';

/** Options that every adapter with an HTTP API accepts. */
export interface HttpClientOptions {
  /**
   * Address of the vendor: an https URL of a public host, without query. Change it for a gateway, or for a simulator in `testMode`.
   * @defaultValue the vendor's documented address
   */
  baseUrl?: string;
  /** Replaces the built-in `fetch`, for example to use a proxy or an agent. It must refuse redirects itself. */
  fetch?: typeof fetch;
  /** Allows a loopback address in `baseUrl`, for simulators. In production, an application with such an adapter does not start. @defaultValue false */
  testMode?: boolean;
  /**
   * Called after each exchange, for demonstrations and tests. Keys and typed codes are masked, phone numbers are not: do not
   * use it for a production log. It cannot delay a call or change its outcome.
   */
  onExchange?: (exchange: HttpExchange) => unknown;
}

export const HTTP_CLIENT_OPTIONS = {
  baseUrl: true,
  fetch: true,
  testMode: true,
  onExchange: true,
} satisfies OptionNames<HttpClientOptions>;

/** A call as it may be displayed, with secrets masked. */
export interface HttpExchange {
  /** Name of the adapter, such as `taqnyat-verify`. */
  readonly provider: string;
  readonly request: {
    readonly method: 'GET' | 'POST' | 'DELETE';
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  /** The response, or why there is none. */
  readonly response: { readonly status: number; readonly body: string } | HttpFault;
  /** The adapter's interpretation, such as `sent` or `incorrect_code`. */
  readonly outcome: string;
  /** Duration of the call, in milliseconds. */
  readonly ms: number;
  /** Start of the call. */
  readonly at: Date;
}

/** Result of a call. A fault is a value, not an exception, whose message could quote a key. */
export type HttpReply = HttpAnswer | HttpFault;

/** A complete response. */
export interface HttpAnswer {
  readonly kind: 'answer';
  /** HTTP status; never a redirect. */
  readonly status: number;
  readonly headers: Headers;
  /** The `Retry-After` header in whole seconds, from either of its formats; at most 86,400 (one day). */
  readonly retryAfterSeconds?: number;
  /** Body, at most 64 KiB. */
  readonly text: string;
}

/** No response, or an unusable one. */
export interface HttpFault {
  /** `not_sent`: no byte of the request reached the vendor. `ambiguous`: the vendor may have received and processed it. */
  readonly kind: 'not_sent' | 'ambiguous';
  /** Reason for operators, such as `ECONNREFUSED`, `TIMED_OUT`, `REDIRECT` or `TOO_LARGE`. */
  readonly cause: string;
}

/** Maximum size of a response body that is read, after decompression (OWASP API10:2023). */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** Upper bound for a vendor's `Retry-After`. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/**
 * Calls one vendor at one configured address. It follows no redirects, reads at most 64 KiB and never retries. The built-in
 * `fetch` keeps connections alive. The call's signal is the time limit, including the body.
 */
export class HttpClient {
  readonly #logger = new Logger('Otp');
  readonly #provider: string;
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch | undefined;
  readonly #onExchange: ((exchange: HttpExchange) => unknown) | undefined;

  /** @throws {@link OtpConfigError} that names the invalid option and says what to set instead */
  constructor(provider: string, options: HttpClientOptions & { baseUrl: string }) {
    this.#provider = provider;
    this.#baseUrl = checkedBaseUrl(options.baseUrl, options.testMode === true);
    this.#fetch = optionalFunction(options.fetch, 'fetch');
    this.#onExchange = optionalFunction(options.onExchange, 'onExchange');
  }

  /**
   * Sends a request and passes the reply to `interpret`.
   * @returns the result of `interpret`; rejects only if that throws
   */
  async exchange<R extends { readonly outcome: string }>(
    request: HttpRequest,
    { signal }: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    const at = new Date();
    const began = performance.now();
    const url = this.#baseUrl + request.path;
    const composed = compose(request);
    const reply = await this.#call(url, composed, signal);
    const receipt = interpret(reply);
    const ms = Math.round(performance.now() - began);
    this.#report({
      provider: this.#provider,
      request: { method: composed.method, url, ...composed.shown },
      response: reply.kind === 'answer' ? { status: reply.status, body: composed.mask(reply.text) } : reply,
      outcome: receipt.outcome,
      ms,
      at,
    });
    return receipt;
  }

  async #call(url: string, { method, headers, body }: ComposedRequest, signal: AbortSignal): Promise<HttpReply> {
    if (signal.aborted) return { kind: 'not_sent', cause: 'TIMED_OUT' };
    try {
      const response = await (this.#fetch ?? fetch)(url, { method, headers, body, signal, redirect: 'error' });
      if (response.redirected || (response.status >= 300 && response.status < 400)) return REDIRECT;
      const text = await readText(response);
      if (text === undefined) return { kind: 'ambiguous', cause: 'TOO_LARGE' };
      return {
        kind: 'answer',
        status: response.status,
        headers: response.headers,
        retryAfterSeconds: retryAfterSeconds(response.headers),
        text,
      };
    } catch (error) {
      return signal.aborted ? { kind: 'ambiguous', cause: 'TIMED_OUT' } : faultOf(error);
    }
  }

  #report(exchange: HttpExchange): void {
    const { provider } = exchange;
    Promise.resolve(exchange)
      .then(this.#onExchange)
      .catch((error: unknown) => this.#logger.error(`"onExchange" of ${provider} threw ${word(nameOf(error))}`));
  }
}

const REDIRECT: HttpFault = { kind: 'ambiguous', cause: 'REDIRECT' };

function optionalFunction<F>(value: F | undefined, option: string): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new OtpConfigError(`"${option}" must be a function, or omitted.`);
}

/** The whole body as text, or `undefined` if it exceeds the limit; the rest is then not read. */
async function readText({ body }: Response): Promise<string | undefined> {
  if (body === null) return '';
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new TextDecoder().decode(Buffer.concat(chunks));
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      reader.cancel().catch(() => undefined); // closes the connection
      return undefined;
    }
    chunks.push(value);
  }
}

/** Parses both formats of RFC 9110 §10.2.3. A date is compared with the response's own `Date` header, if present. */
function retryAfterSeconds(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,10}$/.test(value)) return Math.min(Number(value), MAX_RETRY_AFTER_SECONDS);
  if (!value.endsWith(' GMT')) return undefined;
  const now = Date.parse(headers.get('date') ?? '') || Date.now();
  const seconds = Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS);
}

/** Properties of Node.js and undici errors. Under Jest `instanceof Error` fails for them, so only properties are read. */
interface Failure {
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  message?: unknown;
  cause?: Failure;
  errors?: readonly Failure[];
}

/** Failures before the first byte of a request: DNS lookup, connection, or a rejected certificate. */
const NEVER_SENT = new Set<unknown>([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function faultOf(error: unknown): HttpFault {
  const failure = (error ?? {}) as Failure;
  const cause = failure.cause ?? failure;
  const code = word(cause.code ?? failure.code ?? nameOf(failure));
  if (wasNeverSent(failure) || wasNeverSent(cause)) return { kind: 'not_sent', cause: code };
  return /redirect/.test(String(cause.message)) ? REDIRECT : { kind: 'ambiguous', cause: code };
}

/** For a host with several addresses, every connection attempt must have failed this way. */
function wasNeverSent({ code, syscall, errors }: Failure): boolean {
  if (errors?.length) return errors.every(wasNeverSent);
  return NEVER_SENT.has(code) || syscall === 'connect' || syscall === 'getaddrinfo';
}

function nameOf(error: unknown): unknown {
  return (error as Failure | undefined)?.name;
}

/** Keeps the text of foreign errors out of logs: only a short identifier passes. */
function word(value: unknown): string {
  return typeof value === 'string' && /^\w{1,40}$/.test(value) ? value : 'FAILED';
}
