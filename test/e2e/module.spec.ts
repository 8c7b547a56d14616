import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { jest } from '@jest/globals';
import { Controller, Injectable, Logger, Module, type ModuleMetadata, Post } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  Grants,
  OTP_ENTITIES,
  OTP_MIGRATIONS,
  OtpConfigError,
  OtpModule,
  type OtpModuleOptions,
  type OtpOptionsFactory,
  type OtpOptionsWithProvider,
  type OtpProvider,
  OtpService,
  PhoneLogin,
  StepUp,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { OtpRoutesModule, type OtpRoutesOptions } from 'nestjs-phone-otp/routes';
import { CapturingProvider, OtpTesting } from 'nestjs-phone-otp/testing';
import { DataSource, type DataSourceOptions } from 'typeorm';

import { FUNCTIONS_VERSION } from '../../src/database/functions.js';
import { databaseOptions, newSchema } from '../support/database.js';
import { post } from '../support/http.js';
import { GENEROUS, newPhone, otpFixture } from '../support/otp-fixture.js';
import { PROJECT } from '../support/packed.js';
import { ScriptedProvider } from '../support/providers.js';

const request = () => ({ phone: newPhone(), purpose: 'registration', client: { address: '203.0.113.7' } });

let schema: string;
beforeAll(async () => (schema = await newSchema()));

/** If Nest cannot build an application, it leaves the data source open: the pool must not keep the process alive. */
const database = ({ extra, ...more }: { extra?: object; [option: string]: unknown } = {}) => {
  const options = databaseOptions(schema);
  return TypeOrmModule.forRoot({
    ...options,
    ...more,
    extra: { ...(extra ?? options.extra), allowExitOnIdle: true, idleTimeoutMillis: 500 },
  });
};

async function start(metadata: ModuleMetadata) {
  const module = await Test.createTestingModule(metadata).compile();
  const app = module.createNestApplication({ logger: false });
  await app.init();
  return app;
}

/** Returns the error of an application that cannot start. */
async function refusal(imports: NonNullable<ModuleMetadata['imports']>): Promise<unknown> {
  const module = await Test.createTestingModule({ imports })
    .compile()
    .catch((error: Error) => error);
  if (!('createNestApplication' in module)) return module;
  const app = module.createNestApplication({ logger: false });
  const error = await app.init().then(
    () => 'started',
    (thrown: Error) => thrown,
  );
  await app.close();
  return error;
}

/** A data source as another driver would make it. */
function dataSourceOfType(type: string) {
  @Module({ providers: [{ provide: DataSource, useValue: { options: { type } } }], exports: [DataSource] })
  class OtherDatabase {}
  return { module: OtherDatabase, global: true };
}

function moduleThatImports(imported: NonNullable<ModuleMetadata['imports']>[number]) {
  @Injectable()
  class Shop {
    constructor(readonly otp: OtpService) {}
  }
  @Module({ imports: [imported], providers: [Shop] })
  class ShopModule {}
  return ShopModule;
}

/** Makes a schema with everything that the migrations create, then changes it. */
async function migratedSchema(change?: (schema: string) => string): Promise<string> {
  const own = await newSchema();
  await inDatabase(change?.(own) ?? '', databaseOptions(own));
  return own;
}

/** Runs statements as the owner of everything. */
async function inDatabase(
  sql: string,
  options: DataSourceOptions = { type: 'postgres', url: process.env.DATABASE_URL! },
): Promise<void> {
  const source = await new DataSource(options).initialize();
  try {
    await source.query(sql);
  } finally {
    await source.destroy();
  }
}

/** Identifies an index among those of its table, under any name. */
const UNIQUE_PHONE = '%UNIQUE%(phone)%';

const isIndexOf = (schema: string, table: string, definition: string) =>
  `indrelid = '${schema}.${table}'::regclass AND pg_get_indexdef(indexrelid) LIKE '${definition}'`;

