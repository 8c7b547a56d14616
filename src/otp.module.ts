import {
  type DynamicModule,
  type FactoryProvider,
  Module,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

import { HostAccounts } from './accounts/host-accounts.js';
import { OtpAudit } from './audit/otp-audit.js';
import { TrustedDevices } from './devices/trusted-devices.js';
import { Grants } from './grants/grants.js';
import { SETTINGS } from './http/tokens.js';
import type { VerifyThrottlerStorage } from './http/throttler-storage.js';
import { VerifyThrottle } from './http/verify-throttle.js';
import { OTP_ENTITIES } from './entities.js';
import { PhoneLoginStrategy } from './passport/phone-login.strategy.js';
import { PhoneLogins } from './passport/phone-logins.js';
import { Notices } from './delivery/notices.js';
import { VerifiedNumbers } from './numbers/verified-numbers.js';
import { type OptionNames, refuseUnknownOptions } from './config/option-names.js';
import { OtpConfigError } from './errors/otp.error.js';
import { OTP_OPTION_NAMES, type OtpOptions, type OtpSettings, resolveOptions } from './config/options.js';
import { OtpRuntime } from './start-up/otp.runtime.js';
import { OtpOperations } from './operations/otp.operations.js';
import { OtpService } from './challenges/otp.service.js';
import { wire, type Wired } from './otp.wiring.js';
import type { OtpProvider } from './delivery/provider.js';
import { RecoveryCodes } from './recovery/recovery-codes.js';
import { StepUps } from './step-up/step-ups.js';

/** Options of the module itself. Nest reads them before any factory runs, so in `forRootAsync` put them beside `useFactory`. */
export interface OtpModuleShape {
  /** Make `OtpService`, `Grants`, `VerifiedNumbers` and the other exports available in modules that do not import this one. @defaultValue true */
  isGlobal?: boolean;
  /** Name of the TypeORM data source that holds the tables. @defaultValue the default data source */
  dataSource?: string;
  /** Counts typed codes per client address; several instances can share a store. @defaultValue the memory of this process */
  throttlerStorage?: VerifyThrottlerStorage;
}

/** Options of {@link OtpModule.forRoot}. */
export type OtpModuleOptions = OtpOptions & OtpModuleShape;

/** What a factory returns: the options together with the provider. */
export type OtpOptionsWithProvider = OtpOptions & { provider: OtpProvider };

/** A class that creates the options, for `useClass` and `useExisting`. */
export interface OtpOptionsFactory {
  /** Called once, at start-up. */
  createOtpOptions(): OtpOptionsWithProvider | Promise<OtpOptionsWithProvider>;
}

/** Options of {@link OtpModule.forRootAsync}: one of `useFactory`, `useClass` and `useExisting`. */
export interface OtpModuleAsyncOptions extends OtpModuleShape, Pick<ModuleMetadata, 'imports'> {
  inject?: FactoryProvider['inject'];
  // oxlint-disable-next-line typescript/no-explicit-any -- as in Nest: the types of what is injected are the host's
  useFactory?: (...injected: any[]) => OtpOptionsWithProvider | Promise<OtpOptionsWithProvider>;
  useClass?: Type<OtpOptionsFactory>;
  useExisting?: Type<OtpOptionsFactory> | string | symbol;
  extraProviders?: Provider[];
}

const SHAPE = {
  isGlobal: true,
  dataSource: true,
  throttlerStorage: true,
} satisfies OptionNames<OtpModuleShape>;

const ASYNC = {
  ...SHAPE,
  imports: true,
  inject: true,
  useFactory: true,
  useClass: true,
  useExisting: true,
  extraProviders: true,
} satisfies OptionNames<OtpModuleAsyncOptions>;

/** The validated configuration of the module. */
export interface Setup {
  settings: OtpSettings;
  provider: OtpProvider;
}

// Not part of the public surface: `nestjs-phone-otp/testing` overrides these providers.
export const GIVEN = Symbol('options of OtpModule');
export const SETUP = Symbol('set-up of OtpModule');
export const WIRED = Symbol('wired parts of OtpModule');
const DATA_SOURCE = Symbol('data source of OtpModule');

/** Providers that hosts can inject. */
const EXPORTED = [
  OtpService,
  OtpOperations,
  Grants,
  VerifiedNumbers,
  Notices,
  OtpAudit,
  RecoveryCodes,
  TrustedDevices,
  PhoneLoginStrategy,
] satisfies Provider[];

/** Factory of a bare `OtpModule`. Without it, Nest would report that it cannot find `OtpService` in the importing module. */
const refuseBare = (): never => {
  throw new OtpConfigError(
    'A module imports the bare "OtpModule": remove that import. Call "OtpModule.forRoot()" once, in the root module.',
  );
};

/** Phone one-time codes for NestJS. Import it once, in the root module, by {@link OtpModule.forRoot}. */
@Module({ providers: EXPORTED.map((provide) => ({ provide, useFactory: refuseBare })), exports: EXPORTED })
export class OtpModule {
  /**
   * Configures the module.
   * @param provider the vendor's adapter
   * @throws {@link OtpConfigError} at start-up, that names the option to change
   */
  static forRoot(provider: OtpProvider, options: OtpModuleOptions): DynamicModule {
    return define(options, [{ provide: GIVEN, useValue: options && { ...options, provider } }]);
  }

  /** As {@link OtpModule.forRoot}, with options from a factory, a class or an existing provider. */
  static forRootAsync(options: OtpModuleAsyncOptions): DynamicModule {
    refuseUnknownOptions(options, ASYNC);
    return define(options, [...(options.extraProviders ?? []), ...asyncOptions(options)], options.imports);
  }
}

function define(
  shape: OtpModuleShape | undefined,
  given: Provider[],
  imports: ModuleMetadata['imports'] = [],
): DynamicModule {
  const { isGlobal = true, dataSource, throttlerStorage } = shape ?? {};
  // Registers the entities for "autoLoadEntities". The repositories are not used.
  TypeOrmModule.forFeature(OTP_ENTITIES, dataSource);
  return {
    module: OtpModule,
    global: isGlobal,
    imports,
    providers: [
      ...given,
      {
        provide: SETUP,
        inject: [GIVEN],
        useFactory: (given: OtpOptionsWithProvider): Setup => ({
          provider: given && requireProvider(given.provider),
          settings: settingsFrom(given),
        }),
      },
      { provide: SETTINGS, inject: [SETUP], useFactory: ({ settings }: Setup) => settings },
      {
        provide: DATA_SOURCE,
        inject: [{ token: getDataSourceToken(dataSource), optional: true }],
        useFactory: (found?: DataSource) => requirePostgres(found ?? missingDataSource(dataSource)),
      },
      {
        provide: WIRED,
        inject: [SETUP, DATA_SOURCE, ModuleRef],
        useFactory: ({ settings, provider }: Setup, source: DataSource, host: ModuleRef) =>
          wire(settings, provider, source, host),
      },
      { provide: OtpService, inject: [WIRED], useFactory: ({ service }: Wired) => service },
      { provide: OtpOperations, inject: [WIRED], useFactory: ({ operations }: Wired) => operations },
      { provide: Grants, inject: [WIRED], useFactory: ({ grants }: Wired) => grants },
      { provide: VerifiedNumbers, inject: [WIRED], useFactory: ({ numbers }: Wired) => numbers },
      { provide: Notices, inject: [WIRED], useFactory: ({ notices }: Wired) => notices },
      { provide: OtpAudit, inject: [WIRED], useFactory: ({ audit }: Wired) => audit },
      { provide: RecoveryCodes, inject: [WIRED], useFactory: ({ recoveryCodes }: Wired) => recoveryCodes },
      { provide: TrustedDevices, inject: [WIRED], useFactory: ({ trustedDevices }: Wired) => trustedDevices },
      { provide: HostAccounts, inject: [WIRED], useFactory: ({ accounts }: Wired) => accounts },
      { provide: PhoneLogins, inject: [WIRED], useFactory: ({ logins }: Wired) => logins },
      { provide: StepUps, inject: [WIRED], useFactory: ({ stepUps }: Wired) => stepUps },
      PhoneLoginStrategy,
      {
        provide: OtpRuntime,
        inject: [WIRED, ModulesContainer, HttpAdapterHost, ModuleRef],
        useFactory: (...parts: ConstructorParameters<typeof OtpRuntime>) => new OtpRuntime(...parts),
      },
      {
        provide: VerifyThrottle,
        inject: [SETTINGS, HostAccounts, HttpAdapterHost],
        useFactory: (settings: OtpSettings, accounts: HostAccounts, host: HttpAdapterHost) =>
          new VerifyThrottle(settings, throttlerStorage, accounts, host),
      },
    ],
  };
}

function asyncOptions({ inject, useFactory, useClass, useExisting }: OtpModuleAsyncOptions): Provider[] {
  if (useFactory) {
    const create = async (...injected: unknown[]) => refuseModuleOptions(await useFactory(...injected));
    return [{ provide: GIVEN, inject: inject ?? [], useFactory: create }];
  }
  const factory = useExisting ?? useClass;
  if (!factory) {
    throw new OtpConfigError(
      '"OtpModule.forRootAsync()" needs one of "useFactory", "useClass" and "useExisting": pass one.',
    );
  }
  return [
    ...(useClass ? [useClass] : []),
    {
      provide: GIVEN,
      inject: [factory],
      useFactory: async (maker: OtpOptionsFactory) => refuseModuleOptions(await maker.createOtpOptions()),
    },
  ];
}

/** Refuses options of the module itself in the result of a factory, where Nest would ignore them. */
function refuseModuleOptions(options: OtpOptionsWithProvider): OtpOptionsWithProvider {
  const name = Object.keys(options ?? {}).find((option) => option in SHAPE);
  if (name === undefined) return options;
  throw new OtpConfigError(
    `"${name}" has no effect in the result of a factory: put it beside "useFactory", "useClass" or "useExisting".`,
  );
}

/** @throws {@link OtpConfigError} that names the option to change */
export function settingsFrom(given: OtpOptionsWithProvider): OtpSettings {
  refuseUnknownOptions(given, { ...OTP_OPTION_NAMES, ...SHAPE, provider: true });
  return resolveOptions(given);
}

function requireProvider(provider: OtpProvider): OtpProvider {
  if (MODES.has(provider?.mode)) return provider;
  throw new OtpConfigError(
    '"OtpModule" needs a provider: pass one as the first argument of "OtpModule.forRoot()", ' +
      'or return one as "provider" from the factory of "OtpModule.forRootAsync()".',
  );
}

const MODES: ReadonlySet<unknown> = new Set<OtpProvider['mode']>(['delivery', 'delegated', 'generator', 'choice']);

function requirePostgres(dataSource: DataSource): DataSource {
  const { type } = dataSource.options;
  if (type === 'postgres') return dataSource;
  throw new OtpConfigError(
    `"OtpModule" needs PostgreSQL, but this data source has the type "${type}": name one of type "postgres" in the option "dataSource".`,
  );
}

function missingDataSource(name: string | undefined): never {
  throw new OtpConfigError(
    name === undefined
      ? '"OtpModule" found no TypeORM data source: import "TypeOrmModule.forRoot()", or name your data source in the option "dataSource".'
      : `"OtpModule" found no TypeORM data source named "${name}": correct the option "dataSource", or pass that "name" to "TypeOrmModule.forRoot()".`,
  );
}
