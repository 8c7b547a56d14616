import { Controller, type Provider, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { type ThrottlerModuleOptions, type ThrottlerStorage, ThrottlerStorageService } from '@nestjs/throttler';

import { type OptionNames, refuseUnknownOptions } from '../config/option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpRoutes } from './otp.routes.js';
import { HTTP_SETTINGS, ROUTES_OPTIONS, THROTTLER_OPTIONS, THROTTLER_STORAGE } from '../http/tokens.js';
import { VerifyThrottlerGuard } from '../http/verify-throttler.guard.js';

const TEN_MINUTES_MS = 600_000;

/** The controller of the ready-made routes, if they are wanted, and what HTTP needs of the module either way. */
export function otpHttp(
  routes: OtpRoutesOptions | undefined,
  throttlerStorage: ThrottlerStorage | undefined,
  settings: symbol,
): { controllers: Type<unknown>[]; providers: Provider[] } {
  return {
    controllers: routes ? [controllerAt(prefixOf(routes))] : [],
    providers: [
      { provide: HTTP_SETTINGS, useExisting: settings },
      { provide: ROUTES_OPTIONS, useValue: routes },
      { provide: THROTTLER_STORAGE, useFactory: () => throttlerStorage ?? new ThrottlerStorageService() },
      {
        provide: THROTTLER_OPTIONS,
        inject: [HTTP_SETTINGS],
        useFactory: ({ verifiesPerAddress: limit }: OtpSettings): ThrottlerModuleOptions => ({
          throttlers: [{ name: 'otp-verify', ttl: TEN_MINUTES_MS, limit }],
          setHeaders: false, // a named throttler would write "Retry-After-otp-verify"
        }),
      },
      VerifyThrottlerGuard,
    ],
  };
}

const ROUTES = { prefix: true, deviceKey: true } satisfies OptionNames<OtpRoutesOptions>;

function prefixOf(routes: OtpRoutesOptions): string {
  refuseUnknownOptions(routes, ROUTES, 'routes');
  const { prefix } = routes;
  if (typeof prefix === 'string') return prefix;
  throw new OtpConfigError('"routes" must say where the routes are mounted: { prefix: "otp" }.');
}

/** A class of its own per registration, since two applications in one process may differ. */
function controllerAt(path: string): Type<unknown> {
  @Controller({ path, version: VERSION_NEUTRAL }) // else 404 where the host versions its routes
  class OtpController extends OtpRoutes {}
  return OtpController;
}
