import { type ExecutionContext, Logger } from '@nestjs/common';
import type { HttpAdapterHost, Reflector } from '@nestjs/core';
import {
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerModuleOptions,
  type ThrottlerStorage,
  ThrottlerStorageService,
} from '@nestjs/throttler';

import { withTimeout } from '../accounts/host-accounts.js';
import { addressBlock } from '../config/client-address.js';
import { OtpError } from '../errors/otp.error.js';
import type { AddressReader } from './incoming.js';
import type { VerifyThrottlerStorage } from './throttler-storage.js';

interface Parts {
  readonly reflector: Reflector;
  readonly accounts: AddressReader;
  readonly host: HttpAdapterHost;
}

/** How long a store may take, as any bound of a wait here: what it counts is worth no more. */
const PATIENCE_MS = 2_000;
const TEN_MINUTES_MS = 600_000;

/**
 * Slows down one address that tries many codes (LIM-08). It has tokens of its own, so a host's ThrottlerModule stays as
 * it is. What may never be exceeded is counted in PostgreSQL; this guard only spares the database a flood.
 */
export class VerifyThrottlerGuard extends ThrottlerGuard {
  readonly #logger = new Logger('Otp');
  /** Told once, and not for each call. */
  #storeFails = false;

  constructor(
    options: ThrottlerModuleOptions,
    storage: ThrottlerStorage,
    private readonly parts: Parts,
  ) {
    super(options, storage, parts.reflector);
  }

  static async of(
    limit: number,
    storage: VerifyThrottlerStorage | undefined,
    parts: Parts,
  ): Promise<VerifyThrottlerGuard> {
    const options = {
      throttlers: [{ name: 'otp-verify', ttl: TEN_MINUTES_MS, limit }],
      setHeaders: false, // a named throttler would write "Retry-After-otp-verify"
    };
    const guard = new VerifyThrottlerGuard(options, storage ?? new ThrottlerStorageService(), parts);
    await guard.onModuleInit();
    return guard;
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      const passes = await withTimeout('"throttlerStorage"', super.canActivate(context), PATIENCE_MS);
      this.#storeFails = false;
      return passes;
    } catch (error) {
      if (error instanceof OtpError && error.code === 'too_many_requests') {
        this.#storeFails = false;
        throw error;
      }
      // The store is gone: the route stays closed rather than unlimited.
      if (!this.#storeFails) this.#logger.error(`"throttlerStorage" fails, so nobody can verify: ${nameOf(error)}`);
      this.#storeFails = true;
      throw new OtpError('service_unavailable', 'The limit on calls could not be checked. Try again later.', {
        retryAfterSeconds: 5,
      });
    }
  }

  protected override getTracker(request: { ip?: string }): Promise<string> {
    return Promise.resolve(addressBlock(this.parts.accounts.addressOf(request)));
  }

  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return `otp-verify:${tracker}`;
  }

  /** RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10) speak of the caller's own address only. */
  protected override throwThrottlingException(context: ExecutionContext, detail: ThrottlerLimitDetail): Promise<void> {
    const response: unknown = context.switchToHttp().getResponse();
    const seconds = Math.max(1, detail.timeToBlockExpire || detail.timeToExpire);
    this.parts.host.httpAdapter.setHeader(
      response,
      'RateLimit-Policy',
      `"verify";q=${detail.limit};w=${detail.ttl / 1000}`,
    );
    this.parts.host.httpAdapter.setHeader(response, 'RateLimit', `"verify";r=0;t=${seconds}`);
    throw new OtpError('too_many_requests', 'Too many calls from this address. Try again later.', {
      retryAfterSeconds: seconds,
    });
  }
}

/** Its message may quote the address and password of the store. */
function nameOf(error: unknown): string {
  if (error instanceof OtpError) return 'it does not answer';
  return error instanceof Error ? error.name : 'no error';
}
