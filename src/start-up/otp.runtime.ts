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

/** What happens around requests: the checks at start-up, the purge in between, the drain at shutdown. */
export class OtpRuntime
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #logger = new Logger('Otp');
  #purging: NodeJS.Timeout | undefined;
  #judging: NodeJS.Timeout | undefined;

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
        'OtpModule is set up twice: call "forRoot()" once, at the root; that is enough for all modules.',
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
   * In whatever order the modules stand, data sources are closed after every module had this call. Requests still come in: one that would
   * send a message is answered 503 from now on, and those under way are waited for.
   */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#purging);
    clearInterval(this.#judging);
    await this.wired.background.drain();
  }

  /** What a last request left to be written down, where the data source still lives. */
  async onApplicationShutdown(): Promise<void> {
    await this.wired.database.drain();
    await this.wired.background.drain();
  }

  #refuseUnsafe(): void {
    const { settings, registry, dataSource } = this.wired;
    if (!settings.production) return;
    const toy = registry.all.find(({ provider }) => provider.capabilities.developmentOnly);
    if (toy) {
      throw new OtpConfigError(
        `The provider "${toy.name}" is for development: pass a vendor's adapter to "OtpModule.forRoot()" in production.`,
      );
    }
    if (dataSource.options.synchronize) {
      throw new OtpConfigError(
        '"synchronize" changes tables on its own: set it to false in production and run the migrations.',
      );
    }
  }

  /** What the application asks of the module must be possible with what it gives it: better now than at the first call. */
  #checkPorts(): void {
    const { settings, accounts, registry } = this.wired;
    const unserved = settings.regions.find((region) => registry.for({ phone: '', region }).length === 0);
    if (unserved) {
      throw new OtpConfigError(
        `"regions" holds ${unserved}, which no provider serves: give the router a route for it.`,
      );
    }
    if (settings.registerOnLogin && !accounts.canRegister) {
      throw new OtpConfigError('"registerOnLogin" needs a "PhoneAccounts" with a method "register": provide one.');
    }
    const actions = new Set([...this.modules.values()].flatMap(({ providers }) => [...providers.keys()]));
    for (const { where, purpose, action } of stepUpsOf(this.modules)) {
      const rules = settings.purposes.get(purpose);
      const refuse = (why: string) => new OtpConfigError(`@StepUp('${purpose}') on ${where} ${why}`);
      if (!rules) throw refuse('names a purpose that is not one of this application: add it to the option "purposes".');
      if (rules.startedBy === 'login')
        throw refuse('cannot work: this purpose belongs to a login, so nobody is signed in yet.');
      if (rules.startedBy !== 'anyone' && !accounts.knowsCallers) {
        throw refuse('needs to know who is signed in: provide a class under the token "Callers".');
      }
      if (namesPayment(purpose) && !action) throw refuse('needs an action: pass a class that extends "StepUpAction".');
      if (action && !actions.has(action)) throw refuse(`needs "${action.name}" among the providers of a module.`);
      const weakness = this.#weaknessOf(purpose);
      if (weakness) throw refuse(weakness);
    }
  }

  /** Why a purpose cannot be served in some region, if it cannot: of several providers one that is fit is enough. */
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

  /** Whoever trusts every proxy lets each client choose its own address, and with it a fresh budget. */
  #warnOfTrustedProxies(): void {
    if (trustsEveryProxy(this.host?.httpAdapter)) {
      this.#logger.warn(
        '"trust proxy" is true, so clients can forge their address: name your proxies instead, by number (Express) or address (Fastify).',
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
      this.#logger.warn('the database did not answer the check at start-up; requests answer 503 until it does');
    }
  }

  #schedulePurge(): void {
    const { settings, operations } = this.wired;
    this.#purging = this.#every(settings.purgeEverySeconds, 'purge', () => operations.purge());
  }

  #scheduleConversionChecks(): void {
    const { settings, operations } = this.wired;
    const { region, provider } = settings.minimumConversion;
    if (region === 'off' && provider === 'off') return;
    this.#judging = this.#every(settings.conversionCheckSeconds, 'conversion', () => operations.checkConversion());
  }

  /** 0 leaves it to the host. */
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
  // Fastify shows this option nowhere else: without the symbol there is no warning, and nothing breaks.
  const options = Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.options');
  return options !== undefined && (instance as Fastify)[options]?.trustProxy === true;
}

type Express = { get(setting: string): unknown };
type Fastify = Record<symbol, { trustProxy?: unknown } | undefined>;
