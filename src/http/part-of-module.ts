import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { OtpConfigError } from '../errors/otp.error.js';

/**
 * Resolves a provider of `OtpModule` for a guard. Nest instantiates the guard in the host's module; if the guard injected the
 * provider, an application without `OtpModule` would fail with Nest's error about an internal class.
 * @throws {@link OtpConfigError} if no module imports `OtpModule`
 */
export function partOfModule<Part>(host: ModuleRef, part: Type<Part> | symbol, user: string): Part {
  try {
    return host.get(part, { strict: false });
  } catch {
    throw new OtpConfigError(
      `"${user}" needs "OtpModule": add "OtpModule.forRoot()" to the imports of the root module.`,
    );
  }
}
