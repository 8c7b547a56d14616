import { Injectable } from '@nestjs/common';
import passport from 'passport';
import { Strategy } from 'passport-custom';

import { PhoneLogins } from './phone-logins.js';

/**
 * Login by a code as a passport strategy named `phone-otp`, for hosts that combine strategies. On its own use
 * `@PhoneLogin()`: passport keeps strategies per process, so `AuthGuard('phone-otp')` would take the one of whichever
 * application was started last. Nor does that guard count codes per address (LIM-08), and it needs `OtpProblemFilter`.
 */
@Injectable()
export class PhoneLoginStrategy extends Strategy {
  /** @internal */
  constructor(logins: PhoneLogins) {
    super((request, done) => void logins.logIn(request).then((login) => done(null, login), done));
    passport.use('phone-otp', this);
  }
}
