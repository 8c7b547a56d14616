import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { AbstractHttpAdapter, HttpAdapterHost } from '@nestjs/core';

import { selfCheckSql, type SelfCheckRow } from './lifecycle/self-check.sql.js';
import { tablesOf } from './lifecycle/tables.js';
import { OtpConfigError, OtpError } from './otp.error.js';
import type { Wired } from './otp.wiring.js';

/** What happens around requests: the checks at start-up, the purge in between, the drain at shutdown. */
export class OtpRuntime implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('Otp');
  #purging: NodeJS.Timeout | undefined;

  constructor(
    private readonly wired: Wired,
    private readonly host: HttpAdapterHost,
    private readonly countModules: () => number,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.countModules() > 1) {
      throw new OtpConfigError('OtpModule is set up twice: call "forRoot()" once, at the root, with "isGlobal: true".');
    }
    this.#refuseUnsafe();
    this.#warnOfTrustedProxies();
    await this.#checkDatabase();
    this.#schedulePurge();
  }

  /** By now no request comes in any more, and the data source still lives. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#purging);
    await this.wired.dispatcher.drain();
  }

  #refuseUnsafe(): void {
    const { settings, provider, dataSource } = this.wired;
    if (!settings.production) return;
    if (provider.capabilities.developmentOnly) {
      throw new OtpConfigError(
        `The provider "${provider.name}" is for development: pass a vendor's adapter to "OtpModule.forRoot()" in production.`,
      );
    }
    if (dataSource.options.synchronize) {
      throw new OtpConfigError(
        '"synchronize" changes tables on its own: set it to false in production and run the migrations.',
      );
    }
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
    const { database, dataSource } = this.wired;
    let row: SelfCheckRow;
    try {
      row = (await database.run(selfCheckSql, { tables: Object.values(tablesOf(dataSource)) }))!;
    } catch (error) {
      if (!(error instanceof OtpError)) throw error;
      this.#logger.warn('the database did not answer the check at start-up; requests answer 503 until it does');
      return;
    }
    if (row.missing.length > 0) {
      throw new OtpConfigError(
        `These tables do not exist: ${row.missing.join(', ')}. Add "...OTP_MIGRATIONS" to the "migrations" of the data source ` +
          'and run them (or set "migrationsRun: true"); a "schema" must be made beforehand.',
      );
    }
    if (row.isolation !== 'read committed') {
      this.#logger.warn(
        `the default isolation level is "${row.isolation}": codes stay safe, but "read committed" is several times faster`,
      );
    }
    if (row.statement_timeout === '0') {
      this.#logger.warn(
        'the database role has no "statement_timeout": set one, for example ALTER ROLE … SET statement_timeout = \'5s\'',
      );
    }
  }

  #schedulePurge(): void {
    const { settings, service } = this.wired;
    if (settings.purgeEverySeconds === 0) return;
    this.#purging = setInterval(() => {
      service.purge().catch((error: Error) => this.#logger.warn(`purge: ${error.message}`));
    }, settings.purgeEverySeconds * 1000);
    this.#purging.unref();
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
