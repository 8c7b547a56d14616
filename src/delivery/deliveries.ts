import type { CheckedBy } from '../challenges/challenge.entity.js';
import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { SenderTier } from '../limits/limit-definitions.js';
import type { SendRecord } from './send-log.js';

/** The code of a message, and who checks it. */
export interface IssuedCode {
  readonly provider: string;
  readonly checkedBy: CheckedBy;
  /** Of the code, where this library checks it. */
  readonly codeMac: Buffer;
  readonly keyId: string;
  readonly maxAttempts: number;
  readonly ttlSeconds: number;
  /** The provider finds its codes by phone alone. */
  readonly onePerPhone: boolean;
}

/** What the database learns of a message once its provider was called. Each method is a function in `deliveries.sql`. */
export class Deliveries {
  readonly #audit: { audit?: true };

  constructor(
    private readonly database: Database,
    audit: boolean,
  ) {
    this.#audit = audit ? { audit: true } : {};
  }

  /** Durably: without the reference the code could not be checked. */
  async recordDelivery(send: SendRecord, event: 'sent' | 'unknown'): Promise<void> {
    await this.database.call('record_delivery', { ...send, event, ...this.#audit });
  }

  /**
   * Surely nothing was sent.
   * @param cooldown whose is given back, or lasts so long
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

  /** Surely nothing was sent, and another provider takes over. @returns false where that concerns the challenge no more */
  async handOver(send: SendRecord, code: IssuedCode): Promise<boolean> {
    const request = { ...send, next: codeFields(code), ...this.#audit };
    return (await this.database.call<{ handed_over: boolean }>('hand_over', request)).handed_over;
  }
}

/** An issued code as a request names it: fields of `send_request` (types.sql). */
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
