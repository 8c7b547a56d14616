import { applyDecorators, createParamDecorator, type ExecutionContext, UseFilters, UseGuards } from '@nestjs/common';

import { requestOf } from '../http/incoming.js';
import { OtpProblemFilter } from '../http/problem.filter.js';
import { PhoneLoginGuard } from './phone-login.guard.js';
import type { PhoneLoginResult } from './phone-logins.js';

/**
 * Logs a user in by phone before the handler runs: with a grant of purpose `login` in the header `OTP-Grant`, or with
 * `{ challenge, code }` in the body. The handler reads the result by {@link LoggedIn} and creates its own session.
 *
 * Errors are `application/problem+json`: 400 `otp_invalid`, `otp_unavailable`, `code_malformed` · 401 `grant_required`,
 * `grant_invalid` · 403 `other_factor_needed` · 429 `locked_out`, `too_many_requests` · 503.
 */
export function PhoneLogin(): MethodDecorator & ClassDecorator {
  return applyDecorators(UseGuards(PhoneLoginGuard), UseFilters(OtpProblemFilter));
}

/** Parameter decorator for handlers with {@link PhoneLogin}: injects the {@link PhoneLoginResult}. */
export const LoggedIn = createParamDecorator(
  (_: unknown, context: ExecutionContext) => (requestOf(context) as { user?: PhoneLoginResult }).user,
);
