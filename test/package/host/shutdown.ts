// An application that is told to end while its messages are at the vendor. hosts.spec.ts compiles and runs it: node
// shutdown.js <order of modules> <delivery | delegated> <schema> [<challenges to verify, as JSON>]
import 'reflect-metadata';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OTP_MIGRATIONS, OtpModule, OtpService } from 'nestjs-phone-otp';
import {
  DELIVERY_CAPABILITIES,
  type SingleProvider,
  type VendorCheck,
  type VendorStart,
} from 'nestjs-phone-otp/provider-kit';

const [order, mode, schema, verifying] = process.argv.slice(2) as [string, string, string, string | undefined];
const MESSAGES = 20;
const VENDOR_MS = 1500;
const purpose = 'registration';

const codeOf = (phone: string): string => phone.slice(-6);
const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, VENDOR_MS));

/** Accepts a message slowly. In delegated mode it finds a code only by the reference in its answer. */
const vendor: SingleProvider =
  mode === 'delivery'
    ? {
        name: 'slow',
        mode: 'delivery',
        capabilities: DELIVERY_CAPABILITIES,
        send: async () => {
          await slowly();
          return { outcome: 'sent' };
        },
      }
    : {
        name: 'slow',
        mode: 'delegated',
        capabilities: { ...DELIVERY_CAPABILITIES, correlation: 'provider_id', codeLength: 6 },
        start: async ({ phone }: VendorStart) => {
          await slowly();
          return { outcome: 'sent', reference: `ref of ${phone}` };
        },
        check: async ({ phone, code, reference }: VendorCheck) => ({
          outcome: code === codeOf(phone) && reference === `ref of ${phone}` ? 'verified' : 'incorrect_code',
        }),
      };

const database = TypeOrmModule.forRoot({
  type: 'postgres',
  url: process.env.DATABASE_URL!,
  schema,
  autoLoadEntities: true,
  migrations: OTP_MIGRATIONS,
  migrationsRun: true,
  extra: { statement_timeout: 5000 },
});
const otp = OtpModule.forRoot(vendor, {
  pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
  regions: ['SA'],
  appName: 'Acme',
  dailySendBudget: 1000,
});

class Root {}
class Feature {}
Module({ imports: [otp] })(Feature);

const ORDERS: Record<string, ModuleMetadata['imports']> = {
  'a dynamic root module': [database, otp],
  'OtpModule first': [otp, database],
  'a feature module first': [Feature, database],
};

async function main(): Promise<void> {
  const root: DynamicModule = { module: Root, imports: ORDERS[order]! };
  const app = await NestFactory.create(root, new ExpressAdapter(), { logger: ['warn', 'error'] });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const service = app.get(OtpService);
  if (verifying === undefined) {
    const phones = Array.from({ length: MESSAGES }, (_, nth) => `+9665${12_345_670 + nth * 10_000}`);
    const started = await Promise.all(phones.map((phone) => service.start({ phone, purpose, client: 'server' })));
    const challenges = started.map(({ challenge }, nth) => ({ challenge, code: codeOf(phones[nth]!) }));
    process.stdout.write(`${JSON.stringify({ challenges })}\n`);
    return; // until it is told to end
  }
  const challenges = JSON.parse(verifying) as { challenge: string; code: string }[];
  const outcomes = await Promise.all(
    challenges.map((of) =>
      service.verify({ ...of, purpose }).then(
        () => 'verified',
        (error: { code: string }) => error.code,
      ),
    ),
  );
  process.stdout.write(`${JSON.stringify({ outcomes })}\n`);
  await app.close();
}

main().catch((error: unknown) => {
  process.stderr.write(`${String((error as Error)?.stack ?? error)}\n`);
  process.exit(1);
});
