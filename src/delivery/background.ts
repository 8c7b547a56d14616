import { Logger } from '@nestjs/common';

/** Longer than any provider may take, and what is recorded after it. */
const DRAIN_MS = 60_000;

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
    if (this.#closing) return call; // by now it begins no message
    const running = call.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
    return call;
  }

  /**
   * From now on no message is taken on. Waits for what is running, which a provider's time limit and the host's own checks bound; and not
   * for ever, since calls that are refused meanwhile may leave notes.
   */
  async drain(): Promise<void> {
    this.#closing = true;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
    await Promise.race([this.idle(), tooLate]);
    clearTimeout(timer);
  }
}
