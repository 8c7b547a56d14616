import { Logger } from '@nestjs/common';

/** Longer than any provider call, including the record written after it. */
const DRAIN_MS = 60_000;

/** Work that continues after the response. Shutdown waits for it. */
export class Background {
  readonly #logger = new Logger('Otp');
  readonly #running = new Set<Promise<unknown>>();
  #closing = false;

  get closing(): boolean {
    return this.#closing;
  }

  run(work: Promise<unknown>): void {
    const running = work
      .catch((error: Error) => this.#logger.error(`background work failed: ${error.message}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when nothing is running, including work that running work starts. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Tracks a call that may start background work, so that shutdown waits for the call too. */
  track<T>(call: Promise<T>): Promise<T> {
    if (this.#closing) return call; // it can no longer start a message
    const running = call.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
    return call;
  }

  /**
   * Accepts no more messages and waits for running work. Provider timeouts and the host's own checks bound that work. The wait itself ends
   * after 60 seconds, because calls refused meanwhile may keep adding audit notes.
   */
  async drain(): Promise<void> {
    this.#closing = true;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
    await Promise.race([this.idle(), timeout]);
    clearTimeout(timer);
  }
}