function dropped(schema: string, table: string, definition: string): string {
  const index = `(SELECT indexrelid::regclass::text FROM pg_index WHERE ${isIndexOf(schema, table, definition)})`;
  return `DO $$ BEGIN EXECUTE 'DROP INDEX ' || ${index}; END $$`;
}

const withoutUnique = (schema: string) =>
  `The unique index on "${schema}"."otp_verified_numbers" (phone) is missing or invalid, so uniqueness is not guaranteed: ` +
  'create it again as in the migration ("npx nestjs-phone-otp sql" prints it).';

const reinstall = (schema: string) =>
  `To install them again, run "npx nestjs-phone-otp functions --schema ${schema}" as their owner.`;

/** Makes the functions report another release. */
const ofRelease = (schema: string, version: Partial<typeof FUNCTIONS_VERSION>) =>
  `CREATE OR REPLACE FUNCTION ${schema}.otp_version() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '${JSON.stringify({ ...FUNCTIONS_VERSION, ...version })}' $$`;

class Secrets {}

@Module({})
class Nothing {}

const never = (): never => {
  throw new Error('not reached');
};

describe('the ways to set up the module', () => {
  const given = { ...GENEROUS, provider: new CapturingProvider() };
  const SETTINGS = Symbol('settings of the host');

  @Injectable()
  class Factory implements OtpOptionsFactory {
    createOtpOptions() {
      return given;
    }
  }

  @Module({ providers: [Factory, { provide: SETTINGS, useValue: given }], exports: [Factory, SETTINGS] })
  class HostSettings {}

  it.each([
    ['forRoot', () => OtpModule.forRoot(given.provider, GENEROUS)],
    ['a factory', () => OtpModule.forRootAsync({ useFactory: () => given })],
    ['a factory that takes its time', () => OtpModule.forRootAsync({ useFactory: async () => given })],
    [
      'a factory with what it injects',
      () =>
        OtpModule.forRootAsync({
          imports: [HostSettings],
          inject: [SETTINGS],
          useFactory: (settings: typeof given) => settings,
        }),
    ],
    ['a class', () => OtpModule.forRootAsync({ useClass: Factory })],
    ['an existing provider', () => OtpModule.forRootAsync({ imports: [HostSettings], useExisting: Factory })],
    [
      'a provider beside it',
      () =>
        OtpModule.forRootAsync({
          extraProviders: [{ provide: SETTINGS, useValue: given }],
          inject: [SETTINGS],
          useFactory: (settings: typeof given) => settings,
        }),
    ],
  ])('include %s', async (_, setUp) => {
    const app = await start({ imports: [database(), setUp()] });

    await expect(app.get(OtpService, { strict: false }).start(request())).resolves.toMatchObject({ codeLength: 6 });

    await app.close();
  });

  it.each([undefined, true, false])(
    'include isGlobal: %j, which opens it to modules that do not import it unless it is false',
    async (isGlobal) => {
      @Injectable()
      class Shop {
        constructor(
          readonly otp: OtpService,
          readonly grants: Grants,
          readonly numbers: VerifiedNumbers,
        ) {}
      }
      @Module({ providers: [Shop] })
      class ShopModule {}
      const imports = [database(), OtpModule.forRoot(given.provider, { ...GENEROUS, isGlobal }), ShopModule];

      const outcome = await refusal(imports);

      if (isGlobal !== false) expect(outcome).toBe('started');
      else expect((outcome as Error).message).toContain("Nest can't resolve dependencies of the Shop");
    },
  );

  it('include a named data source', async () => {
    const app = await start({
      imports: [database({ name: 'codes' }), OtpModule.forRoot(given.provider, { ...GENEROUS, dataSource: 'codes' })],
    });

    await expect(app.get(OtpService).start(request())).resolves.toBeDefined();
    expect(app.get<DataSource>(getDataSourceToken('codes')).isInitialized).toBe(true);
    await app.close();
  });

  it('include a data source that loads entities automatically', async () => {
    const app = await start({
      imports: [database({ entities: [], autoLoadEntities: true }), OtpModule.forRoot(given.provider, GENEROUS)],
    });

    await expect(app.get(OtpService).start(request())).resolves.toBeDefined();
    await app.close();
  });

  it('include two set-ups in one process and schema, with different prefixes, routes and settings', async () => {
    const shared = await newSchema();
    const open = (entityPrefix: string, prefix: string, options: Partial<OtpModuleOptions> = {}) => {
      const sms = new CapturingProvider();
      const connection = TypeOrmModule.forRoot({
        ...databaseOptions(shared),
        entityPrefix,
        migrationsTableName: `${entityPrefix}migrations`,
      });
      const module = Test.createTestingModule({
        imports: [
          connection,
          OtpModule.forRoot(sms, { ...GENEROUS, ...options }),
          OtpRoutesModule.register({ prefix }),
        ],
      });
      return module.compile().then(async (compiled) => {
        const app = compiled.createNestApplication(new ExpressAdapter(), { logger: false });
        await app.listen(0, '127.0.0.1');
        return { app, sms };
      });
    };
    const shop = await open('shop_', 'codes');
    const bank = await open('bank_', 'otp', { codeLength: 8 });
    const phone = newPhone();

    const body = { phone, purpose: 'registration' };
    const answers = [
      await post(shop.app, '/codes/start', body),
      await post(bank.app, '/otp/start', body), // each has its own cooldown
      await post(shop.app, '/otp/start', body),
      await post(bank.app, '/codes/start', body),
    ];

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 404, 404]);
    expect(answers.slice(0, 2).map(({ json }) => json.codeLength)).toEqual([6, 8]);
    const rows = (table: string) => shop.app.get(DataSource).query(`SELECT * FROM ${shared}.${table}`);
    expect(await rows('shop_otp_challenges')).toHaveLength(1);
    expect(await rows('bank_otp_challenges')).toHaveLength(1);
    await shop.app.close();
    await bank.app.close();
  });

  it('include routes that ignore the host’s versioning', async () => {
    const fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      configure: (app) => app.enableVersioning({ type: 0 as never, defaultVersion: '1' }),
    });

    const { phone, purpose } = request();
    expect((await post(fixture.app, '/otp/start', { phone, purpose })).status).toBe(202);
    await fixture.close();
  });

  it('include no routes by default', async () => {
    const fixture = await otpFixture({ adapter: new ExpressAdapter() });

    expect((await post(fixture.app, '/otp/start', {})).status).toBe(404);
    await fixture.close();
  });
});

