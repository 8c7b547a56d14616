import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

import { refusal, respond, type SimulatedAnswer, type SimulatedFault } from './faults.js';

/** A request as the simulated vendor received it, with keys and codes in the clear. */
export interface SimulatedRequest {
  readonly at: Date;
  readonly method: string;
  /** Path with query, such as `/verify.php`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** For `multipart/form-data`: `new Response(bytes, { headers: { 'content-type': … } }).formData()`. */
  readonly bytes: Buffer;
  /** `bytes` as UTF-8. */
  readonly body: string;
}

/** An SMS that arrived at a phone. */
export interface SimulatedMessage {
  /** Counts up from 1 within one simulator. */
  readonly id: number;
  /** E.164, such as `+966512345678`. */
  readonly phone: string;
  readonly text: string;
  /** The code in the text. */
  readonly code: string;
  readonly sentAt: Date;
}

/** The vendor's reaction to a request: its answer, and the message that it sends, if any. */
export interface VendorReaction extends SimulatedAnswer {
  sms?: Pick<SimulatedMessage, 'phone' | 'text' | 'code'>;
}

/** Requests and messages kept; the oldest are dropped first. */
const KEPT = 2_000;
const MAX_REQUEST_BYTES = 1024 * 1024;

/**
 * A simulated vendor on this machine: an HTTP server on a real socket of 127.0.0.1, with an inbox in place of phones,
 * and faults to switch on. For tests and demonstrations; everything is in memory.
 *
 * A simulator of a vendor extends this class with one method, {@link react}, which answers as the vendor documents.
 */
export abstract class VendorSimulator {
  readonly #server: Server;
  #port = 0;
  #connections = 0;
  #answering = 0;
  readonly #requests: SimulatedRequest[] = [];
  readonly #messages: SimulatedMessage[] = [];
  #lastId = 0;
  #fault: { fault: SimulatedFault; times: number } | undefined;

  /** Called with each message as it arrives, for example by a page that shows the phone. */
  onMessage: ((message: SimulatedMessage) => void) | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    }).on('connection', () => this.#connections++);
  }

  /** The vendor's own behaviour. The subclass keeps codes and cooldowns in its own fields. */
  protected abstract react(request: SimulatedRequest): VendorReaction | Promise<VendorReaction>;

  /** Starts listening: on this port, or after {@link stop} on the previous port, or on a free one. */
  async start(port = this.#port): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Stops abruptly: closes every connection and refuses new ones. Its state is kept; {@link start} resumes. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** The options that connect an adapter to it, once started: its `baseUrl`, with `testMode: true`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Applies a fault to the next requests: to the given number of them, or to all until {@link heal}. */
  fault(fault: SimulatedFault, times = Infinity): void {
    this.#fault = { fault, times };
  }

  heal(): void {
    this.#fault = undefined;
  }

  /** Returns the messages that arrived, newest first, optionally at one phone only (E.164). */
  messages(phone?: string): SimulatedMessage[] {
    return this.#messages.filter((message) => phone === undefined || message.phone === phone);
  }

  /** Returns the code in the newest message to a phone (E.164), if there is one. */
  lastCode(phone: string): string | undefined {
    return this.messages(phone)[0]?.code;
  }

  /** The received requests, newest first. */
  get requests(): readonly SimulatedRequest[] {
    return this.#requests;
  }

  /** Connections opened to it so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Requests whose answer is still incomplete and whose client has not given up. */
  get answering(): number {
    return this.#answering;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answering++;
    response.once('close', () => this.#answering--);
    const request = await readRequest(incoming);
    this.#requests.unshift(request);
    this.#requests.length = Math.min(this.#requests.length, KEPT);
    const fault = this.#takeFault();
    if (fault?.kind === 'reset') return void response.destroy();
    if (fault?.kind === 'stall') return;

    const refused = refusal(fault);
    if (refused) return respond(response, refused);

    const { sms, ...answer } = await this.react(request);
    if (sms) this.#deliver(sms, fault?.kind === 'duplicate' ? 2 : 1);
    await respond(response, answer, fault);
  }

  #takeFault(): SimulatedFault | undefined {
    const active = this.#fault;
    if (active && --active.times <= 0) this.heal();
    return active?.fault;
  }

  #deliver(sms: NonNullable<VendorReaction['sms']>, copies: number): void {
    for (let copy = 0; copy < copies; copy++) {
      const message = { ...sms, id: ++this.#lastId, sentAt: new Date() };
      this.#messages.unshift(message);
      this.onMessage?.(message);
    }
    this.#messages.length = Math.min(this.#messages.length, KEPT);
  }
}

async function readRequest(incoming: IncomingMessage): Promise<SimulatedRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REQUEST_BYTES) throw new RangeError('the request is too large');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const { method = '', url = '', headers } = incoming;
  return { at: new Date(), method, path: url, headers, bytes, body: bytes.toString() };
}
