import { type CanActivate, type ExecutionContext, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, Reflector } from '@nestjs/core';

import { partOfModule } from '../http/part-of-module.js';
import { refusal } from '../http/problem.exception.js';
import { OtpConfigError } from '../errors/otp.error.js';
import { keepGrant, STEP_UP, type StepUpMetadata } from './step-up.metadata.js';
import { StepUps } from './step-ups.js';

/** The guard of `@StepUp()`. Without that decorator on the handler or its class it refuses every call. */
@Injectable()
export class StepUpGuard implements CanActivate, OnModuleInit {
  /** @internal */
  constructor(
    private readonly modules: ModuleRef,
    private readonly reflector: Reflector,
    private readonly host: HttpAdapterHost,
  ) {}

  /** @throws OtpConfigError if no module imports `OtpModule` */
  onModuleInit(): void {
    this.#stepUps();
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const metadata = this.reflector.getAllAndOverride<StepUpMetadata | undefined>(STEP_UP, targets);
    try {
      if (!metadata) throw new OtpConfigError('"StepUpGuard" has no purpose on its own: use "@StepUp()" instead.');
      keepGrant(context, await this.#stepUps().admit(metadata, context));
      return true;
    } catch (error) {
      throw refusal(error, context, this.host.httpAdapter);
    }
  }

  #stepUps(): StepUps {
    return partOfModule(this.modules, StepUps, '@StepUp()');
  }
}
