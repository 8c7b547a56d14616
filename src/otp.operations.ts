import { Logger } from '@nestjs/common';

import { requireText } from './input.js';
import type { KeyedHash } from './keyed-hash.js';
import type { Lifecycle } from './lifecycle/lifecycle.js';
import type { Limits } from './limits/limits.js';
import { OtpError } from './otp.error.js';
import type { EventSink } from './otp.events.js';
import type { OtpSettings } from './otp.options.js';
import type { SendingScope, SendingStop } from './otp.requests.js';
import type { Carriers } from './providers/carriers.js';

interface Parts {
  settings: OtpSettings;
  limits: Limits;
  hash: KeyedHash;
  lifecycle: Lifecycle;
  carriers: Carriers;
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
    const { lifecycle, limits, hash } = this.parts;
    const keys = limits.gatesOf(requireText('subject', subject));
    return (
      (await lifecycle.unlock({ keys, subject, phoneHash: subject.startsWith('+') ? hash.ofPhone(subject) : null })) > 0
    );
  }

  /**
   * From now on no code is sent, by no instance, until {@link OtpOperations.resumeSending}, restarts or not. Everybody is
   * answered `send_unavailable` alike; codes that are out can be verified. Without `region` and `provider` it stops
   * everything; where a provider was stopped and another can serve, that one does. What was answered before is still handed
   * over, and so are {@link Notices}.
   * @throws {@link OtpError} `request_invalid` for a region or provider that is not one of this application
   */
  async stopSending({ reason, ...scope }: SendingScope & { reason?: string } = {}): Promise<void> {
    const { lifecycle, events } = this.parts;
    const { key, named } = this.#readScope(scope);
    const why = reason === undefined ? null : requireText('reason', reason);
    if (!(await lifecycle.stop({ key, ...named, reason: why }))) return;
    this.#logger.warn(`sending stopped: region ${named.region ?? 'any'}, provider ${named.provider ?? 'any'}`);
    events.emit('otp.sending_stopped', { ...named, reason: why });
  }

  /**
   * Takes away the stop of just this scope; what another stop covers stays stopped.
   * @returns whether there was one
   * @throws {@link OtpError} `request_invalid`
   */
  async resumeSending(scope: SendingScope = {}): Promise<boolean> {
    const { lifecycle, events } = this.parts;
    const { key, named } = this.#readScope(scope);
    const resumed = await lifecycle.resume({ key, ...named });
    if (resumed) events.emit('otp.sending_resumed', named);
    return resumed;
  }

  /** What operators have stopped, of the regions and providers of this application. */
  async sendingStops(): Promise<SendingStop[]> {
    const { lifecycle, limits, settings, carriers } = this.parts;
    const providers = [{}, ...carriers.all.map(({ name }) => ({ provider: name }))];
    const scopes: SendingScope[] = [{}, ...settings.regions.map((region) => ({ region }))].flatMap((region) =>
      providers.map((provider) => ({ ...region, ...provider })),
    );
    const stops = await lifecycle.stops(scopes.map((scope) => limits.stopKey(scope)));
    return stops.map(({ place, at: since, reason }) => ({
      ...scopes[place - 1],
      since,
      ...(reason !== null && { reason }),
    }));
  }

  /**
   * Looks whether too few of the last hour's messages were verified, by region and by provider, as `conversionFloor` has it.
   * Safe on every instance at once: one of them looks, and tells.
   */
  async checkConversion(): Promise<void> {
    const { settings, lifecycle, limits, carriers, hash, events } = this.parts;
    const { conversionFloor, conversionFloorMessages, conversionFloorPercent, conversionCheckSeconds } = settings;
    const judged = [
      ...settings.regions.map((name) => ({ scope: 'region' as const, name })),
      ...carriers.all.map(({ name }) => ({ scope: 'provider' as const, name })),
    ].filter(({ scope }) => conversionFloor[scope] !== 'off');
    const low = await lifecycle.judgeConversion({
      turnKey: hash.of('conversion'),
      turnSeconds: Math.max(0, conversionCheckSeconds - 1), // another instance's turn is about as long after this one's
      keys: judged.map(({ scope, name }) => limits.closedKey(scope, name)),
      scopes: judged.map(({ scope }) => scope),
      names: judged.map(({ name }) => name),
      floorMessages: conversionFloorMessages,
      floorPercent: conversionFloorPercent,
    });
    for (const found of low) {
      events.emit('otp.conversion_low', { ...found, enforced: conversionFloor[found.scope] === 'enforce' });
    }
  }

  /** Deletes challenges, grants, counters and log rows whose time is over. Safe on every instance at once. @returns rows deleted */
  purge(): Promise<number> {
    return this.parts.lifecycle.purge();
  }

  /** A stop with a slip of the pen would stop nothing. */
  #readScope({ region, provider }: SendingScope) {
    const { settings, carriers, limits } = this.parts;
    if (region !== undefined && !settings.regions.some((served) => served === region)) {
      throw new OtpError('request_invalid', '"region" is not one of this application.');
    }
    if (provider !== undefined && !carriers.named(provider)) {
      throw new OtpError('request_invalid', '"provider" is not one of this application.');
    }
    return {
      key: limits.stopKey({ region, provider }),
      named: { region: region ?? null, provider: provider ?? null },
    };
  }
}
