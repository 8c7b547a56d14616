import { Logger } from '@nestjs/common';

/** Work that goes on after its caller was answered; nothing of it is left behind at shutdown. */
export class Background {
  readonly #logger = new Logger('Otp');
  readonly #running = new Set<Promise<unknown>>();
  #closing = false;

  get closing(): boolean {
    return this.#closing;
  }

  run(work: Promise<unknown>): void {
    const running = work
      .catch((error: Error) => this.#logger.error(`after the answer: ${error.message}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Until nothing is running, what that began included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** A call that may begin such work: a shutdown waits for it as long as it can still begin some. */
  track<T>(call: Promise<T>): Promise<T> {
    if (this.#closing) return call; // by now it begins nothing
    const running = call.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
    return call;
  }

  /** From now on nothing is taken on. Waits for what is running: at most one call's time limit, and the record after it. */
  async drain(): Promise<void> {
    this.#closing = true;
    await this.idle();
  }
}
