import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';

import { OtpProblemFilter } from '../http/problem.filter.js';
import type { Purpose } from '../config/purposes.js';
import type { StepUpAction } from './step-up-action.js';
import { grantOf, STEP_UP, type StepUpMetadata } from './step-up.metadata.js';
import { StepUpGuard } from './step-up.guard.js';
import { StepUpInterceptor } from './step-up.interceptor.js';

/** Options of {@link StepUp}. */
export interface StepUpOptions {
  /**
   * What uses the grant. `guard`: before the handler runs, so a failed action needs a new code. `handler`: the handler calls
   * {@link StepUpGrant.consume} in the transaction that does the work, so both commit or roll back together. Use `handler`
   * for payments.
   * @defaultValue 'guard'
   */
  consume?: 'guard' | 'handler';
  /** Start the challenge if a call has no grant. If false, the client must start it. @defaultValue true */
  autoStart?: boolean;
}

/**
 * Admits a call only with a fresh proof of the account's phone, for this purpose and this action.
 *
 * A call without a grant starts a challenge and returns 401 `insufficient_user_authentication` (RFC 9470) with its
 * `challenge`. The client verifies the code and repeats the call with the grant in the header `OTP-Grant`. Further calls
 * within the cooldown return the same challenge and send nothing. Calls that change nothing (GET, queries) start no challenge.
 *
 * `Callers` provides the signed-in account. For a purpose that anyone may start, such as `password_reset`, nobody is signed
 * in: the grant alone determines the account.
 *
 * @example @StepUp('transaction', TransferAction, { consume: 'handler' })
 */
export function StepUp(purpose: Purpose, options?: StepUpOptions): MethodDecorator & ClassDecorator;
export function StepUp(
  purpose: Purpose,
  action: Type<StepUpAction>,
  options?: StepUpOptions,
): MethodDecorator & ClassDecorator;
export function StepUp(
  purpose: Purpose,
  second?: Type<StepUpAction> | StepUpOptions,
  third?: StepUpOptions,
): MethodDecorator & ClassDecorator {
  const action = typeof second === 'function' ? second : undefined;
  const options = typeof second === 'function' ? third : second;
  const metadata: StepUpMetadata = { purpose, action, consume: 'guard', autoStart: true, ...options };
  return applyDecorators(
    SetMetadata(STEP_UP, metadata),
    UseGuards(StepUpGuard),
    UseInterceptors(StepUpInterceptor),
    UseFilters(OtpProblemFilter),
  );
}

/** Parameter decorator for handlers with {@link StepUp}: injects the {@link StepUpGrant}. */
export const SteppedUp = createParamDecorator((_: unknown, context: ExecutionContext) => grantOf(context));
