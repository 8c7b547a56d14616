import { Controller, type DynamicModule, Module, type Type, VERSION_NEUTRAL } from '@nestjs/common';

import { type OptionNames, refuseUnknownOptions } from '../config/option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpRoutes, ROUTES_OPTIONS } from './otp.routes.js';

const OPTIONS = { prefix: true, deviceKey: true } satisfies OptionNames<OtpRoutesOptions>;

/**
 * The ready-made routes `start`, `resend` and `verify`. Import it in addition to `OtpModule.forRoot()`.
 *
 * @example imports: [OtpModule.forRoot(provider, options), OtpRoutesModule.register({ prefix: 'otp' })]
 */
@Module({})
export class OtpRoutesModule {
  /** @throws {@link OtpConfigError} that names the option to change */
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
    '"OtpRoutesModule.register()" needs the option "prefix", the path of the routes: pass { prefix: "otp" }.',
  );
}

/** Creates a new class per registration, because two applications in one process may use different prefixes. */
function controllerAt(path: string): Type<unknown> {
  @Controller({ path, version: VERSION_NEUTRAL }) // otherwise 404 if the host versions its routes
  class OtpController extends OtpRoutes {}
  return OtpController;
}
