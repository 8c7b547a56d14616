import { Logger } from '@nestjs/common';

import type { Database } from '../database/database.js';
import type { SenderTier } from '../limits/limit-definitions.js';

/** One message submitted to a provider, with its outcome: a row of `otp_sends`. */
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

/** A send record with the fields of its audit entry. */
export interface LoggedSend extends SendRecord {
  event: 'sent' | 'unknown';
  purpose: string;
  account: string | null;
  phone_hash: string;
  tier: SenderTier;
}

/** Long enough for several messages to share a commit, short enough that a killed process loses little. */
const WAIT_MS = 4;
const MAX_BATCH = 200;

/** Writes outcomes in batches if nothing depends on them: a verification may precede the row of its message. */
export class SendLog {
  readonly #logger = new Logger('Otp');
  #batch: LoggedSend[] = [];
  #pendingWrite: Promise<void> | undefined;
  #writeNow: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly audit: boolean,
  ) {}

  /** Resolves when the record is written. If the write fails, the record is lost and the failure is logged. */
  log(send: LoggedSend): Promise<void> {
    this.#batch.push(send);
    this.#pendingWrite ??= this.#wait().then(() => this.#write());
    if (this.#batch.length >= MAX_BATCH) this.#writeNow?.();
    return this.#pendingWrite;
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
    this.#pendingWrite = undefined;
    try {
      await this.database.call('log_sends', { sends, ...(this.audit && { audit: true }) });
    } catch (error) {
      this.#logger.error(`could not record the outcomes of ${sends.length} messages: ${(error as Error).message}`);
    }
  }
}
