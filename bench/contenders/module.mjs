import 'reflect-metadata';
import { randomInt } from 'node:crypto';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';

import { inFlight, load, newAddress, newPhone, POOL_SIZE, timed } from '../support.mjs';

const { Grants, OTP_ENTITIES, OTP_MIGRATIONS, OtpModule, OtpService, VerifiedNumbers } = await load('nestjs-phone-otp');
const { DELIVERY_CAPABILITIES } = await load('nestjs-phone-otp/provider-kit');
const { OtpRoutesModule } = await load('nestjs-phone-otp/routes');

/** Returns the code of a phone, once. */
class Outbox {
  name = 'outbox';
  mode = 'delivery';
  capabilities = DELIVERY_CAPABILITIES;
  #codes = new Map();

  async send({ phone, text }) {
    this.#codes.set(phone, /\d{6}/.exec(text)[0]);
    return { outcome: 'sent' };
  }

  take(phone) {
    const code = this.#codes.get(phone);
    this.#codes.delete(phone);
    return code;
  }
}

/** A vendor with no latency: makes and checks codes at once, so that only the package's own work is measured. */
export class VendorNextDoor {
  name = 'vendor-next-door';
  mode = 'delegated';
  capabilities = { ...DELIVERY_CAPABILITIES, correlation: 'caller_id', codeLength: 6 };
  #codes = new Map();

  async start({ phone, attemptId }) {
    this.#codes.set(phone, String(randomInt(1_000_000)).padStart(6, '0'));
    return { outcome: 'sent', reference: attemptId };
  }

  async check({ phone, code }) {
    const right = this.#codes.get(phone) === code;
    if (right) this.#codes.delete(phone);
    return { outcome: right ? 'verified' : 'incorrect_code' };
  }

  take(phone) {
    return this.#codes.get(phone);
  }
}

/** Default limits, except those that would end the run: the budgets of the whole service, split over 64 rows. */
const OPTIONS = {
  pepper: 'a-pepper-for-the-bench-only-0123456789-abcdef',
  regions: ['SA'],
  appName: 'Bench',
  dailySendBudget: 100_000_000,
  sendsPerMinute: 100_000_000,
  purgeEverySeconds: 0,
};

/**
 * An application with the module on its own schema.
 * @param options.provider the provider; its `take(phone)` must return the codes
 * @param options.metadata further module metadata of the application
 * @param create makes the application from its module: a bare context, or one that listens
 */
export async function moduleApp(
  { url, schema, options, routes, provider: outbox = new Outbox(), metadata = {} },
  create = (module, logger) => NestFactory.createApplicationContext(module, { logger }),
) {
  class App {}
  Module({
    ...metadata,
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url,
        schema,
        poolSize: POOL_SIZE,
        entities: OTP_ENTITIES,
        migrations: OTP_MIGRATIONS,
        migrationsRun: true,
        retryAttempts: 0,
        extra: { options: `-c statement_timeout=10s -c search_path=${schema}` },
      }),
      OtpModule.forRoot(outbox, { ...OPTIONS, ...options }),
      ...(routes ? [OtpRoutesModule.register(routes)] : []),
    ],
  })(App);
  const app = await create(App, ['error', 'warn']);
  const dataSource = app.get(getDataSourceToken());
  return {
    app,
    outbox,
    dataSource,
    otp: app.get(OtpService),
    grants: app.get(Grants),
    numbers: app.get(VerifiedNumbers),
    pool: dataSource.driver.master,
    close: () => app.close(),
  };
}

/**
 * Starts every challenge, then verifies every one: people type after the message has arrived.
 * @param after what to do with each grant, if anything
 */
export function moduleTurn({ otp, outbox }, after = async () => {}) {
  const purpose = 'registration';
  return (count) => {
    const requests = Array.from({ length: count }, () => ({
      phone: newPhone(),
      purpose,
      client: { address: newAddress() },
    }));
    return timed(async () => {
      const started = await inFlight(requests, (request) => otp.start(request));
      await inFlight(started, async ({ challenge }, index) => {
        const { phone } = requests[index];
        const { grant } = await otp.verify({ challenge, code: outbox.take(phone), purpose });
        await after(grant, phone);
      });
    });
  };
}
