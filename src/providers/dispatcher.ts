import { Logger } from '@nestjs/common';

import type { EventSink } from '../otp.events.js';
import { OtpError } from '../otp.error.js';
import type { DeliveryProvider, OutgoingMessage, SendReceipt } from './provider.js';

/** What came of one message, as the challenge and the log keep it. */
export interface Dispatched extends SendReceipt {
  status: 'sent' | 'failed' | 'unknown';
  latencyMs: number;
}

/**
 * Hands messages to the provider: within a time limit, no more at once than allowed, and none left behind at shutdown.
 * No database connection is held meanwhile.
 */
export class Dispatcher {
  readonly #logger = new Logger('Otp');
  readonly #running = new Set<Promise<unknown>>();
  #closing = false;

  constructor(
    private readonly provider: DeliveryProvider,
    private readonly events: EventSink,
    private readonly limits: { providerTimeoutMs: number; maxSendsInFlight: number },
  ) {}

  get providerName(): string {
    return this.provider.name;
  }

  /** @throws {@link OtpError} `send_unavailable`, before anything is looked up or stored, when no message can be taken on */
  assertOpen(): void {
    if (this.#closing || this.#running.size >= this.limits.maxSendsInFlight) {
      throw new OtpError('send_unavailable', 'No message can be sent at present. Try again later.', {
        retryAfterSeconds: 5,
      });
    }
  }

  /** Sends and reports; never throws, and never tries twice. */
  async send(message: OutgoingMessage, of: { challengeId: string; sendNumber: number }): Promise<Dispatched> {
    const began = performance.now();
    const receipt = await this.#call(message);
    const latencyMs = Math.round(performance.now() - began);
    const { outcome } = receipt;
    const { name: provider } = this.provider;
    this.events.emit('otp.sent', { ...of, purpose: message.purpose, provider, outcome, latencyMs });
    if (outcome !== 'sent') this.#logger.warn(`${provider} answered "${outcome}" for challenge ${of.challengeId}`);
    return { ...receipt, status: statusOf(receipt), latencyMs };
  }

  /** Lets work run on after the caller has its answer. `work` must not throw for a reason that anybody waits to hear. */
  background(work: Promise<unknown>): void {
    const running = work
      .catch((error: Error) => this.#logger.error(`after the answer: ${error.message}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Takes on nothing more and waits for what is running: at most one call's time limit, and the mark after it. */
  async drain(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#running);
  }

  async #call(message: OutgoingMessage): Promise<SendReceipt> {
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    // An adapter that does not mind the signal must not hold the caller: whichever comes first counts.
    const timeout = new Promise<SendReceipt>((resolve) => {
      timer = setTimeout(() => {
        controller.abort();
        resolve({ outcome: 'unknown' });
      }, this.limits.providerTimeoutMs);
    });
    try {
      return await Promise.race([this.#receipt(message, controller.signal), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #receipt(message: OutgoingMessage, signal: AbortSignal): Promise<SendReceipt> {
    try {
      const receipt = await this.provider.send(message, { signal });
      if (typeof receipt?.outcome === 'string') return receipt;
      this.#logger.error(`${this.provider.name} answered without an "outcome"`);
      return { outcome: 'unknown' };
    } catch (error) {
      // What an adapter throws can quote its vendor, or the message: only its kind is worth a line.
      this.#logger.error(`${this.provider.name} threw ${(error as Error)?.name ?? 'something'}`);
      return { outcome: 'unknown' };
    }
  }
}

function statusOf({ outcome, ambiguous = outcome === 'unknown' }: SendReceipt): Dispatched['status'] {
  if (outcome === 'sent') return 'sent';
  return ambiguous ? 'unknown' : 'failed';
}
