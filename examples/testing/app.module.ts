import { Controller, Module, Post } from '@nestjs/common';
import { ConsoleProvider, LoggedIn, OtpModule, PhoneLogin, type PhoneLoginResult } from 'nestjs-phone-otp';

import { database, options, routes } from '../support/example.js';

@Controller('auth')
class LoginController {
  @Post('login')
  @PhoneLogin()
  login(@LoggedIn() { account, amr }: PhoneLoginResult) {
    return { account: account.id, amr };
  }
}

/** An unmodified application: its test changes nothing in it. */
@Module({
  imports: [database, routes, OtpModule.forRoot(new ConsoleProvider(), options)],
  controllers: [LoginController],
})
export class AppModule {}
