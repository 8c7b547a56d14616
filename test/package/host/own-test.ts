// The tests of an application that uses CommonJS and Jest; hosts.spec.ts runs them in an application on Nest 11.
import 'reflect-metadata';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConsoleProvider, OTP_MIGRATIONS, OtpModule, VerifiedNumbers } from 'nestjs-phone-otp';
import { OtpTesting, OtpTestingModule } from 'nestjs-phone-otp/testing';

it('verifies a number in the tests of the host', async () => {
  const builder = Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: process.env.DATABASE_URL!,
        schema: process.env.SCHEMA!,
        autoLoadEntities: true,
        migrations: OTP_MIGRATIONS,
        migrationsRun: true,
      }),
      EventEmitterModule.forRoot(),
      OtpModule.forRoot(new ConsoleProvider(), {
        pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
        regions: ['SA'],
        appName: 'Acme',
        dailySendBudget: 100,
      }),
    ],
  });
  const module = await OtpTestingModule.override(builder).compile();
  await module.init();

  const [purpose, subject] = ['verify_number', 'anna'] as const;
  const grant = await OtpTesting.of(module).grantFor({ phone: '+966512345678', purpose, subject });

  await expect(
    module.get(VerifiedNumbers).activate(grant, subject, undefined, { purpose, subject }),
  ).resolves.toMatchObject({ owner: 'anna' });
  await module.close();
});
