import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import type { DataSource } from 'typeorm';

import { type OptionNames, refuseUnknownOptions } from './config/option-names.js';
import { OTP_OPTION_NAMES, type OtpOptions, type OtpSettings, resolveOptions } from './config/options.js';
import type { OtpProvider } from './delivery/provider.js';
import { OtpConfigError } from './errors/otp.error.js';
import type { VerifyThrottlerStorage } from './http/throttler-storage.js';

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

/** What provides the options of `forRootAsync`. @throws {@link OtpConfigError} */
export function asyncOptions(options: OtpModuleAsyncOptions): Provider[] {
  refuseUnknownOptions(options, ASYNC);
  const { inject, useFactory, useClass, useExisting, extraProviders = [] } = options;
  if (useFactory) {
    const create = async (...injected: unknown[]) => refuseModuleOptions(await useFactory(...injected));
    return [...extraProviders, { provide: GIVEN, inject: inject ?? [], useFactory: create }];
  }
  const factory = useExisting ?? useClass;
  if (!factory) {
    throw new OtpConfigError(
      '"OtpModule.forRootAsync()" needs one of "useFactory", "useClass" and "useExisting": pass one.',
    );
  }
  return [
    ...extraProviders,
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
export function setupFrom(given: OtpOptionsWithProvider): Setup {
  return { provider: given && requireProvider(given.provider), settings: settingsFrom(given) };
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

/** @throws {@link OtpConfigError} if there is none of this name, or it is not of PostgreSQL */
export function requirePostgres(dataSource: DataSource | undefined, name: string | undefined): DataSource {
  if (!dataSource) throw missingDataSource(name);
  const { type } = dataSource.options;
  if (type === 'postgres') return dataSource;
  throw new OtpConfigError(
    `"OtpModule" needs PostgreSQL, but this data source has the type "${type}": name one of type "postgres" in the option "dataSource".`,
  );
}

function missingDataSource(name: string | undefined): OtpConfigError {
  return new OtpConfigError(
    name === undefined
      ? '"OtpModule" found no TypeORM data source: import "TypeOrmModule.forRoot()", or name your data source in the option "dataSource".'
      : `"OtpModule" found no TypeORM data source named "${name}": correct the option "dataSource", or pass that "name" to "TypeOrmModule.forRoot()".`,
  );
}
