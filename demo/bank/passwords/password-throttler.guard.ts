import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { OtpError } from 'nestjs-phone-otp';

/** 30 passwords in 10 minutes from one address: more than a family needs, fewer than a list of stolen passwords has. */
export const PASSWORDS_PER_ADDRESS: ThrottlerModuleOptions = {
  throttlers: [{ ttl: 600_000, limit: 30 }],
  setHeaders: false,
};

/**
 * Slows down an address that tries many phones. It counts in this process only, which is enough to limit hashing.
 * PostgreSQL counts the hard limit: passwords tried for one phone.
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
