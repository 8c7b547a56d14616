import { type DynamicModule, Module, type ModuleMetadata, type Provider, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

import { HostAccounts } from './accounts/host-accounts.js';
import { OtpAudit } from './audit/otp-audit.js';
import { OtpService } from './challenges/otp.service.js';
import type { OtpSettings } from './config/options.js';
import { Notices } from './delivery/notices.js';
import type { OtpProvider } from './delivery/provider.js';
import { TrustedDevices } from './devices/trusted-devices.js';
import { OTP_ENTITIES } from './entities.js';
import { OtpConfigError } from './errors/otp.error.js';
import { Grants } from './grants/grants.js';
import { SETTINGS } from './http/tokens.js';
import { VerifyThrottle } from './http/verify-throttle.js';
import { VerifiedNumbers } from './numbers/verified-numbers.js';
import { OtpOperations } from './operations/otp.operations.js';
import {
  asyncOptions,
  GIVEN,
  type OtpModuleAsyncOptions,
  type OtpModuleOptions,
  type OtpModuleShape,
  requirePostgres,
  type Setup,
  SETUP,
  setupFrom,
} from './otp.module-options.js';
import { wire, type Wired } from './otp.wiring.js';
import { PhoneLoginStrategy } from './passport/phone-login.strategy.js';
import { PhoneLogins } from './passport/phone-logins.js';
import { RecoveryCodes } from './recovery/recovery-codes.js';
import { OtpRuntime } from './start-up/otp.runtime.js';
import { StepUps } from './step-up/step-ups.js';

export const WIRED = Symbol('wired parts of OtpModule');
const DATA_SOURCE = Symbol('data source of OtpModule');

/** The parts that hosts inject, as {@link wire} names them. */
const SERVICES = {
  service: OtpService,
  operations: OtpOperations,
  grants: Grants,
  numbers: VerifiedNumbers,
  notices: Notices,
  audit: OtpAudit,
  recoveryCodes: RecoveryCodes,
  trustedDevices: TrustedDevices,
} satisfies { [Part in keyof Wired]?: Type<Wired[Part]> };

/** With those that only the module's own guards and routes look up. */
const PARTS = { ...SERVICES, accounts: HostAccounts, logins: PhoneLogins, stepUps: StepUps };

const EXPORTED = [...Object.values(SERVICES), PhoneLoginStrategy];

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
    return define(options, asyncOptions(options), options.imports);
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
      { provide: SETUP, inject: [GIVEN], useFactory: setupFrom },
      { provide: SETTINGS, inject: [SETUP], useFactory: ({ settings }: Setup) => settings },
      {
        provide: DATA_SOURCE,
        inject: [{ token: getDataSourceToken(dataSource), optional: true }],
        useFactory: (found?: DataSource) => requirePostgres(found, dataSource),
      },
      {
        provide: WIRED,
        inject: [SETUP, DATA_SOURCE, ModuleRef],
        useFactory: ({ settings, provider }: Setup, source: DataSource, host: ModuleRef) =>
          wire(settings, provider, source, host),
      },
      ...Object.entries(PARTS).map(([name, provide]) => ({
        provide,
        inject: [WIRED],
        useFactory: (wired: Wired) => wired[name as keyof Wired],
      })),
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
