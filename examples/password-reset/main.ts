import { randomBytes, scryptSync } from 'node:crypto';

import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { Notices, OtpModule, StepUp, type StepUpGrant, SteppedUp } from 'nestjs-phone-otp';
import { DataSource } from 'typeorm';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';
import { Sessions, SignIn } from '../support/sign-in.js';

@Controller('password')
class PasswordController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly notices: Notices,
    private readonly sessions: Sessions,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.dataSource.query(
      'CREATE TABLE IF NOT EXISTS passwords (account text PRIMARY KEY, salt bytea, hash bytea)',
    );
  }

  /** Nobody is signed in: the verified phone identifies the account. The reset does not log in. */
  @Post('reset')
  @HttpCode(204)
  @StepUp('password_reset', { consume: 'handler' })
  async reset(@Body() { password }: { password: string }, @SteppedUp() grant: StepUpGrant): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const { phone } = await grant.consume(manager); // commits with the new password, or not at all
      const salt = randomBytes(16);
      await manager.query(
        `INSERT INTO passwords VALUES ($1, $2, $3)
         ON CONFLICT (account) DO UPDATE SET salt = excluded.salt, hash = excluded.hash`,
        [grant.subject, salt, scryptSync(password, salt, 32)],
      );
      this.sessions.endAll(grant.subject);
      this.notices.send('password_changed', phone, { manager }); // after the commit
    });
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(sms, options), Inbox, SignIn],
  controllers: [PasswordController],
})
class AppModule {}

await serve(AppModule, (otp) => otp.activate('+966512345678', 'sara'));
