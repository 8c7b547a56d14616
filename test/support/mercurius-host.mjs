// An application with GraphQL on Fastify, which Jest's module loader cannot run: node mercurius-host.mjs <schema>. It
// imports the built package by its name. Its only number belongs to "account-1".
import 'reflect-metadata';

import { NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Callers, OTP_ENTITIES, OTP_MIGRATIONS, OtpModule, StepUp, StepUpAction, SteppedUp } from 'nestjs-phone-otp';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

const schema = process.argv[2];
const sms = new CapturingProvider();

class HeaderCallers extends Callers {
  async identify({ headers }) {
    return headers['x-account'] ? { subject: headers['x-account'] } : null;
  }
}

class PaymentAction extends StepUpAction {
  load({ execution }) {
    return { id: execution.getArgByIndex(1).id, amount: '250.00', currency: 'SAR', payee: 'Sara' };
  }
}

class PaymentsResolver {
  lastCode() {
    return sms.messages()[0]?.text.match(/\d{6}/)[0] ?? '';
  }

  pay(id, grant) {
    return `${id} paid by ${grant.subject}`;
  }
}
const descriptor = (name) => Object.getOwnPropertyDescriptor(PaymentsResolver.prototype, name);
Query(() => String)(PaymentsResolver.prototype, 'lastCode', descriptor('lastCode'));
Mutation(() => String)(PaymentsResolver.prototype, 'pay', descriptor('pay'));
Reflect.defineMetadata('design:paramtypes', [String, Object], PaymentsResolver.prototype, 'pay');
Args('id', { type: () => String })(PaymentsResolver.prototype, 'pay', 0);
SteppedUp()(PaymentsResolver.prototype, 'pay', 1);
StepUp('transaction', PaymentAction)(PaymentsResolver.prototype, 'pay', descriptor('pay'));
Resolver()(PaymentsResolver);

class Application {}

process.stdin.resume().once('close', () => process.exit()); // ends with its parent
const app = await NestFactory.create(
  {
    module: Application,
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: process.env.DATABASE_URL,
        schema,
        entities: OTP_ENTITIES,
        migrations: OTP_MIGRATIONS,
        migrationsRun: true,
        extra: { statement_timeout: 5000 },
      }),
      GraphQLModule.forRoot({ driver: MercuriusDriver, autoSchemaFile: true }),
      OtpModule.forRoot(sms, {
        isGlobal: true,
        pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
        regions: ['SA'],
        appName: 'Acme',
        dailySendBudget: 100,
      }),
      OtpRoutesModule.register({ prefix: 'otp' }),
    ],
    providers: [PaymentsResolver, PaymentAction, { provide: Callers, useClass: HeaderCallers }],
  },
  new FastifyAdapter(),
  { logger: ['error'] },
);
await app.listen(0, '127.0.0.1');
process.stdout.write(`${await app.getUrl()}\n`);
