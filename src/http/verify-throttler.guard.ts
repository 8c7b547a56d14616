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

/** Time limit for one storage call. */
const STORE_TIMEOUT_MS = 2_000;
const TEN_MINUTES_MS = 600_000;

/**
 * Limits code attempts per client address. It does not use Nest's injection tokens for throttling, so the host's
 * ThrottlerModule is unaffected. PostgreSQL enforces the strict limits; this guard only protects the database from floods.
 */
export class VerifyThrottlerGuard extends ThrottlerGuard {
  readonly #logger = new Logger('Otp');
  /** Set after the failure is logged, so that it is logged once and not per call. */
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
      const passes = await withTimeout('"throttlerStorage"', super.canActivate(context), STORE_TIMEOUT_MS);
      this.#storeFails = false;
      return passes;
    } catch (error) {
      if (error instanceof OtpError && error.code === 'too_many_requests') {
        this.#storeFails = false;
        throw error;
      }
      // Without the store, refuse calls rather than leave the route unlimited.
      if (!this.#storeFails)
        this.#logger.error(`"throttlerStorage" fails, so all verifications are refused: ${nameOf(error)}`);
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

  /** Sets RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10), which concern only the caller's own address. */
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

/** Only the name of an error: its message may contain the address and password of the store. */
function nameOf(error: unknown): string {
  if (error instanceof OtpError) return 'it does not answer';
  return error instanceof Error ? error.name : 'no error';
}
