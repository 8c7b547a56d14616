import type { ModuleRef } from '@nestjs/core';

/** The part of EventEmitter2 that is used. */
export interface Emitter {
  emit(name: string, payload: unknown): unknown;
}

/** The application's `EventEmitter2`, where it imports `EventEmitterModule` of `@nestjs/event-emitter`, which is optional. */
export async function eventEmitterOf(application: ModuleRef): Promise<Emitter | undefined> {
  try {
    const { EventEmitter2 } = await import('@nestjs/event-emitter');
    return application.get(EventEmitter2, { strict: false });
  } catch {
    return undefined; // not installed, or not imported
  }
}
