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
 * What operators and their jobs do, apart from the story of a challenge: whoever injects `OtpService` for a login can stop
 * nothing and unlock nobody. Each call binds all instances at once.
 */
export class OtpOperations {
  readonly #logger = new Logger('Otp');

  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Lets a subject try again at once after too many wrong codes.
   * @param subject an account, or a canonical phone for codes started without one
   * @returns whether anything was closed or counted
   */
  async unlock(subject: string): Promise<boolean> {
    const { database, hash, settings } = this.parts;
    const text = requireText('subject', subject);
    const isPhone = text.startsWith('+'); // an account may be named so, too
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
   * From now on no code is sent, by no instance, until {@link OtpOperations.resumeSending}, restarts or not. Everybody is
   * answered `send_unavailable` alike; codes that are out can be verified. Without `region` and `provider` it stops
   * everything; where a provider was stopped and another can serve, that one does. What was answered before is still handed
   * over, and so are {@link Notices}.
   * @throws {@link OtpError} `request_invalid` for a region or provider that is not one of this application
   */
  async stopSending({ reason, ...scope }: SendingScope & { reason?: string } = {}): Promise<void> {
    const { stops, events } = this.parts;
    const { region, provider } = this.#readScope(scope);
    const why = reason === undefined ? null : requireText('reason', reason);
    if (!(await stops.stop(region, provider, why))) return;
    this.#logger.warn(`sending stopped: region ${region ?? 'any'}, provider ${provider ?? 'any'}`);
    events.emit('otp.sending_stopped', { region, provider, reason: why });
  }

  /**
   * Takes away the stop of just this scope; what another stop covers stays stopped.
   * @returns whether there was one
   * @throws {@link OtpError} `request_invalid`
   */
  async resumeSending(scope: SendingScope = {}): Promise<boolean> {
    const { stops, events } = this.parts;
    const { region, provider } = this.#readScope(scope);
    const resumed = await stops.resume(region, provider);
    if (resumed) events.emit('otp.sending_resumed', { region, provider });
    return resumed;
  }

  /** What operators have stopped. */
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
   * Looks whether too few of the last hour's messages were verified, by region and by provider, as `minimumConversion` has it.
   * Safe on every instance at once: one of them looks, and tells.
   */
  async checkConversion(): Promise<void> {
    const { settings, database, registry, events } = this.parts;
    const { minimumConversion, minimumConversionMessages, minimumConversionPercent, conversionCheckSeconds } = settings;
    const enforced = {
      region: minimumConversion.region === 'enforce',
      provider: minimumConversion.provider === 'enforce',
    };
    const { low } = await database.call<{ low: LowConversion[] }>('check_conversion', {
      turn_seconds: Math.max(0, conversionCheckSeconds - 1), // another instance's turn is about as long after this one's
      regions: minimumConversion.region === 'off' ? [] : settings.regions,
      providers: minimumConversion.provider === 'off' ? [] : registry.all.map(({ name }) => name),
      enforced,
      minimum_messages: minimumConversionMessages,
      minimum_conversion: minimumConversionPercent,
      audit: settings.audit,
    });
    for (const found of low) events.emit('otp.conversion_low', { ...found, enforced: enforced[found.scope] });
  }

  /** Deletes challenges, grants, counters and log rows whose time is over. Safe on every instance at once. @returns rows deleted */
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

  /** Messages whose process died before the provider's answer. */
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

  /** A stop with a slip of the pen would stop nothing. */
  #readScope({ region, provider }: SendingScope) {
    const { settings, registry } = this.parts;
    if (region !== undefined && !settings.regions.some((served) => served === region)) {
      throw new OtpError('request_invalid', '"region" is not one of this application.');
    }
    if (provider !== undefined && !registry.named(provider)) {
      throw new OtpError('request_invalid', '"provider" is not one of this application.');
    }
    return { region: region ?? null, provider: provider ?? null };
  }
}

/** Rows of each table at a time: short enough not to hold anybody up. */
export const PURGE_BATCH = 1000;

/** A region or a provider of whose messages too few were verified, and that was not known for it yet. */
interface LowConversion {
  scope: 'region' | 'provider';
  name: string;
  messages: number;
  verified: number;
}
