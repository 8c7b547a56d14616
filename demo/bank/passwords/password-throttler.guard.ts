import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { OtpError } from 'nestjs-phone-otp';

/** Thirty passwords in ten minutes from one address: more than a family needs, less than a list of stolen ones. */
export const PASSWORDS_PER_ADDRESS: ThrottlerModuleOptions = {
  throttlers: [{ ttl: 600_000, limit: 30 }],
  setHeaders: false,
};

/**
 * Slows down one address that tries many phones. It counts in this process alone, which is enough for what it spares:
 * hashing. What may never be exceeded, the passwords tried for one phone, is counted in PostgreSQL.
 */
@Injectable()
export class PasswordThrottlerGuard extends ThrottlerGuard {
  protected override throwThrottlingException(
    _: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new OtpError('too_many_requests', 'Too many calls from this address. Try again later.', {
      retryAfterSeconds: timeToBlockExpire,
    });
  }
}
