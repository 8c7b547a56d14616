import type { ThrottlerStorage } from '@nestjs/throttler';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * A store of counters behind a socket, like Redis, that a test can break. Each input line is a key, each output line
 * its count.
 */
export class CountingStore {
  /** The fault: calls are never answered, or everything is forgotten before each call. */
  fault: 'silent' | 'forgetful' | undefined;
  /** The delay of each answer, in milliseconds. */
  delayMs = 0;
  /** Calls so far. */
  calls = 0;
  readonly #counts = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  async start(): Promise<this> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      linesOf(socket, (key) => {
        const count = this.#count(key);
        if (this.fault !== 'silent') setTimeout(() => socket.write(`${count}\n`), this.delayMs);
      });
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Stops it abruptly; `start` resumes with the same counts. */
  async stop(): Promise<void> {
    if (!this.#server?.listening) return;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  get port(): number {
    return this.#port;
  }

  forget(): void {
    this.#counts.clear();
  }

  #count(key: string): number {
    this.calls++;
    if (this.fault === 'forgetful') this.forget();
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

/** The application's end: connects on demand; calls fail with the connection. */
export class SocketStorage implements ThrottlerStorage {
  #connection: Connection | undefined;

  constructor(readonly store: CountingStore) {}

  async increment(key: string, ttl: number, limit: number): ReturnType<ThrottlerStorage['increment']> {
    this.#connection ??= new Connection(this.store.port, () => this.close());
    const totalHits = await this.#connection.ask(key);
    return { totalHits, timeToExpire: ttl / 1000, isBlocked: totalHits > limit, timeToBlockExpire: ttl / 1000 };
  }

  close(): void {
    this.#connection?.end();
    this.#connection = undefined;
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (count: number) => void; reject: (error: Error) => void }[] = [];

  constructor(port: number, onLost: () => void) {
    this.#socket = connect(port, '127.0.0.1').on('error', onLost).on('close', onLost);
    linesOf(this.#socket, (count) => this.#waiting.shift()?.resolve(Number(count)));
  }

  ask(key: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${key}\n`);
    });
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection to the store was lost'));
  }
}

function linesOf(socket: Socket, onLine: (line: string) => void): void {
  createInterface({ input: socket })
    .on('line', onLine)
    .on('error', () => undefined); // readline re-emits errors of its input
}
