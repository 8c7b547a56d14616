import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Callers } from 'nestjs-phone-otp';

import { AccessTokens, tokenOptions } from './access-tokens.js';
import { Accounts } from './accounts.js';
import { AuthController } from './auth.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { BANK_ENTITIES } from './entities.js';
import { MeController } from './me.controller.js';
import { NumbersController } from './numbers.controller.js';
import { PASSWORDS_PER_ADDRESS } from './passwords/password-throttler.guard.js';
import { PasswordAttempts } from './passwords/password-attempts.js';
import { PasswordController } from './passwords/password.controller.js';
import { Passwords } from './passwords/passwords.js';
import { RecoveryController } from './recovery/recovery.controller.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.js';
import { BankCallers } from './signed-in.js';
import { TransferAction } from './transfers/transfer-action.js';
import { TransfersController } from './transfers/transfers.controller.js';
import { Transfers } from './transfers/transfers.js';

@Module({})
export class BankModule {
  static forRoot(tokenSecret: string): DynamicModule {
    return {
      module: BankModule,
      imports: [
        TypeOrmModule.forFeature(BANK_ENTITIES),
        JwtModule.register(tokenOptions(tokenSecret)),
        ThrottlerModule.forRoot(PASSWORDS_PER_ADDRESS),
      ],
      controllers: [
        AuthController,
        PasswordController,
        SessionsController,
        RecoveryController,
        DevicesController,
        MeController,
        NumbersController,
        TransfersController,
      ],
      providers: [
        AccessTokens,
        Accounts,
        Passwords,
        PasswordAttempts,
        Sessions,
        Transfers,
        TransferAction,
        { provide: Callers, useClass: BankCallers },
      ],
    };
  }
}
