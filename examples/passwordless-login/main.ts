import { randomUUID } from 'node:crypto';

import { Controller, Get, Headers, Injectable, Module, Post, UnauthorizedException } from '@nestjs/common';
import {
  LoggedIn,
  OtpModule,
  PhoneAccounts,
  PhoneLogin,
  type PhoneLoginResult,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { DataSource, type EntityManager } from 'typeorm';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';
import { Sessions, SignIn } from '../support/sign-in.js';

/** A customer is created at the first login, in the same transaction that binds the number. */
@Injectable()
class Customers extends PhoneAccounts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly numbers: VerifiedNumbers,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    await this.dataSource.query(
      'CREATE TABLE IF NOT EXISTS customers (id uuid PRIMARY KEY, since timestamptz NOT NULL)',
    );
  }

  override async findByPhone(phone: string) {
    const id = await this.numbers.ownerOf(phone);
    return id === null ? null : { id };
  }

  override async register(_phone: string, manager: EntityManager) {
    const id = randomUUID();
    await manager.query('INSERT INTO customers VALUES ($1, now())', [id]);
    return { id };
  }
}

@Controller()
class LoginController {
  constructor(private readonly sessions: Sessions) {}

  @Post('login')
  @PhoneLogin()
  login(@LoggedIn() { account, registered, amr }: PhoneLoginResult) {
    return { accessToken: this.sessions.open(account.id), registered, amr };
  }

  @Get('me')
  me(@Headers() headers: { authorization?: string }) {
    const id = this.sessions.accountOf({ headers });
    if (id === undefined) throw new UnauthorizedException();
    return { id };
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(sms, { ...options, registerOnLogin: true }), Inbox, SignIn],
  controllers: [LoginController],
  providers: [{ provide: PhoneAccounts, useClass: Customers }],
})
class AppModule {}

await serve(AppModule);
