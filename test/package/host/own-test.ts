// The tests of a stranger who stayed with CommonJS and Jest; hosts.spec.ts runs them in an application on Nest 11.
import 'reflect-metadata';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OTP_MIGRATIONS, OtpModule, OtpService, VerifiedNumbers } from 'nestjs-phone-otp';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

const sms = new CapturingProvider();
const client = { address: '203.0.113.7' };

it('verifies a number in the tests of the host', async () => {
  const module = await Test.createTestingModule({
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
      OtpModule.forRoot(sms, {
        pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
        regions: ['SA'],
        appName: 'Acme',
        dailySendBudget: 100,
      }),
    ],
  }).compile();
  await module.init();
  const otp = module.get(OtpService);

  const [phone, purpose, subject] = ['+966512345678', 'verify_number', 'anna'] as const;
  const { challenge } = await otp.start({ phone, purpose, subject, client });
  const { grant } = await otp.verify({ challenge, code: sms.lastCode(phone)!, purpose, subject });

  await expect(
    module.get(VerifiedNumbers).activate(grant, subject, undefined, { purpose, subject }),
  ).resolves.toMatchObject({ owner: 'anna' });
  await module.close();
});
