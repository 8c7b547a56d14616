import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OTP_MIGRATIONS, OtpModule, OtpProblemFilter } from 'nestjs-phone-otp';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';

import { BankModule } from './bank/bank.module.js';
import { HealthController } from './health.controller.js';
import { InboxController } from './inbox.controller.js';
import { BANK_MIGRATIONS } from './migrations/index.js';
import type { Settings } from './settings.js';
import { strictBody } from './strict-http.js';
import { Vendors } from './vendors.js';

@Module({})
export class AppModule {
  static forRoot(
    databaseUrl: string,
    { pepper, tokenSecret }: Pick<Settings, 'pepper' | 'tokenSecret'>,
    vendors: Vendors,
  ): DynamicModule {
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
        // Your application passes its vendor's adapter here. In the demo, the page chooses it. An adapter that sends
        // nothing is refused with NODE_ENV=production.
        OtpModule.forRoot(vendors, {
          isGlobal: true,
          pepper,
          pepperMustDifferFrom: [tokenSecret],
          regions: ['SA', 'AE', 'KW', 'BH', 'QA', 'OM', 'JO', 'EG', 'LY', 'IL', 'PS', 'NG', 'GB'],
          defaultRegion: 'SA',
          appName: 'Demo Bank',
          dailySendBudget: 10_000,
          sendsPerRegionPerDay: { NG: 2_000, LY: 500 }, // where a bank like this one has few customers
          cooldownSeconds: 30, // the shortest allowed, so that trying things out takes little time
          acceptShortCodes: true, // so that every vendor can be tried for everything: a real bank omits both
          acceptFixedText: true,
          purposes: { recovery_codes: {} },
          texts: {
            recovery_codes: {
              en: '{code} is your {app} code for new recovery codes. Valid for {minutes} min. Do not share it with anyone.',
              ar: '{code} رمزك في {app} لرموز استرداد جديدة. صالح {minutes} د. لا تشاركه مع أحد.',
            },
          },
        }),
        OtpRoutesModule.register({ prefix: 'otp' }),
        BankModule.forRoot(tokenSecret),
        TerminusModule.forRoot({ logger: false }), // the answer already reports a failed check
      ],
      controllers: [InboxController, HealthController],
      providers: [
        { provide: Vendors, useValue: vendors },
        { provide: APP_FILTER, useClass: OtpProblemFilter },
        { provide: APP_PIPE, useValue: strictBody },
      ],
    };
  }
}
