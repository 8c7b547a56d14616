import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  type Action,
  Grants,
  OtpModule,
  type OtpModuleOptions,
  OtpOperations,
  type OtpProvider,
  OtpService,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { OtpRoutesModule, type OtpRoutesOptions } from 'nestjs-phone-otp/routes';
import { CapturingProvider, OtpTesting } from 'nestjs-phone-otp/testing';
import { DataSource } from 'typeorm';

import { databaseOptions, newSchema, waitLonger } from './database.js';

export const PEPPER = 'a-pepper-for-tests-only-0123456789-abcdefghij';

/** A sample action to confirm. */
export const ACTION = { id: 'transfer 1', amount: '250.00', currency: 'SAR', payee: 'Sara' } satisfies Action;

/** Options whose limits affect no test; a test of one limit sets that one. */
export const GENEROUS = {
  pepper: PEPPER,
  regions: ['SA', 'GB', 'IL', 'NG', 'LY'],
  appName: 'Acme',
  dailySendBudget: 100_000,
  sendsPerMinute: 60_000,
  sendsPerPhonePerHour: 1000,
  sendsPerPhonePerDay: 1000,
  sendsPerAddressPerHour: 10_000,
  sendsPerPrefixPerHour: 10_000,
  minimumConversion: { prefix: 'off', address: 'off', region: 'off', provider: 'off' },
  verifiesPerAddress: 10_000,
  purgeEverySeconds: 0,
} satisfies OtpModuleOptions;

export interface Fixture {
  app: INestApplication;
  otp: OtpService;
  operations: OtpOperations;
  grants: Grants;
  numbers: VerifiedNumbers;
  dataSource: DataSource;
  schema: string;
  /** The outbox, unless the test has its own provider. */
  sms: CapturingProvider;
  /** Moves time forward in the tables. */
  elapse(seconds: number): Promise<void>;
  /** Waits for the messages of answered starts and returns the newest code. */
  codeFor(phone: string): Promise<string>;
  /** Puts a number into the ledger as an account's own, proved the given number of days ago. */
  own(phone: string, owner: string, daysAgo?: number): Promise<void>;
  /** Returns the rows of a table, as the database stores them. */
  rows(table: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

interface FixtureOptions {
  options?: Partial<OtpModuleOptions>;
  /** Mounts the ready-made routes, if given. */
  routes?: OtpRoutesOptions;
  provider?: OtpProvider;
  metadata?: ModuleMetadata;
  adapter?: AbstractHttpAdapter;
  poolSize?: number;
  schema?: string;
  /** Another URL of the same server, such as a proxy in front of it. */
  url?: string;
  configure?: (app: INestApplication) => void;
  /** Keeps the raw bytes of each body, as a host may. */
  rawBody?: boolean;
  /** Many calls at once are to wait for one lock: their connections are ready, and they wait longer. */
  races?: boolean;
}

/** An application with the module on its own schema; it listens if it has an adapter. */
export async function otpFixture({
  options,
  routes,
  provider,
  metadata,
  adapter,
  poolSize,
  schema,
  url,
  configure,
  rawBody = false,
  races = false,
}: FixtureOptions = {}): Promise<Fixture> {
  const sms = new CapturingProvider();
  const inSchema = schema ?? (await newSchema());
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [
      TypeOrmModule.forRoot(databaseOptions(inSchema, poolSize, url)),
      OtpModule.forRoot(provider ?? sms, { ...GENEROUS, ...options }),
      ...(routes ? [OtpRoutesModule.register(routes)] : []),
      ...(metadata?.imports ?? []),
    ],
  }).compile();
  const app = adapter
    ? module.createNestApplication(adapter, { logger: ['error'], rawBody })
    : module.createNestApplication({ logger: ['error'] });
  configure?.(app);
  await (adapter ? app.listen(0, '127.0.0.1') : app.init());

  const dataSource = app.get<DataSource>(getDataSourceToken());
  if (races) {
    await waitLonger(dataSource, inSchema);
    const numbers = app.get(VerifiedNumbers);
    await Promise.all(Array.from({ length: poolSize ?? 10 }, () => numbers.ownerOf('+966500000000')));
  }
  const testing = OtpTesting.of(app);
  return {
    app,
    otp: app.get(OtpService),
    operations: app.get(OtpOperations),
    grants: app.get(Grants),
    numbers: app.get(VerifiedNumbers),
    dataSource,
    schema: inSchema,
    sms,
    elapse: (seconds) => testing.elapse(seconds),
    codeFor: (phone) => testing.lastCode(phone),
    own: async (phone, owner, daysAgo = 0) => {
      await dataSource.query(
        `INSERT INTO ${inSchema}.otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
         SELECT $1, $2, t, t, 'registration' FROM (SELECT now() - make_interval(days => $3) AS t) then_`,
        [phone, owner, daysAgo],
      );
    },
    rows: (table) => dataSource.query(`SELECT * FROM ${inSchema}.${table}`),
    close: () => app.close(),
  };
}

/** Returns everything in the rows, with bytes decoded to characters. */
export function textsIn(rows: readonly Record<string, unknown>[]): string {
  const values = rows.flatMap((row) => Object.values(row));
  return values.map((value) => (value instanceof Buffer ? value.toString('latin1') : String(value))).join('\n');
}

/** Returns a number that is unique in this process. */
export function newPhone(): string {
  return `+9665${30_000_000 + ++phones}`;
}
let phones = Math.floor(Math.random() * 40_000_000); // +96652… is not a mobile number

/** Returns a code other than this one. */
export function wrongCode(code: string): string {
  return code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
}
