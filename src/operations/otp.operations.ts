import { Logger } from '@nestjs/common';

import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import { requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import type { SendingStops } from '../limits/sending-stops.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import type { SendingScope, SendingStop } from '../challenges/otp.requests.js';
import type { ProviderRegistry } from '../delivery/provider-registry.js';

interface Parts {
  settings: OtpSettings;
  database: Database;
  hash: KeyedHash;
  stops: SendingStops;
  registry: ProviderRegistry;
  events: EventSink;
}

/**
 * Methods for operators and scheduled jobs, separate from `OtpService`: code that injects `OtpService` for a login can neither
 * stop sending nor unlock a subject. Each call takes effect on all instances immediately.
 */
export class OtpOperations {
  readonly #logger = new Logger('Otp');

  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Ends the lockout of a subject and resets its counters of wrong codes.
   * @param subject an account, or a phone in canonical E.164 for codes started without an account
   * @returns whether there was a lockout or a counter to reset
   * @throws {@link OtpError} `request_invalid` · `service_unavailable`
   */
  async unlock(subject: string): Promise<boolean> {
    const { database, hash, settings } = this.parts;
    const text = requireText('subject', subject);
    const isPhone = text.startsWith('+'); // an account id may start with "+", too
    const hashes = [hash.ofAccount(text), ...(isPhone ? [hash.ofPhone(text)] : [])];
    const { unlocked } = await database.call<{ unlocked: number }>('unlock', {
      subject_hashes: hashes.map(hex),
      account: text,
      ...(isPhone && { phone_hash: hex(hash.ofPhone(text)) }),
      audit: settings.audit,
    });
    return unlocked > 0;
  }

  /**
   * Stops sending codes on all instances until {@link OtpOperations.resumeSending}; the stop survives restarts. Every start and
   * resend gets the same `send_unavailable`; codes sent before can still be verified. Without `region` and `provider`, all
   * sending stops. If one provider is stopped and another can serve the number, the other one does. Messages of calls that have
   * already returned are still sent, and so are {@link Notices}.
   * @throws {@link OtpError} `request_invalid` for an unknown region or provider · `service_unavailable`
   */
  async stopSending({ reason, ...scope }: SendingScope & { reason?: string } = {}): Promise<void> {
    const { stops, events } = this.parts;
    const { region, provider } = this.#readScope(scope);
    const text = reason === undefined ? null : requireText('reason', reason);
    if (!(await stops.stop(region, provider, text))) return;
    this.#logger.warn(`sending stopped: region ${region ?? 'any'}, provider ${provider ?? 'any'}`);
    events.emit('otp.sending_stopped', { region, provider, reason: text });
  }

  /**
   * Removes the sending stop of exactly this scope. Messages covered by another stop stay stopped.
   * @returns whether there was such a stop
   * @throws {@link OtpError} `request_invalid` · `service_unavailable`
   */
  async resumeSending(scope: SendingScope = {}): Promise<boolean> {
    const { stops, events } = this.parts;
    const { region, provider } = this.#readScope(scope);
    const resumed = await stops.resume(region, provider);
    if (resumed) events.emit('otp.sending_resumed', { region, provider });
    return resumed;
  }

  /** Returns all sending stops in force. */
  async sendingStops(): Promise<SendingStop[]> {
    const stops = await this.parts.stops.inForce();
    return stops.map(({ region, provider, since, reason }) => ({
      ...(region !== undefined && { region }),
      ...(provider !== undefined && { provider }),
      since,
      ...(reason !== null && { reason }),
    }));
  }

  /**
   * Checks by region and by provider whether enough of the last hour's messages were verified (`minimumConversion`). You can
   * call it on every instance at the same time: only one of them runs the check and emits the event.
   */
  async checkConversion(): Promise<void> {
    const { settings, database, registry, events } = this.parts;
    const { minimumConversion, minimumConversionMessages, minimumConversionPercent, conversionCheckSeconds } = settings;
    const enforced = {
      region: minimumConversion.region === 'enforce',
      provider: minimumConversion.provider === 'enforce',
    };
    const { low } = await database.call<{ low: LowConversion[] }>('check_conversion', {
      turn_seconds: Math.max(0, conversionCheckSeconds - 1), // 1 s less than the interval, so that timer drift skips no check
      regions: minimumConversion.region === 'off' ? [] : settings.regions,
      providers: minimumConversion.provider === 'off' ? [] : registry.all.map(({ name }) => name),
      enforced,
      minimum_messages: minimumConversionMessages,
      minimum_conversion: minimumConversionPercent,
      audit: settings.audit,
    });
    for (const found of low) events.emit('otp.conversion_low', { ...found, enforced: enforced[found.scope] });
  }

  /**
   * Deletes challenges, grants, counters and log rows whose retention has ended. You can call it on every instance at the same
   * time.
   * @returns the number of deleted rows
   */
  async purge(): Promise<number> {
    const { database, settings } = this.parts;
    await this.#logLostSends();
    const request = {
      batch: PURGE_BATCH,
      retention_seconds: settings.retentionSeconds,
      send_log_days: settings.sendLogDays,
      audit_days: settings.auditDays,
    };
    for (let total = 0; ;) {
      const { deleted } = await database.call<{ deleted: number }>('purge', request);
      total += deleted;
      if (deleted === 0) return total;
    }
  }

  /** Logs messages whose process died before the provider answered. */
  async #logLostSends(): Promise<void> {
    const { database, settings } = this.parts;
    const request = {
      batch: PURGE_BATCH,
      after_seconds: Math.ceil(settings.providerTimeoutMs / 1000) + 30,
      audit: settings.audit,
    };
    for (let logged = PURGE_BATCH; logged === PURGE_BATCH;) {
      ({ logged } = await database.call<{ logged: number }>('log_lost_sends', request));
    }
  }

  /** Rejects unknown names: a misspelt sending stop would stop nothing. */
  #readScope({ region, provider }: SendingScope) {
    const { settings, registry } = this.parts;
    if (region !== undefined && !settings.regions.some((served) => served === region)) {
      throw new OtpError('request_invalid', '"region" is unknown: use a region of the option "regions".');
    }
    if (provider !== undefined && !registry.named(provider)) {
      throw new OtpError('request_invalid', '"provider" is unknown: use the name of a registered provider.');
    }
    return { region: region ?? null, provider: provider ?? null };
  }
}

/** Rows deleted per table and call: few enough not to block other queries. */
export const PURGE_BATCH = 1000;

/** A region or provider whose conversion is below the minimum, and which has not been reported yet. */
interface LowConversion {
  scope: 'region' | 'provider';
  name: string;
  messages: number;
  verified: number;
}
