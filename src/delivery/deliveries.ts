import type { CheckedBy } from '../challenges/challenge.entity.js';
import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { SenderTier } from '../limits/limit-definitions.js';
import type { SendRecord } from './send-log.js';

/** The code of a message, and which side checks it. */
export interface IssuedCode {
  readonly provider: string;
  readonly checkedBy: CheckedBy;
  /** MAC of the code; stored only if this library checks the code. */
  readonly codeMac: Buffer;
  readonly keyId: string;
  readonly maxAttempts: number;
  readonly ttlSeconds: number;
  /** The provider finds its codes by phone number alone. */
  readonly onePerPhone: boolean;
}

/** Records the result of a provider call in the database. Each method calls a function of `deliveries.sql`. */
export class Deliveries {
  readonly #audit: { audit?: true };

  constructor(
    private readonly database: Database,
    audit: boolean,
  ) {
    this.#audit = audit ? { audit: true } : {};
  }

  /** Writes the delivery before returning: without the vendor's reference the code cannot be checked. */
  async recordDelivery(send: SendRecord, event: 'sent' | 'unknown'): Promise<void> {
    await this.database.call('record_delivery', { ...send, event, ...this.#audit });
  }

  /**
   * Records that nothing was sent.
   * @param cooldown the sender whose cooldown is released, or set to `seconds`
   */
  async recordFailure(
    send: SendRecord,
    { ends, cooldown }: { ends: boolean; cooldown?: { party: Buffer; tier: SenderTier; seconds: number | undefined } },
  ): Promise<void> {
    await this.database.call('record_failure', {
      ...send,
      ends,
      ...(cooldown && { party: hex(cooldown.party), tier: cooldown.tier, cooldown_seconds: cooldown.seconds }),
      ...this.#audit,
    });
  }

  /** Records that nothing was sent and assigns the next provider. @returns false if the challenge no longer needs this message */
  async handOver(send: SendRecord, code: IssuedCode): Promise<boolean> {
    const request = { ...send, next: codeFields(code), ...this.#audit };
    return (await this.database.call<{ handed_over: boolean }>('hand_over', request)).handed_over;
  }
}

/** An issued code as fields of `send_request` (types.sql). */
export function codeFields({ provider, checkedBy, codeMac, keyId, maxAttempts, ttlSeconds, onePerPhone }: IssuedCode) {
  return {
    provider,
    checked_by: checkedBy,
    ...(checkedBy === 'library' && { code_mac: hex(codeMac) }),
    key_id: keyId,
    max_attempts: maxAttempts,
    ttl_seconds: ttlSeconds,
    ...(onePerPhone && { one_per_phone: provider }),
  };
}