describe('an application that cannot start reports what to change', () => {
  const sms = new CapturingProvider();
  const vendor = new ScriptedProvider();
  const otp = (options: object = {}, provider: unknown = sms) =>
    OtpModule.forRoot(provider as OtpProvider, { ...GENEROUS, ...options } as OtpModuleOptions);
  const optionsHelp = 'OtpModule needs options: pass them as the second argument of "OtpModule.forRoot()".';
  const bareHelp =
    'A module imports the bare "OtpModule": remove that import. Call "OtpModule.forRoot()" once, in the root module.';
  const providerHelp =
    '"OtpModule" needs a provider: pass one as the first argument of "OtpModule.forRoot()", ' +
    'or return one as "provider" from the factory of "OtpModule.forRootAsync()".';

  it.each<[string, () => NonNullable<ModuleMetadata['imports']>, string]>([
    [
      'no data source',
      () => [otp()],
      '"OtpModule" found no TypeORM data source: import "TypeOrmModule.forRoot()", or name your data source in the option "dataSource".',
    ],
    [
      'no data source of that name',
      () => [database(), otp({ dataSource: 'codes' })],
      '"OtpModule" found no TypeORM data source named "codes": correct the option "dataSource", or pass that "name" to "TypeOrmModule.forRoot()".',
    ],
    [
      'entities that are not registered',
      () => [database({ entities: [] }), otp()],
      'The data source does not include the entities of nestjs-phone-otp: ' +
        'set "autoLoadEntities: true", or add "...OTP_ENTITIES" to its "entities".',
    ],
    [
      'the module set up twice',
      () => [database(), otp(), otp({ appName: 'Twice' })],
      '"OtpModule" is configured twice: call "OtpModule.forRoot()" once, in the root module. All other modules then share it.',
    ],
    [
      'a development provider in production',
      () => [database(), otp({ production: true })],
      'The provider "capturing" is for development only: pass a vendor\'s adapter to "OtpModule.forRoot()" in production.',
    ],
    [
      'synchronize in production',
      () => [database({ synchronize: true }), otp({ production: true }, vendor)],
      '"synchronize" changes tables automatically: set it to false in production and run the migrations.',
    ],
    [
      'a data source that is not PostgreSQL',
      () => [dataSourceOfType('mysql'), otp()],
      '"OtpModule" needs PostgreSQL, but this data source has the type "mysql": name one of type "postgres" in the option "dataSource".',
    ],
    [
      'the bare module among the imports of another, which injects from it',
      () => [database(), otp({ isGlobal: false }), moduleThatImports(OtpModule)],
      bareHelp,
    ],
    ['the bare module at the root', () => [database(), OtpModule], bareHelp],
    ['nothing', () => [database(), OtpModule.forRoot(sms, undefined as never)], optionsHelp],
    [
      'options in the place of the provider',
      () => [database(), OtpModule.forRoot(GENEROUS as never, sms as never)],
      providerHelp,
    ],
    ['no provider', () => [database(), otp({}, null)], providerHelp],
    ['a provider without a mode', () => [database(), otp({}, { name: 'x' })], providerHelp],
    ['no factory', () => [database(), OtpModule.forRootAsync({ useFactory: () => undefined as never })], optionsHelp],
    [
      'an unknown region',
      () => [database(), otp({ regions: ['SA', 'XX'] })],
      '"regions[1]" is unknown: in "regions", use uppercase ISO 3166-1 codes, such as ["SA"].',
    ],
    [
      'no region',
      () => [database(), otp({ regions: [] })],
      '"regions" must be an array with at least one entry: use uppercase ISO 3166-1 codes, such as ["SA"].',
    ],
    [
      'an unserved default region',
      () => [database(), otp({ defaultRegion: 'FR' })],
      '"defaultRegion" is not in "regions": add it there, or use one of "regions".',
    ],
    [
      'a lifetime of 601 s',
      () => [database(), otp({ codeTtlSeconds: 601 })],
      '"codeTtlSeconds" must be a whole number from 60 to 600 (s).',
    ],
    [
      'an unknown option',
      () => [database(), otp({ colour: 'red' })],
      'Unknown option "colour". No option has a similar name.',
    ],
    [
      'a misspelt option',
      () => [database(), otp({ cooldownSecond: 60 })],
      'Unknown option "cooldownSecond". Did you mean "cooldownSeconds"?',
    ],
    [
      'a misspelt option of the module itself',
      () => [database(), otp({ isglobal: true })],
      'Unknown option "isglobal". Did you mean "isGlobal"?',
    ],
    [
      'an unknown language',
      () => [database(), otp({ defaultLocale: 'de' })],
      '"defaultLocale" must be one of ar, en, fr, he.',
    ],
  ])('for %s', async (_, imports, message) => {
    expect(await refusal(imports())).toEqual(new OtpConfigError(message));
  });

  it('for missing tables', async () => {
    const empty = await newSchema();
    const tables = [
      'audit',
      'budgets',
      'challenges',
      'grants',
      'known_devices',
      'lockouts',
      'recovery_codes',
      'send_counters',
      'sending_stops',
      'sends',
      'trusted_devices',
      'turns',
      'unverified_sends',
      'verified_numbers',
      'wrong_codes',
    ];
    const missing = tables.map((table) => `"${empty}"."otp_${table}"`).join(', ');

    const error = await refusal([database({ schema: empty, migrationsRun: false }), otp()]);

    expect(error).toEqual(
      new OtpConfigError(
        `These tables are missing: ${missing}. Add "...OTP_MIGRATIONS" to the "migrations" of the data source ` +
          'and run them (or set "migrationsRun: true").',
      ),
    );
  });

  it('for a schema that does not exist', async () => {
    const error = await refusal([database({ schema: 'nowhere', migrationsRun: false }), otp()]);

    expect(error).toEqual(
      new OtpConfigError('The schema "nowhere" of the data source does not exist: create it, then run the migrations.'),
    );
  });

  it.each<[string, (own: string) => string, (own: string) => string]>([
    [
      'tables of an older version without the newer migrations',
      (own) => `ALTER TABLE ${own}.otp_challenges DROP COLUMN action_shown`,
      (own) =>
        `These columns are missing: "${own}"."otp_challenges".action_shown. The tables are from an older version: ` +
        'run the new migrations of "OTP_MIGRATIONS" (or set "migrationsRun: true").',
    ],
    ['no unique index', (own) => dropped(own, 'otp_verified_numbers', UNIQUE_PHONE), withoutUnique],
    [
      'an index that is not unique instead of the unique one',
      (own) =>
        `${dropped(own, 'otp_verified_numbers', UNIQUE_PHONE)};
         CREATE INDEX ON ${own}.otp_verified_numbers (phone) WHERE released_at IS NULL`,
      withoutUnique,
    ],
    [
      'a unique index that could not be built',
      (own) => `UPDATE pg_index SET indisvalid = false WHERE ${isIndexOf(own, 'otp_verified_numbers', UNIQUE_PHONE)}`,
      withoutUnique,
    ],
    [
      'a function missing',
      (own) => `DROP FUNCTION ${own}.otp_cancel`,
      (schema: string) => `Some database functions are missing: otp_cancel. ${reinstall(schema)}`,
    ],
    [
      'an altered function',
      (
        own,
      ) => `CREATE OR REPLACE FUNCTION ${own}.otp_full(count bigint, ends_at timestamptz, most bigint, t timestamptz)
        RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT false'`,
      (schema: string) => `Some database functions are altered: otp_full. ${reinstall(schema)}`,
    ],
    [
      'functions of an older release',
      (own) => ofRelease(own, { release: FUNCTIONS_VERSION.release - 1 }),
      () =>
        'The database functions are from an older release: run the new migrations of "OTP_MIGRATIONS" (or set "migrationsRun: true").',
    ],
    [
      'functions of a newer release that no longer serves this one',
      (own) => {
        const release = FUNCTIONS_VERSION.release + 1;
        return ofRelease(own, { release, serves_from: release });
      },
      () =>
        'The database functions are from a newer release that no longer supports this version: upgrade the package.',
    ],
  ])('for %s', async (_, change, message) => {
    const own = await migratedSchema(change);

    const error = await refusal([database({ schema: own, migrationsRun: false }), otp()]);

    expect(error).toEqual(new OtpConfigError(message(own)));
  });

  it('for a read-only database', async () => {
    const extra = { options: '-c default_transaction_read_only=on' };

    const error = await refusal([database({ schema: await migratedSchema(), migrationsRun: false, extra }), otp()]);

    expect(error).toEqual(
      new OtpConfigError(
        'The database is read-only: it is a hot standby, or its role or database has "default_transaction_read_only". Connect to the primary.',
      ),
    );
  });

  it.each<[string, (own: string, role: string) => string, (own: string) => string]>([
    [
      'no rights on a table',
      (own, role) => `REVOKE DELETE ON ${own}.otp_challenges FROM ${role}`,
      (own) =>
        `The role of the data source lacks DELETE on "${own}"."otp_challenges": grant the rights that "Least rights" in SECURITY.md lists.`,
    ],
    [
      'no right to call a function',
      (own) => `REVOKE EXECUTE ON FUNCTION ${own}.otp_start FROM PUBLIC`,
      () =>
        'The role of the data source may not call otp_start: grant EXECUTE on the functions of this package, as "Least rights" in SECURITY.md shows.',
    ],
  ])('for a role with %s', async (_, withhold, message) => {
    const role = `r_${randomBytes(6).toString('hex')}`;
    const own = await migratedSchema(
      (made) => `CREATE ROLE ${role};
        GRANT USAGE ON SCHEMA ${made} TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${made} TO ${role};
        ${withhold(made, role)}`,
    );
    const extra = { options: `-c role=${role}` };

    const error = await refusal([database({ schema: own, migrationsRun: false, extra }), otp()]);
    await inDatabase(`DROP OWNED BY ${role}; DROP ROLE ${role}`);

    expect(error).toEqual(new OtpConfigError(message(own)));
  });

  it.each([true, false])('for a prefix of 41 bytes (migrations run: %j)', async (migrationsRun) => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined); // TypeOrmModule's attempts
    const entityPrefix = `${'ü'.repeat(20)}_`;

    const error = await refusal([
      database({ schema: await newSchema(), migrationsRun, entityPrefix, retryAttempts: 0 }),
      otp(),
    ]);
    said.mockRestore();

    expect(error).toEqual(
      new OtpConfigError(
        '"entityPrefix" of the data source must have at most 40 bytes: PostgreSQL would truncate names of this package. Shorten it.',
      ),
    );
  });

  it('for routes without a path', () => {
    expect(() => OtpRoutesModule.register({} as OtpRoutesOptions)).toThrow(
      new OtpConfigError(
        '"OtpRoutesModule.register()" needs the option "prefix", the path of the routes: pass { prefix: "otp" }.',
      ),
    );
  });

  it.each<[string, MethodDecorator]>([
    ['@PhoneLogin()', PhoneLogin()],
    ['@StepUp()', StepUp('transaction')],
  ])('for %s without the module', async (name, decorator) => {
    @Controller()
    class Route {
      @Post()
      @decorator
      call() {}
    }
    @Module({ controllers: [Route] })
    class HostModule {}

    expect(await refusal([HostModule])).toEqual(
      new OtpConfigError(`"${name}" needs "OtpModule": add "OtpModule.forRoot()" to the imports of the root module.`),
    );
  });

  it.each<[string, () => NonNullable<ModuleMetadata['imports']>]>([
    ['no part of the module', () => [moduleThatImports(Nothing)]],
    [
      'a factory whose imports are missing',
      () => [database(), OtpModule.forRootAsync({ inject: [Secrets], useFactory: () => never() })],
    ],
    [
      'a schema that does not exist, and migrations to run in it',
      () => [database({ schema: 'bank', migrationsRun: true, retryAttempts: 0 })],
    ],
  ])('for %s, with a message of another package that docs/errors.md explains', async (_, imports) => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined); // TypeOrmModule's attempts
    const page = readFileSync(path.join(PROJECT, 'docs/errors.md'), 'utf8');

    const { message } = (await refusal(imports())) as Error;
    said.mockRestore();

    expect(page).toContain(`| \`${message.split('\n')[0]}\``);
  });

  it("for an unreachable database, with the driver's own reason", async () => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined); // TypeOrmModule's attempts

    const error = await refusal([database({ url: 'postgres://x:y@127.0.0.1:1/z', retryAttempts: 0 }), otp()]);
    said.mockRestore();

    expect((error as Error).message).toBe('connect ECONNREFUSED 127.0.0.1:1');
  });

  it.each<[string, () => unknown, string]>([
    [
      'a misspelt option of the routes',
      () => OtpRoutesModule.register({ prefix: 'otp', devicekey: () => undefined } as never),
      'Unknown option "OtpRoutesModule.register().devicekey". Did you mean "OtpRoutesModule.register().deviceKey"?',
    ],
    [
      'a misspelt way to provide options',
      () => OtpModule.forRootAsync({ usefactory: never } as never),
      'Unknown option "usefactory". Did you mean "useFactory"?',
    ],
  ])('for %s', (_, imports, message) => {
    expect(imports).toThrow(OtpConfigError);
    expect(imports).toThrow(message);
  });

  it.each<[string, object, string]>([
    ['a misspelt option', { maxAtempts: 3 }, 'Unknown option "maxAtempts". Did you mean "maxAttempts"?'],
    [
      'what shapes the module',
      { isGlobal: false },
      '"isGlobal" has no effect in the result of a factory: put it beside "useFactory", "useClass" or "useExisting".',
    ],
  ])('for a factory or class that returns %s', async (_, more, message) => {
    const made = { ...GENEROUS, provider: sms, ...more } as OtpOptionsWithProvider;
    @Injectable()
    class Factory implements OtpOptionsFactory {
      createOtpOptions() {
        return made;
      }
    }
    const byFactory = OtpModule.forRootAsync({ useFactory: async () => made });
    const byClass = OtpModule.forRootAsync({ useClass: Factory });

    expect(await refusal([database(), byFactory])).toEqual(new OtpConfigError(message));
    expect(await refusal([database(), byClass])).toEqual(new OtpConfigError(message));
  });

  it('for none of the ways to provide options', () => {
    expect(() => OtpModule.forRootAsync({})).toThrow(
      new OtpConfigError(
        '"OtpModule.forRootAsync()" needs one of "useFactory", "useClass" and "useExisting": pass one.',
      ),
    );
  });

  it('unless it is correct: it starts in production with a vendor and migrations', async () => {
    expect(await refusal([database(), otp({ production: true }, vendor)])).toBe('started');
  });
});

