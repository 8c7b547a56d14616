import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { type HttpAdapterHost, Reflector } from '@nestjs/core';

import type { OtpSettings } from '../config/options.js';
import { OtpConfigError } from '../errors/otp.error.js';
import type { AddressReader } from './incoming.js';
import type { VerifyThrottlerStorage } from './throttler-storage.js';

/**
 * Limits code attempts per client address. It uses `@nestjs/throttler`, which only applications with `@PhoneLogin()` or the
 * ready-made routes need, so it loads that package when the first of them starts.
 */
export class VerifyThrottle implements CanActivate {
  #guard: Promise<CanActivate> | undefined;

  constructor(
    private readonly settings: Pick<OtpSettings, 'verifiesPerAddress'>,
    private readonly storage: VerifyThrottlerStorage | undefined,
    private readonly accounts: AddressReader,
    private readonly host: HttpAdapterHost,
  ) {}

  /**
   * @param user the decorator or module that needs it, for the error message
   * @throws OtpConfigError if `@nestjs/throttler` is not installed
   */
  async load(user: string): Promise<void> {
    try {
      await this.#loadGuard();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw new OtpConfigError(`${user} needs "@nestjs/throttler": run "npm install @nestjs/throttler".`);
    }
  }

  /** @throws OtpError `too_many_requests` · `service_unavailable` if the storage fails */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    return (await this.#loadGuard()).canActivate(context) as Promise<boolean>;
  }

  #loadGuard(): Promise<CanActivate> {
    this.#guard ??= import('./verify-throttler.guard.js').then(({ VerifyThrottlerGuard }) =>
      VerifyThrottlerGuard.of(this.settings.verifiesPerAddress, this.storage, {
        reflector: new Reflector(),
        accounts: this.accounts,
        host: this.host,
      }),
    );
    return this.#guard;
  }
}
