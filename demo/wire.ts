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

  readonly record = (exchange: Exchange): void => {
    this.#exchanges.unshift({ id: ++this.#lastId, ...exchange, ms: Math.round(exchange.ms) });
    this.#exchanges.length = Math.min(this.#exchanges.length, KEPT);
  };

  /** Newest first. */
  get exchanges(): readonly (Exchange & { id: number })[] {
    return this.#exchanges;
  }
}
