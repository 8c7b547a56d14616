import { Body, Controller, Get, Headers, Module, Post, UnauthorizedException, UseFilters } from '@nestjs/common';
import { OtpModule, OtpProblemFilter, VerifiedNumbers } from 'nestjs-phone-otp';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';
import { Sessions, SignIn } from '../support/sign-in.js';

@Controller('number')
@UseFilters(OtpProblemFilter)
class NumberController {
  constructor(
    private readonly numbers: VerifiedNumbers,
    private readonly sessions: Sessions,
  ) {}

  @Get()
  async mine(@Headers() headers: { authorization?: string }) {
    const [number] = await this.numbers.numbersOf(this.#account(headers));
    return { phone: number?.phone, onHold: number?.heldUntil !== null };
  }

  /** A code from each phone: a stolen session alone cannot move the account to another number. */
  @Post('change')
  async change(
    @Body() { currentNumberGrant, newNumberGrant }: { currentNumberGrant: string; newNumberGrant: string },
    @Headers() headers: { authorization?: string },
  ) {
    const { phone } = await this.numbers.change(this.#account(headers), { currentNumberGrant, newNumberGrant });
    return { phone };
  }

  #account(headers: { authorization?: string }): string {
    const account = this.sessions.accountOf({ headers });
    if (account === undefined) throw new UnauthorizedException();
    return account;
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(sms, options), Inbox, SignIn],
  controllers: [NumberController],
})
class AppModule {}

await serve(AppModule, (otp) => otp.activate('+966512345678', 'sara'));
