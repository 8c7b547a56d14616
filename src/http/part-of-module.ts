import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { OtpConfigError } from '../errors/otp.error.js';

/**
 * A part of `OtpModule` for a guard, which Nest builds in the module of the host that uses it. If the guard injected the
 * part, Nest would say of an application without `OtpModule` that it misses something of which the host never heard.
 * @throws {@link OtpConfigError} when no module imports `OtpModule`
 */
export function partOfModule<Part>(host: ModuleRef, part: Type<Part> | symbol, user: string): Part {
  try {
    return host.get(part, { strict: false });
  } catch {
    throw new OtpConfigError(
      `"${user}" is used and "OtpModule" is not there: add "OtpModule.forRoot()" to the imports of the root module.`,
    );
  }
}
