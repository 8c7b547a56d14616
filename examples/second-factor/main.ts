import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

import { Body, Controller, Headers, Ip, Module, Post, UnauthorizedException, UseFilters } from '@nestjs/common';
import {
  amrWithPhone,
  Grants,
  OtpModule,
  OtpProblemFilter,
  OtpService,
  stepUpRequired,
  VerifiedNumbers,
} from 'nestjs-phone-otp';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';
import { Sessions, SignIn } from '../support/sign-in.js';

const salt = randomBytes(16);
const hash = (password: string) => scryptSync(password, salt, 32);
/** In your application, store them in a table and count attempts: uncounted passwords can be guessed. */
const PASSWORDS = new Map([['sara', hash('correct horse battery')]]);

@Controller()
@UseFilters(OtpProblemFilter)
class LoginController {
  constructor(
    private readonly otp: OtpService,
    private readonly grants: Grants,
    private readonly numbers: VerifiedNumbers,
    private readonly sessions: Sessions,
  ) {}

  /** A right password alone returns a challenge; the same call with its grant opens the session. */
  @Post('login')
  async login(
    @Body() { name, password }: { name: string; password: string },
    @Headers('OTP-Grant') grant: string | undefined,
    @Ip() address: string,
  ) {
    const known = PASSWORDS.get(name);
    if (!known || !timingSafeEqual(known, hash(password))) throw new UnauthorizedException();

    const purpose = 'second_factor';
    if (grant === undefined) {
      const [number] = await this.numbers.numbersOf(name);
      const request = { purpose, phone: number!.phone, subject: name, client: { address }, reuse: true };
      throw stepUpRequired(purpose, await this.otp.start(request));
    }
    await this.grants.consume(grant, { purpose, subject: name });
    return { accessToken: this.sessions.open(name), amr: amrWithPhone(['pwd']) };
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(sms, options), Inbox, SignIn],
  controllers: [LoginController],
})
class AppModule {}

await serve(AppModule, (otp) => otp.activate('+966512345678', 'sara'));
