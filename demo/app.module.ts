import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OTP_MIGRATIONS, OtpModule, OtpProblemFilter } from 'nestjs-phone-otp';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import { BankModule } from './bank/bank.module.js';
import { HealthController } from './health.controller.js';
import { InboxController } from './inbox.controller.js';
import { BANK_MIGRATIONS } from './migrations/index.js';
import type { Settings } from './settings.js';
import { strictBody } from './strict-http.js';

@Module({})
export class AppModule {
  static forRoot(
    databaseUrl: string,
    { pepper, tokenSecret }: Pick<Settings, 'pepper' | 'tokenSecret'>,
  ): DynamicModule {
    // Keeps messages in memory for the inbox. Your application passes the adapter of its vendor here;
    // with NODE_ENV=production this one is refused.
    const sms = new CapturingProvider();
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: databaseUrl,
          autoLoadEntities: true,
          migrations: [...OTP_MIGRATIONS, ...BANK_MIGRATIONS],
          migrationsRun: true,
          retryAttempts: 2,
          extra: { statement_timeout: 5000 },
        }),
        OtpModule.forRoot(sms, {
          isGlobal: true,
          pepper,
          pepperMustDifferFrom: [tokenSecret],
          regions: ['SA', 'AE', 'KW', 'BH', 'QA', 'OM', 'JO', 'EG', 'LY', 'IL', 'PS', 'NG', 'GB'],
          defaultRegion: 'SA',
          appName: 'Demo Bank',
          dailySendBudget: 10_000,
          cooldownSeconds: 30, // the shortest allowed: whoever tries things out does not like to wait
          routes: { prefix: 'otp' },
        }),
        BankModule.forRoot(tokenSecret),
        TerminusModule.forRoot({ logger: false }), // a failed check is in the answer already
      ],
      controllers: [InboxController, HealthController],
      providers: [
        { provide: CapturingProvider, useValue: sms },
        { provide: APP_FILTER, useClass: OtpProblemFilter },
        { provide: APP_PIPE, useValue: strictBody },
      ],
    };
  }
}
