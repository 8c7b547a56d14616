import { Controller, type Provider, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { ThrottlerStorageService, type ThrottlerModuleOptions } from '@nestjs/throttler';

import type { OtpSettings } from '../otp.options.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpRoutes } from './otp.routes.js';
import { HTTP_SETTINGS, ROUTES_OPTIONS, THROTTLER_OPTIONS, THROTTLER_STORAGE } from './tokens.js';

const TEN_MINUTES_MS = 600_000;

/** The controller and its helpers for one registration of the module. */
export function otpHttp(
  options: OtpRoutesOptions,
  settings: symbol,
): { controllers: Type<unknown>[]; providers: Provider[] } {
  return {
    controllers: [controllerAt(options.prefix)],
    providers: [
      { provide: HTTP_SETTINGS, useExisting: settings },
      { provide: ROUTES_OPTIONS, useValue: options },
      { provide: THROTTLER_STORAGE, useFactory: () => options.throttlerStorage ?? new ThrottlerStorageService() },
      {
        provide: THROTTLER_OPTIONS,
        inject: [HTTP_SETTINGS],
        useFactory: ({ verifiesPerAddress: limit }: OtpSettings): ThrottlerModuleOptions => ({
          throttlers: [{ name: 'otp-verify', ttl: TEN_MINUTES_MS, limit }],
          setHeaders: false, // a named throttler would write "Retry-After-otp-verify"
        }),
      },
    ],
  };
}

/** A class of its own per registration, since two applications in one process may differ. */
function controllerAt(path: string): Type<unknown> {
  @Controller({ path, version: VERSION_NEUTRAL }) // else 404 where the host versions its routes
  class OtpController extends OtpRoutes {}
  return OtpController;
}
