import {
  type BeforeApplicationShutdown,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { AbstractHttpAdapter, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { checkDatabase } from './database-check.js';
import { eventEmitterOf } from '../events/event-emitter.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import { namesPayment } from '../config/purposes.js';
import { weaknessFor } from '../delivery/code-policy.js';
import type { Wired } from '../otp.wiring.js';
import { stepUpsOf } from '../step-up/step-up.metadata.js';

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
    const modules = [...this.modules.values()];
    const own = modules.find(({ providers }) => providers.has(OtpRuntime))?.metatype;
    if (modules.filter(({ metatype }) => metatype === own).length > 1) {
      throw new OtpConfigError(
        '"OtpModule" is configured twice: call "OtpModule.forRoot()" once, in the root module. All other modules then share it.',
      );
    }
    this.#refuseUnsafe();
    this.#checkPorts();
    this.#warnOfTrustedProxies();
    await this.#checkDatabase();
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

  #refuseUnsafe(): void {
    const { settings, registry, dataSource } = this.wired;
    if (!settings.production) return;
    const developmentProvider = registry.all.find(({ provider }) => provider.capabilities.developmentOnly);
    if (developmentProvider) {
      throw new OtpConfigError(
        `The provider "${developmentProvider.name}" is for development only: pass a vendor's adapter to "OtpModule.forRoot()" in production.`,
      );
    }
    if (dataSource.options.synchronize) {
      throw new OtpConfigError(
        '"synchronize" changes tables automatically: set it to false in production and run the migrations.',
      );
    }
  }

  /** Checks that the application provides what its options and decorators need, so that it fails at start-up and not at the first call. */
  #checkPorts(): void {
    const { settings, accounts, registry } = this.wired;
    const unserved = settings.regions.find((region) => registry.for({ phone: '', region }).length === 0);
    if (unserved) {
      throw new OtpConfigError(
        `"regions" contains "${unserved}", which no provider serves: add a route for it to "CountryRouter", or remove it.`,
      );
    }
    if (settings.registerOnLogin && !accounts.canRegister) {
      throw new OtpConfigError('"registerOnLogin" needs a "PhoneAccounts" with the method "register": provide one.');
    }
    const actions = new Set([...this.modules.values()].flatMap(({ providers }) => [...providers.keys()]));
    for (const { where, purpose, action } of stepUpsOf(this.modules)) {
      const rules = settings.purposes.get(purpose);
      const refuse = (why: string) => new OtpConfigError(`@StepUp('${purpose}') on ${where} ${why}`);
      if (!rules) throw refuse('has an unknown purpose: add it to the option "purposes".');
      if (rules.startedBy === 'login')
        throw refuse(
          'cannot work: this purpose is part of a login, when nobody is signed in yet. Use another purpose.',
        );
      if (rules.startedBy !== 'anyone' && !accounts.knowsCallers) {
        throw refuse('needs the signed-in account: provide a class under the token "Callers".');
      }
      if (namesPayment(purpose) && !action) throw refuse('needs an action: pass a class that extends "StepUpAction".');
      if (action && !actions.has(action))
        throw refuse(`needs "${action.name}": add it to the "providers" of a module.`);
      const weakness = this.#weaknessOf(purpose);
      if (weakness) throw refuse(weakness);
    }
  }

  /** Why a purpose cannot be served in a region, if so. One suitable provider per region is enough. */
  #weaknessOf(purpose: string): string | undefined {
    const { settings, registry } = this.wired;
    for (const region of settings.regions) {
      const weaknesses = registry
        .for({ phone: '', region })
        .map(({ name, policy }) => ({ name, why: weaknessFor(purpose, policy, settings) }));
      if (weaknesses.every(({ why }) => why !== undefined)) {
        const [{ name, why }] = weaknesses as [{ name: string; why: string }];
        return `cannot be served by ${name}: ${why}.`;
      }
    }
    return undefined;
  }

  /** If every proxy is trusted, clients can choose their own address and evade the limits per address. */
  #warnOfTrustedProxies(): void {
    if (trustsEveryProxy(this.host?.httpAdapter)) {
      this.#logger.warn(
        '"trust proxy" is true, so clients can forge their address: set the number (Express) or the addresses (Fastify) of your proxies instead.',
      );
    }
  }

  async #checkDatabase(): Promise<void> {
    const { database, dataSource, settings } = this.wired;
    const mayInstall = !settings.production && dataSource.options.synchronize === true;
    try {
      for (const warning of await checkDatabase(database, dataSource, mayInstall)) this.#logger.warn(warning);
    } catch (error) {
      if (!(error instanceof OtpError)) throw error;
      this.#logger.warn('the database did not respond to the check at start-up; requests get a 503 until it does');
    }
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

function trustsEveryProxy(adapter: AbstractHttpAdapter | undefined): boolean {
  const instance: object = adapter?.getInstance?.() ?? {};
  if (adapter?.getType() === 'express') return (instance as Express).get('trust proxy') === true;
  // Fastify exposes this option nowhere else. If the symbol changes, only the warning is lost.
  const options = Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.options');
  return options !== undefined && (instance as Fastify)[options]?.trustProxy === true;
}

type Express = { get(setting: string): unknown };
type Fastify = Record<symbol, { trustProxy?: unknown } | undefined>;
