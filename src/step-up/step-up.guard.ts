import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';

import { refusal } from '../http/problem.exception.js';
import { OtpConfigError } from '../otp.error.js';
import { keepGrant, STEP_UP, type StepUpMetadata } from './step-up.metadata.js';
import { StepUps } from './step-ups.js';

/** The guard behind `@StepUp()`. Without that decorator on the handler or its class it lets nobody in. */
@Injectable()
export class StepUpGuard implements CanActivate {
  /** @internal */
  constructor(
    private readonly stepUps: StepUps,
    private readonly reflector: Reflector,
    private readonly host: HttpAdapterHost,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const metadata = this.reflector.getAllAndOverride<StepUpMetadata | undefined>(STEP_UP, targets);
    try {
      if (!metadata) throw new OtpConfigError('StepUpGuard does not know what to ask for: use @StepUp() instead.');
      keepGrant(context, await this.stepUps.admit(metadata, context));
      return true;
    } catch (error) {
      throw refusal(error, context, this.host.httpAdapter);
    }
  }
}
