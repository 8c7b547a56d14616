import type { ModuleRef } from '@nestjs/core';

/**
 * What the host provides under an abstract class, anywhere in the application. It is looked up at the time of use, so
 * the host's module may import this one without a circle.
 */
export function provided<T>(host: ModuleRef, token: abstract new () => T): T | undefined {
  try {
    return host.get<T>(token, { strict: false });
  } catch {
    return undefined; // Nest throws for a token that nobody provides
  }
}
