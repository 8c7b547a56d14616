import { Logger } from '@nestjs/common';

import type { OptionNames } from '../../config/option-names.js';
import { OtpConfigError } from '../../errors/otp.error.js';
import { checkedBaseUrl } from './base-url.js';
import { compose, type ComposedRequest, type HttpRequest } from './http-request.js';
import type { ProviderCall } from '../../delivery/provider.js';

/** What every adapter that calls a vendor over HTTP lets the host set. */
export interface HttpClientOptions {
  /**
   * Where the vendor is reached: https at a public host, without query. For gateways, and for simulators in `testMode`.
   * @defaultValue the vendor's documented address
   */
  baseUrl?: string;
  /** Called instead of the built-in `fetch`, for a proxy or an agent of the host's. It must refuse redirects itself. */
  fetch?: typeof fetch;
  /** Lets `baseUrl` name this machine, for simulators. An adapter in test mode is refused in production. @defaultValue false */
  testMode?: boolean;
  /**
   * Sees each call after it, for demonstrations and tests. Keys and typed codes are masked, phone numbers are not: no
   * sink for a production log. It can neither delay a call nor change its outcome.
   */
  onExchange?: (exchange: HttpExchange) => unknown;
}

export const HTTP_CLIENT_OPTIONS = {
  baseUrl: true,
  fetch: true,
  testMode: true,
  onExchange: true,
} satisfies OptionNames<HttpClientOptions>;

/** A call as it may be shown. */
export interface HttpExchange {
  /** Name of the adapter, such as `taqnyat-verify`. */
  readonly provider: string;
  readonly request: {
    readonly method: 'GET' | 'POST' | 'DELETE';
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  /** What came back, or why nothing did. */
  readonly response: { readonly status: number; readonly body: string } | HttpFault;
  /** What the adapter made of it, such as `sent` or `incorrect_code`. */
  readonly outcome: string;
  readonly ms: number;
  readonly at: Date;
}

/** What came of a call. A fault is a value: what an exception would quote could hold a key. */
export type HttpReply = HttpAnswer | HttpFault;

/** What came back, whole. */
export interface HttpAnswer {
  readonly kind: 'answer';
  /** Any but a redirect. */
  readonly status: number;
  readonly headers: Headers;
  /** The `Retry-After` header in whole seconds, whichever way it was written, at most a day. */
  readonly retryAfterSeconds?: number;
  /** At most 64 KiB. */
  readonly text: string;
}

/** Nothing came back, or nothing that can be used. */
export interface HttpFault {
  /** `not_sent`: surely no byte of the request reached the vendor. `ambiguous`: it may have, and may have been obeyed. */
  readonly kind: 'not_sent' | 'ambiguous';
  /** A word for the operator, such as `ECONNREFUSED`, `TIMED_OUT`, `REDIRECT` or `TOO_LARGE`. */
  readonly cause: string;
}

/** The most of an answer that is read, after decompression (LIM-14: OWASP API10:2023). */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** The longest wait that a vendor's `Retry-After` is believed. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/**
 * Calls one vendor: at one configured address, following no redirect, reading no more than it must, and never twice.
 * Connections are kept and reused by the built-in `fetch`. The time limit is the call's signal, body included.
 */
export class HttpClient {
  readonly #logger = new Logger('Otp');
  readonly #provider: string;
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch | undefined;
  readonly #onExchange: ((exchange: HttpExchange) => unknown) | undefined;

  /** @throws {@link OtpConfigError} naming the option and what to write instead */
  constructor(provider: string, options: HttpClientOptions & { baseUrl: string }) {
    this.#provider = provider;
    this.#baseUrl = checkedBaseUrl(options.baseUrl, options.testMode === true);
    this.#fetch = functionOrNothing(options.fetch, 'fetch');
    this.#onExchange = functionOrNothing(options.onExchange, 'onExchange');
  }

  /**
   * Makes a request and hands what came of it to `interpret`.
   * @returns what `interpret` makes of the reply; rejects only if that throws
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
    this.#show({
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

  #show(exchange: HttpExchange): void {
    const { provider } = exchange;
    Promise.resolve(exchange)
      .then(this.#onExchange)
      .catch((error: unknown) => this.#logger.error(`"onExchange" of ${provider} threw ${word(nameOf(error))}`));
  }
}

const REDIRECT: HttpFault = { kind: 'ambiguous', cause: 'REDIRECT' };

function functionOrNothing<F>(value: F | undefined, option: string): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new OtpConfigError(`"${option}" must be a function, or left out.`);
}

/** The whole body as text, or `undefined` once it is over the limit: the rest is then neither read nor kept. */
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

/** Both forms of RFC 9110, section 10.2.3. A date is read against the vendor's own clock, if the answer shows it. */
function retryAfterSeconds(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,10}$/.test(value)) return Math.min(Number(value), MAX_RETRY_AFTER_SECONDS);
  if (!value.endsWith(' GMT')) return undefined;
  const now = Date.parse(headers.get('date') ?? '') || Date.now();
  const seconds = Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS);
}

/** What Node's and undici's errors say of themselves. Under Jest they are no `instanceof Error`, so only this is asked. */
interface Failure {
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  message?: unknown;
  cause?: Failure;
  errors?: readonly Failure[];
}

/** Failures before the first byte of a request: no address, no connection, or a certificate that was not accepted. */
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

/** A host with several addresses is tried at each: then all attempts must have failed so. */
function wasNeverSent({ code, syscall, errors }: Failure): boolean {
  if (errors?.length) return errors.every(wasNeverSent);
  return NEVER_SENT.has(code) || syscall === 'connect' || syscall === 'getaddrinfo';
}

function nameOf(error: unknown): unknown {
  return (error as Failure | undefined)?.name;
}

/** Keeps a foreign error's text out of logs: a short word, or none. */
function word(value: unknown): string {
  return typeof value === 'string' && /^\w{1,40}$/.test(value) ? value : 'FAILED';
}
