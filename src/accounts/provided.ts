import type { ModuleRef } from '@nestjs/core';

import { OtpConfigError } from '../errors/otp.error.js';

/**
 * What the host provides under an abstract class, anywhere in the application. It is looked for at the first use, so the
 * host's module may import this one without a circle.
 * @throws {@link OtpConfigError} from the function returned, when the host made it request-scoped
 */
export function provided<T>(host: ModuleRef, token: abstract new () => T): () => T | undefined {
  let found: { value: T | undefined } | undefined;
  return () => (found ??= { value: find(host, token) }).value;
}

function find<T>(host: ModuleRef, token: abstract new () => T): T | undefined {
  try {
    return host.get<T>(token, { strict: false });
  } catch (error) {
    if ((error as Error).constructor.name !== 'InvalidClassScopeException') return undefined; // nobody provides it
    throw new OtpConfigError(
      `"${token.name}" must be a singleton: take "scope" off the class that you provide for it.`,
    );
  }
}