describe('a working application with a risky setting', () => {
  const warn = () => jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const forged =
    '"trust proxy" is true, so clients can forge their address: set the number (Express) or the addresses (Fastify) of your proxies instead.';

  it.each([
    ['Express', true, () => new ExpressAdapter()],
    ['Express', 1, () => new ExpressAdapter()],
    ['Fastify', true, () => new FastifyAdapter({ trustProxy: true })],
    ['Fastify', '127.0.0.1', () => new FastifyAdapter({ trustProxy: '127.0.0.1' })],
  ])('SEC-20 gets a warning for trusting every proxy: %s with %j', async (platform, trust, adapter) => {
    const warning = warn();
    const fixture = await otpFixture({
      adapter: adapter(),
      configure: (app) => platform === 'Express' && app.getHttpAdapter().getInstance().set('trust proxy', trust),
    });

    expect(warning.mock.calls.flat().includes(forged)).toBe(trust === true);
    await fixture.close();
    warning.mockRestore();
  });

  it('gets a warning for a role without statement_timeout and for a slow isolation level', async () => {
    const warning = warn();
    const options = '-c default_transaction_isolation=serializable';

    await refusal([database({ extra: { options } }), OtpModule.forRoot(new CapturingProvider(), GENEROUS)]);

    expect(warning.mock.calls.flat()).toEqual(
      expect.arrayContaining([
        'the default isolation level is "serializable": codes are safe, but "read committed" is several times faster',
        'the database role has no "statement_timeout": set one, for example ALTER ROLE … SET statement_timeout = \'5s\'',
      ]),
    );
    warning.mockRestore();
  });
});

