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

  /** From now on nothing is taken on. Waits for what is running: at most one call's time limit, and the mark after it. */
  async drain(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#running);
  }
}
