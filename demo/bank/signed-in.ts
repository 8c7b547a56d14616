import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { type Caller, Callers, OtpError } from 'nestjs-phone-otp';

import type { Session } from './session.entity.js';
import { Sessions } from './sessions.js';

/** The part of a request that the bank reads. */
export interface BankRequest {
  ip?: string;
  headers: { authorization?: string };
  /** Set on routes that are `@SignedIn()`. */
  session?: Session;
}

@Injectable()
export class SignedInGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<BankRequest>();
    const session = await this.sessions.of(request);
    // The problem filter turns it into a 401 with "WWW-Authenticate: Bearer".
    if (session === null) throw new OtpError('sign_in_required', 'Sign in first.');
    request.session = session;
    return true;
  }
}

/** Admits signed-in customers only. */
export const SignedIn = () =>
  applyDecorators(
    UseGuards(SignedInGuard),
    ApiBearerAuth(),
    ApiUnauthorizedResponse({ description: 'No token, or an invalid one.' }),
  );

/** The session of a route that is `@SignedIn()`. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<BankRequest>().session,
);

/** Tells the package's own routes and `@StepUp` who is signed in. */
@Injectable()
export class BankCallers extends Callers {
  constructor(private readonly sessions: Sessions) {
    super();
  }

  async identify(request: BankRequest): Promise<Caller | null> {
    const session = request.session ?? (await this.sessions.of(request));
    return session && { subject: session.user.id, session: session.id };
  }
}
