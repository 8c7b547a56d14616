import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Callers } from 'nestjs-phone-otp';

import { AccessTokens, tokenOptions } from './access-tokens.js';
import { Accounts } from './accounts.js';
import { AuthController } from './auth.controller.js';
import { MeController } from './me.controller.js';
import { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { BankCallers } from './signed-in.js';
import { User } from './user.entity.js';

@Module({})
export class BankModule {
  static forRoot(tokenSecret: string): DynamicModule {
    return {
      module: BankModule,
      imports: [TypeOrmModule.forFeature([User, Session]), JwtModule.register(tokenOptions(tokenSecret))],
      controllers: [AuthController, MeController],
      providers: [AccessTokens, Accounts, Sessions, { provide: Callers, useClass: BankCallers }],
    };
  }
}
