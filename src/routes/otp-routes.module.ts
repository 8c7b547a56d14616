import { Controller, type DynamicModule, Module, type Type, VERSION_NEUTRAL } from '@nestjs/common';

import { type OptionNames, refuseUnknownOptions } from '../config/option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpRoutes, ROUTES_OPTIONS } from './otp.routes.js';

const OPTIONS = { prefix: true, deviceKey: true } satisfies OptionNames<OtpRoutesOptions>;

/**
 * The ready-made routes `start`, `resend` and `verify`, beside `OtpModule.forRoot()`.
 *
 * @example imports: [OtpModule.forRoot(provider, options), OtpRoutesModule.register({ prefix: 'otp' })]
 */
@Module({})
export class OtpRoutesModule {
  /** @throws {@link OtpConfigError} naming the option to change */
  static register(options: OtpRoutesOptions): DynamicModule {
    refuseUnknownOptions(options, OPTIONS, 'OtpRoutesModule.register()');
    return {
      module: OtpRoutesModule,
      controllers: [controllerAt(prefixOf(options))],
      providers: [{ provide: ROUTES_OPTIONS, useValue: options }],
    };
  }
}

function prefixOf(options: OtpRoutesOptions | undefined): string {
  if (typeof options?.prefix === 'string') return options.prefix;
  throw new OtpConfigError(
    '"OtpRoutesModule.register()" needs the path under which the routes are mounted: pass { prefix: "otp" }.',
  );
}

/** A class of its own per registration, since two applications in one process may differ. */
function controllerAt(path: string): Type<unknown> {
  @Controller({ path, version: VERSION_NEUTRAL }) // else 404 where the host versions its routes
  class OtpController extends OtpRoutes {}
  return OtpController;
}
