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

/** How a {@link StepUp} goes about it. */
export interface StepUpOptions {
  /**
   * Who uses the grant: the `guard`, before the handler, so that an action that fails needs a new code; or the `handler`
   * by {@link StepUpGrant.consume}, inside the transaction that does the work, so that both commit together or not at all.
   * Take `handler` for money.
   * @defaultValue 'guard'
   */
  consume?: 'guard' | 'handler';
  /** Begin the challenge when a call comes without a grant. Otherwise the client starts it. @defaultValue true */
  autoStart?: boolean;
}

/**
 * Lets a call through only with a fresh proof of the account's phone, for this purpose and this action.
 *
 * A call without a grant is answered 401 `insufficient_user_authentication` (RFC 9470): the message is on its way, and
 * the answer holds its `challenge`. The client verifies the code and calls again with the grant in the header `OTP-Grant`.
 * Within the cooldown a further call gets the same challenge and sends nothing. Calls that change nothing (GET, queries)
 * start none.
 *
 * Who is signed in is asked of `Callers`. For a purpose that anyone may start, such as `password_reset`, nobody is: the
 * grant alone says whose account it is.
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

/** Parameter of a handler behind {@link StepUp}: the {@link StepUpGrant}. */
export const SteppedUp = createParamDecorator((_: unknown, context: ExecutionContext) => grantOf(context));