describe('a working application with a flawed database', () => {
  let warning: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => (warning = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)));
  afterEach(() => warning.mockRestore());
  const otp = () => OtpModule.forRoot(new CapturingProvider(), GENEROUS);

  it.each<[string, (own: string) => string, (own: string) => string]>([
    [
      'functions of a newer release that serves this one',
      (own) => `${ofRelease(own, { release: FUNCTIONS_VERSION.release + 1, hash: 'of the newer' })};
        CREATE OR REPLACE FUNCTION ${own}.otp_list_stops(request jsonb) RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT ''{"stops":[]}''::jsonb'`,
      () => 'the database functions are from a newer release than this application and are compatible with it',
    ],
    [
      'a missing index that only affects speed',
      (own) => dropped(own, 'otp_verified_numbers', '%(owner)%'),
      (own) =>
        `the index on "${own}"."otp_verified_numbers" (owner) is missing: create it, or calls become slow as the table grows`,
    ],
  ])('gets a warning for %s', async (_, change, message) => {
    const own = await migratedSchema(change);

    const app = await start({ imports: [database({ schema: own, migrationsRun: false }), otp()] });

    expect(warning.mock.calls.flat()).toEqual([message(own)]);
    await expect(app.get(OtpService).start(request())).resolves.toBeDefined();
    await app.close();
  });

  it('gets its functions installed once under "synchronize", and again when they differ', async () => {
    const own = await newSchema();
    const synchronized = () =>
      start({ imports: [database({ schema: own, synchronize: true, migrations: [], migrationsRun: false }), otp()] });
    const installed = 'installed the database functions of this package, because "synchronize" creates tables only';

    const first = await synchronized();
    expect(warning.mock.calls.flat()).toEqual([installed]);
    const { phone, purpose, client } = request();
    const { challenge } = await first.get(OtpService).start({ phone, purpose, client });
    const code = await OtpTesting.of(first).lastCode(phone);
    await expect(first.get(OtpService).verify({ challenge, code, purpose })).resolves.toMatchObject({ phone });
    await first.close();

    await (await synchronized()).close();
    expect(warning.mock.calls.flat()).toEqual([installed]);

    await inDatabase(`DROP FUNCTION ${own}.otp_cancel`);
    await (await synchronized()).close();
    expect(warning.mock.calls.flat()).toEqual([installed, installed]);
  });
});

