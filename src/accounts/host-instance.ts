import type { ModuleRef } from '@nestjs/core';

import { OtpConfigError } from '../errors/otp.error.js';

/**
 * Returns a function that finds what the host provides under an abstract class, anywhere in the application. The look-up runs
 * at first use, so the host's module can import this module without a circular dependency.
 * @throws {@link OtpConfigError} from the returned function, if the host's class is request-scoped
 */
export function hostInstance<T>(host: ModuleRef, token: abstract new () => T): () => T | undefined {
  let found: { value: T | undefined } | undefined;
  return () => (found ??= { value: find(host, token) }).value;
}

function find<T>(host: ModuleRef, token: abstract new () => T): T | undefined {
  try {
    return host.get<T>(token, { strict: false });
  } catch (error) {
    if ((error as Error).constructor.name !== 'InvalidClassScopeException') return undefined; // not provided
    throw new OtpConfigError(
      `"${token.name}" must be a singleton: remove "scope" from the class that you provide for it.`,
    );
  }
}
