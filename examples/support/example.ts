import 'reflect-metadata';
import { randomBytes } from 'node:crypto';

import { Controller, Get, Module, NotFoundException, Param, type Type } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OTP_MIGRATIONS, type OtpModuleOptions } from 'nestjs-phone-otp';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';
import { CapturingProvider, OtpTesting, postgresFor } from 'nestjs-phone-otp/testing';

/** Stands in for a vendor: keeps messages for `/inbox`. Your application passes its vendor's adapter to `OtpModule`. */
export const sms = new CapturingProvider();

/** The settings that all examples share. */
export const options = {
  pepper: process.env.OTP_PEPPER ?? randomBytes(48).toString('base64'), // the same for all instances, and stored outside the database
  regions: ['SA'],
  appName: 'Acme',
  dailySendBudget: 1000,
} satisfies OtpModuleOptions;

/** `/otp/start`, `/otp/resend` and `/otp/verify`. */
export const routes = OtpRoutesModule.register({ prefix: 'otp' });

/** The PostgreSQL of DATABASE_URL, or an embedded one that ends with the process. */
export const database = TypeOrmModule.forRootAsync({
  useFactory: async () => ({
    type: 'postgres',
    url: (await postgresFor(process.env)).url,
    autoLoadEntities: true,
    migrations: OTP_MIGRATIONS,
    migrationsRun: true,
    extra: { statement_timeout: 5000 },
  }),
});

/** The messages on a phone. */
@Controller('inbox')
class InboxController {
  constructor(private readonly modules: ModuleRef) {}

  @Get(':phone')
  async newest(@Param('phone') phone: string) {
    const [message] = await OtpTesting.of(this.modules).messages(phone);
    if (!message) throw new NotFoundException('No message yet.');
    return { text: message.text, code: sms.lastCode(message.phone) };
  }
}

@Module({ controllers: [InboxController] })
export class Inbox {}

/**
 * Opens an application on PORT, 3000 by default.
 * @param before what happened before the example begins, such as an activated number
 */
export async function serve(application: Type<unknown>, before?: (otp: OtpTesting) => Promise<void>): Promise<void> {
  const app = await NestFactory.create(application, { logger: ['warn', 'error'], forceCloseConnections: true });
  app.enableShutdownHooks();
  await app.init();
  await before?.(OtpTesting.of(app));
  await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
  process.stdout.write(`open: ${await app.getUrl()}\n`);
}