describe('the migrations', () => {
  it.each([
    ['in a schema', {}],
    ['with a prefix', { entityPrefix: 'acme_' }],
    ['with a prefix of 40 bytes', { entityPrefix: 'ü'.repeat(20) }],
  ])('%s create what the entities describe, and remove all of it again', async (_, more) => {
    const own = await newSchema();
    const source = new DataSource({
      ...databaseOptions(own),
      ...more,
      entities: OTP_ENTITIES,
      migrations: OTP_MIGRATIONS,
      migrationsRun: false,
    });
    await source.initialize();
    const tables = async () =>
      (
        await source.query(`SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'migrations'`, [own])
      ).map(({ tablename }: { tablename: string }) => tablename);

    const others = async () =>
      source.query(
        `SELECT proname::text AS name FROM pg_proc WHERE pronamespace = $1::regnamespace
         UNION SELECT typname::text FROM pg_type WHERE typnamespace = $1::regnamespace AND typname NOT IN ('migrations', '_migrations')`,
        [own],
      );

    await source.runMigrations();
    const drift = await source.driver.createSchemaBuilder().log();
    const made = await tables();
    for (const _ of OTP_MIGRATIONS) await source.undoLastMigration();

    expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
    expect(made).toHaveLength(OTP_ENTITIES.length);
    expect([await tables(), await others()]).toEqual([[], []]);
    await source.destroy();
  });

  it('serve an application with a prefix of 40 bytes', async () => {
    const own = await newSchema();
    const imports = [
      database({ schema: own, entityPrefix: 'ü'.repeat(20) }),
      OtpModule.forRoot(new CapturingProvider(), GENEROUS),
    ];
    const app = await start({ imports });

    await expect(app.get(OtpService).start(request())).resolves.toBeDefined();
    await app.close();
  });
});
