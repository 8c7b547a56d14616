import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';

import type { IncomingRequest } from '../http/incoming.js';
import { PhoneLogins, type PhoneLoginResult } from './phone-logins.js';

/**
 * Login by a code as a passport strategy named `phone-otp`, for hosts that combine strategies. On its own use
 * `@PhoneLogin()`: passport keeps strategies per process, so `AuthGuard('phone-otp')` would take the one of whichever
 * application was started last. Nor does that guard count codes per address (LIM-08), and it needs `OtpProblemFilter`.
 */
@Injectable()
export class PhoneLoginStrategy extends PassportStrategy(Strategy, 'phone-otp') {
  /** @internal */
  constructor(private readonly logins: PhoneLogins) {
    super();
  }

  validate(request: unknown): Promise<PhoneLoginResult> {
    return this.logins.logIn(request as IncomingRequest);
  }
}
