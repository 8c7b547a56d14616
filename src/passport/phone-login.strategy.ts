import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';

import type { IncomingRequest } from '../http/incoming.js';
import { PhoneLogins, type PhoneLoginResult } from './phone-logins.js';

/**
 * Login by code as a passport strategy named `phone-otp`, for hosts that combine strategies. Otherwise use `@PhoneLogin()`:
 * passport registers strategies per process, so `AuthGuard('phone-otp')` uses the strategy of the application that started
 * last. That guard also has no limit per client address, and it needs `OtpProblemFilter`.
 */
@Injectable()
export class PhoneLoginStrategy extends PassportStrategy(Strategy, 'phone-otp') {
  /** @internal */
  constructor(private readonly logins: PhoneLogins) {
    super();
  }

  /** Called by passport. @throws OtpError as `@PhoneLogin()` lists */
  validate(request: unknown): Promise<PhoneLoginResult> {
    return this.logins.logIn(request as IncomingRequest);
  }
}
