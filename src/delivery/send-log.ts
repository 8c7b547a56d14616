import { Logger } from '@nestjs/common';

import type { Database } from '../database/database.js';
import type { SenderTier } from '../limits/limit-definitions.js';

/** One message that was handed to a provider, and what came of it: a row of `otp_sends`. */
export interface SendRecord {
  challenge_id: string;
  send_number: number;
  provider: string;
  provider_ref: string | null;
  outcome: string;
  segments: number | null;
  cost: string | null;
  latency_ms: number;
}

/** With what the audit says of it. */
export interface LoggedSend extends SendRecord {
  event: 'sent' | 'unknown';
  purpose: string;
  account: string | null;
  phone_hash: string;
  tier: SenderTier;
}

/** Long enough for several messages to share a commit, and short enough that a killed process loses little. */
const WAIT_MS = 4;
const MOST_IN_A_BATCH = 200;

/** Writes down in batches what came of messages, where nothing hangs on it: a verification may come before the row of its message. */
export class SendLog {
  readonly #logger = new Logger('Otp');
  #batch: LoggedSend[] = [];
  #written: Promise<void> | undefined;
  #writeNow: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly audit: boolean,
  ) {}

  /** @returns once it is written, or was lost, which is told in the log */
  log(send: LoggedSend): Promise<void> {
    this.#batch.push(send);
    this.#written ??= this.#wait().then(() => this.#write());
    if (this.#batch.length >= MOST_IN_A_BATCH) this.#writeNow?.();
    return this.#written;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, WAIT_MS);
      this.#writeNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #write(): Promise<void> {
    const sends = this.#batch;
    this.#batch = [];
    this.#written = undefined;
    try {
      await this.database.call('log_sends', { sends, ...(this.audit && { audit: true }) });
    } catch (error) {
      this.#logger.error(
        `what came of ${sends.length} messages could not be written down: ${(error as Error).message}`,
      );
    }
  }
}
