import {
  type BeforeApplicationShutdown,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { eventEmitterOf } from '../events/event-emitter.js';
import type { Wired } from '../otp.wiring.js';
import { checkPorts, databaseWarnings, proxyWarnings, refuseSecondModule, refuseUnsafe } from './start-up-checks.js';

/** Work outside requests: the checks at start-up, the periodic purge, and draining at shutdown. */
export class OtpRuntime
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #logger = new Logger('Otp');
  #purgeTimer: NodeJS.Timeout | undefined;
  #conversionTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly wired: Wired,
    private readonly modules: ModulesContainer,
    private readonly host: HttpAdapterHost,
    private readonly application: ModuleRef,
  ) {}

  async onModuleInit(): Promise<void> {
    const emitter = await eventEmitterOf(this.application);
    if (emitter) this.wired.events.useEmitter(emitter);
  }

  async onApplicationBootstrap(): Promise<void> {
    refuseSecondModule(this.modules, OtpRuntime);
    refuseUnsafe(this.wired);
    checkPorts(this.wired, this.modules);
    for (const warning of [...proxyWarnings(this.host), ...(await databaseWarnings(this.wired))]) {
      this.#logger.warn(warning);
    }
    this.#schedulePurge();
    this.#scheduleConversionChecks();
  }

  /**
   * Nest closes data sources only after this hook ran in every module. Requests still arrive: from now on, those that would send a message
   * get a 503. Running requests are awaited.
   */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#purgeTimer);
    clearInterval(this.#conversionTimer);
    await this.wired.background.drain();
  }

  /** Writes the records of the last requests, if the data source is still open. */
  async onApplicationShutdown(): Promise<void> {
    await this.wired.database.drain();
    await this.wired.background.drain();
  }

  #schedulePurge(): void {
    const { settings, operations } = this.wired;
    this.#purgeTimer = this.#every(settings.purgeEverySeconds, 'purge', () => operations.purge());
  }

  #scheduleConversionChecks(): void {
    const { settings, operations } = this.wired;
    const { region, provider } = settings.minimumConversion;
    if (region === 'off' && provider === 'off') return;
    this.#conversionTimer = this.#every(settings.conversionCheckSeconds, 'conversion', () =>
      operations.checkConversion(),
    );
  }

  /** Runs work periodically; 0 disables it and leaves it to the host. */
  #every(seconds: number, name: string, work: () => Promise<unknown>): NodeJS.Timeout | undefined {
    if (seconds === 0) return undefined;
    const timer = setInterval(() => {
      work().catch((error: Error) => this.#logger.warn(`${name}: ${error.message}`));
    }, seconds * 1000);
    return timer.unref();
  }
}
