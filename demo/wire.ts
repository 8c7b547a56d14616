import type { Live } from './live.js';

/** What a provider was sent and what it answered, with keys and codes masked. */
export interface Exchange {
  provider: string;
  request: unknown;
  response: unknown;
  outcome: string;
  ms: number;
  at: Date;
}

const KEPT = 200;

/** The newest exchanges between the demo and its vendor, in memory. */
export class Wire {
  readonly #exchanges: (Exchange & { id: number })[] = [];
  #lastId = 0;

  constructor(private readonly live: Live) {}

  readonly record = (seen: Exchange): void => {
    const exchange = { id: ++this.#lastId, ...seen, ms: Math.round(seen.ms) };
    this.#exchanges.unshift(exchange);
    this.#exchanges.length = Math.min(this.#exchanges.length, KEPT);
    this.live.publish('exchange', exchange);
  };

  /** Newest first. */
  get exchanges(): readonly (Exchange & { id: number })[] {
    return this.#exchanges;
  }
}
