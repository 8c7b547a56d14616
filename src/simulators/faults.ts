import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** The parts of a vendor's HTTP answer. */
export interface SimulatedAnswer {
  /** @defaultValue 200 */
  status?: number;
  /** @defaultValue JSON */
  headers?: Readonly<Record<string, string>>;
  body: string;
}

/**
 * The faults that a network or a vendor can have. `status`, `redirect`, `reset` and `stall` end the request before the
 * vendor processes it. With every other fault the vendor has done its work (the message is in the inbox, the code is
 * used up) and only the answer is affected.
 */
export type SimulatedFault =
  /** The answer arrives late. */
  | { kind: 'delay'; ms: number }
  /** The answer never arrives. */
  | { kind: 'hang' }
  /** A status such as 503, or 429 with a wait: seconds, or an HTTP date. */
  | { kind: 'status'; status: number; retryAfter?: number | string }
  | { kind: 'redirect'; to: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** The connection is reset instead of an answer. */
  | { kind: 'reset' }
  /** Nothing is done, and the answer never arrives. */
  | { kind: 'stall' }
  | { kind: 'garbage' }
  /** A web page with status 200. */
  | { kind: 'html' }
  | { kind: 'empty' }
  /** The first half of the answer, as if it were complete. */
  | { kind: 'truncated' }
  /** An endless body, as fast as the client reads it. */
  | { kind: 'endless' }
  /** An endless body, one byte at a time. */
  | { kind: 'drip'; everyMs: number }
  /** An answer that replaces the vendor's own. */
  | ({ kind: 'answer' } & SimulatedAnswer)
  /** The vendor's own answer, altered in transit. */
  | { kind: 'altered'; change: (answer: SimulatedAnswer) => SimulatedAnswer }
  /** The message arrives twice; the answer is unchanged. */
  | { kind: 'duplicate' };

/** Returns the answer that replaces the vendor's work, if the fault comes before it. */
export function refusal(fault: SimulatedFault | undefined): SimulatedAnswer | undefined {
  if (fault?.kind === 'status') {
    const { status, retryAfter } = fault;
    return {
      status,
      ...(retryAfter !== undefined && { headers: { 'retry-after': String(retryAfter) } }),
      body: '{"message":"simulated fault"}',
    };
  }
  if (fault?.kind === 'redirect') return { status: fault.status ?? 307, headers: { location: fault.to }, body: '' };
  return undefined;
}

/** Sends the answer as the fault leaves it. */
export async function respond(
  response: ServerResponse,
  answer: SimulatedAnswer,
  fault?: SimulatedFault,
): Promise<void> {
  switch (fault?.kind) {
    case 'hang':
      return;
    case 'delay':
      await wait(fault.ms, undefined, { ref: false });
      return write(response, answer);
    case 'garbage':
      return write(response, { body: '\u0000\u001f<<%$ not an answer' });
    case 'html':
      return write(response, {
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><h1>OK 10 verified</h1>',
      });
    case 'empty':
      return write(response, { body: '' });
    case 'truncated':
      return write(response, { ...answer, body: answer.body.slice(0, answer.body.length / 2) });
    case 'answer':
      return write(response, fault);
    case 'altered':
      return write(response, fault.change(answer));
    case 'endless':
      return stream(response, endless());
    case 'drip':
      return stream(response, drip(answer.body, fault.everyMs));
    default:
      return write(response, answer);
  }
}

function write(response: ServerResponse, { status = 200, headers, body }: SimulatedAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(body);
}

async function stream(response: ServerResponse, source: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  // The client closes the connection when it has read enough, which is no error here.
  await pipeline(Readable.from(source), response).catch(() => undefined);
}

function* endless(): Generator<Buffer> {
  const chunk = Buffer.alloc(16 * 1024, ' ');
  for (;;) yield chunk;
}

async function* drip(body: string, everyMs: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body || ' ');
  for (let sent = 0; ; sent++) {
    yield bytes.subarray(sent % bytes.length, (sent % bytes.length) + 1);
    await wait(everyMs, undefined, { ref: false });
  }
}
