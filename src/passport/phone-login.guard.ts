import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type OnModuleInit,
  type Type,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import passport from 'passport';

import { headerOf, type IncomingRequest, requestOf } from '../http/incoming.js';
import { partOfModule } from '../http/part-of-module.js';
import { refusal } from '../http/problem.exception.js';
import { VerifyThrottle } from '../http/verify-throttle.js';
import { PhoneLoginStrategy } from './phone-login.strategy.js';
import { type PhoneLoginResult, typedCode } from './phone-logins.js';

/** Admits a request that proves an account's phone, and sets its `user` to the {@link PhoneLoginResult}. */
@Injectable()
export class PhoneLoginGuard implements CanActivate, OnModuleInit {
  /** @internal */
  constructor(
    private readonly modules: ModuleRef,
    private readonly host: HttpAdapterHost,
  ) {}

  /** @throws OtpConfigError if no module imports `OtpModule`, or `@nestjs/throttler` is not installed */
  async onModuleInit(): Promise<void> {
    this.#part(PhoneLoginStrategy);
    await this.#part(VerifyThrottle).load('@PhoneLogin()');
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      const request: IncomingRequest & { user?: PhoneLoginResult } = requestOf(context);
      // A code in the body counts toward the limit, as at /verify. A grant cannot be guessed.
      const hasCode = headerOf(request, 'otp-grant') === undefined && typedCode(request.body).code !== undefined;
      if (hasCode) await this.#part(VerifyThrottle).canActivate(context);
      request.user = await this.#authenticate(request);
      return true;
    } catch (error) {
      throw refusal(error, context, this.host.httpAdapter);
    }
  }

  /**
   * Uses this application's own strategy, and a copy of it per request: passport sets `success` and `fail` on the strategy, so
   * concurrent logins would otherwise complete each other.
   */
  #authenticate(request: IncomingRequest): Promise<PhoneLoginResult> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, user?: PhoneLoginResult | false) =>
        user ? resolve(user) : reject((error as Error | null) ?? new UnauthorizedException());
      const strategy = Object.create(this.#part(PhoneLoginStrategy)) as passport.Strategy;
      const authenticate = passport.authenticate(strategy, { session: false }, done) as Authenticate;
      authenticate(request, {}, reject);
    });
  }

  #part<Part>(part: Type<Part>): Part {
    return partOfModule(this.modules, part, '@PhoneLogin()');
  }
}

type Authenticate = (request: unknown, response: unknown, next: (error: unknown) => void) => void;
