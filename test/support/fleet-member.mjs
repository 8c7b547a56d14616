// One process of a fleet: a separate application with its own pool, controlled over IPC. It imports the built package
// by its name, as any application does. The only argument is the offset of its clock, in milliseconds.
const clockOffMs = Number(process.argv[2] ?? 0);
if (clockOffMs !== 0) shiftClock(clockOffMs); // before loading anything that might keep the true clock

const { NestFactory } = await import('@nestjs/core');
const { getDataSourceToken, TypeOrmModule } = await import('@nestjs/typeorm');
const { Grants, OTP_ENTITIES, OtpError, OtpModule, OtpOperations, OtpService, VerifiedNumbers } =
  await import('nestjs-phone-otp');
const { DELIVERY_CAPABILITIES } = await import('nestjs-phone-otp/provider-kit');
const { OtpRoutesModule } = await import('nestjs-phone-otp/routes');
const { TaqnyatVerify } = await import('nestjs-phone-otp/taqnyat');
const { default: pg } = await import('pg');

class Application {}

/** @type {import('./fleet.js').MemberSetting} */
let setting;
let app;
let services;
let batch = [];
/** The database's error answers, counted by SQLSTATE. */
const states = {};
let vendorFails = false;
/** Errors that would have ended the process. */
const uncaught = [];

/** The commands of the parent. */
const calls = {
  /** @returns the default isolation level of transactions */
  async open(/** @type {import('./fleet.js').MemberSetting} */ wanted) {
    await app?.close();
    setting = wanted;
    const application = {
      module: Application,
      imports: [
        TypeOrmModule.forRoot(database()),
        OtpModule.forRoot(setting.taqnyat ? new TaqnyatVerify(setting.taqnyat) : provider, setting.options),
        ...(setting.http ? [OtpRoutesModule.register({ prefix: 'otp' })] : []),
      ],
    };
    app = await (setting.http
      ? serve(application, setting.http)
      : NestFactory.createApplicationContext(application, { logger: ['error', 'fatal'], abortOnError: false }));
    services = {
      otp: app.get(OtpService),
      operations: app.get(OtpOperations),
      grants: app.get(Grants),
      numbers: app.get(VerifiedNumbers),
    };
    const dataSource = app.get(getDataSourceToken());
    // Opens and warms up all connections now, so that a race is about rows and not about connecting.
    await Promise.all(Array.from({ length: setting.poolSize }, () => services.numbers.ownerOf('+966500000000')));
    const [shown] = await dataSource.query('SHOW transaction_isolation');
    return shown.transaction_isolation;
  },
  /** Accepts a share of a race; nothing runs before `go`. */
  prepare(/** @type {import('./fleet.js').Operation[]} */ operations) {
    batch = operations;
  },
  go: () => Promise.all(batch.map(attempt)),
  run: attempt,
  states: () => states,
  clock: () => Date.now(),
  url: () => app.getUrl(),
  /** Makes the vendor fail from now on. */
  vendorFails: () => void (vendorFails = true),
  /** Reports the heap size after garbage collection, and uncaught errors. */
  vitals: () => {
    for (let pass = 0; pass < 5; pass++) globalThis.gc();
    return { heapUsed: process.memoryUsage().heapUsed, uncaught };
  },
};

process.on('message', (request) => void answer(request));
process.on('disconnect', () => process.exit());
process.send({ ready: true });

async function answer({ id, call, argument }) {
  try {
    process.send({ id, value: await calls[call](argument) });
  } catch (error) {
    process.send({ id, error: `${call}: ${error.stack}` });
  }
}

/** @returns {Promise<import('./fleet.js').Outcome>} */
async function attempt(/** @type {import('./fleet.js').Operation} */ { service, method, args }) {
  try {
    return { code: 'ok', value: await services[service][method](...args) };
  } catch (error) {
    const { code, retryAfterSeconds } = error;
    return error instanceof OtpError ? { code, retryAfterSeconds } : { code: `unexpected: ${String(error)}` };
  }
}

/** Passes each message to the parent, which outlives this process. */
const provider = {
  name: 'fleet',
  mode: 'delivery',
  capabilities: { ...DELIVERY_CAPABILITIES, developmentOnly: true },
  async send(message) {
    if (vendorFails) return failure();
    await holdIf('before_send');
    process.send({ message });
    await holdIf('after_send');
    return { outcome: 'sent' };
  },
};

/** A vendor that refuses, throws and hangs in turn. */
function failure() {
  const failures = [
    () => ({ outcome: 'insufficient_balance' }),
    () => Promise.reject(new Error('of the vendor')),
    () => new Promise(() => {}),
  ];
  return failures[failed++ % failures.length]();
}
let failed = 0;

/** An application on a free port, behind a proxy on this machine. */
async function serve(application, platform) {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => uncaught.push(String(error?.stack ?? error)));
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter({ trustProxy: '127.0.0.1' });
  const serving = await NestFactory.create(application, adapter, { logger: false, abortOnError: false });
  if (platform === 'express') serving.set('trust proxy', 'loopback');
  await serving.listen(0, '127.0.0.1');
  return serving;
}

/** At the requested moment, notifies the parent and waits forever: the parent then kills this process. */
async function holdIf(/** @type {import('./fleet.js').Moment} */ moment) {
  if (setting.holdAt !== moment) return;
  process.send({ held: moment });
  await new Promise(() => {});
}

function database() {
  const isolation = setting.isolation.replace(' ', '\\ ');
  return {
    type: 'postgres',
    url: process.env.DATABASE_URL,
    schema: setting.schema,
    poolSize: setting.poolSize,
    entities: OTP_ENTITIES,
    applicationName: setting.schema,
    extra: {
      Client: ObservedClient,
      idleTimeoutMillis: 0,
      options: `-c default_transaction_isolation=${isolation}`,
    },
  };
}

/**
 * Counts the database's answers, and can hold an answer back after the call was committed (if READ COMMITTED is the
 * default: each call is then a transaction of its own).
 */
class ObservedClient extends pg.Client {
  query(query, ...rest) {
    const isAwaited = !rest.some((each) => typeof each === 'function') && typeof query.submit !== 'function';
    return isAwaited ? this.#observed(query, rest) : super.query(query, ...rest);
  }

  async #observed(query, rest) {
    const calls = (name) => (query.text ?? query).includes(`"otp_${name}"(`);
    if (calls('start')) await holdIf('before_start');
    try {
      const result = await super.query(query, ...rest);
      if (calls('verify')) await holdIf('after_verify');
      return result;
    } catch (error) {
      states[error.code] = (states[error.code] ?? 0) + 1;
      throw error;
    }
  }
}

function shiftClock(ms) {
  const TrueDate = Date;
  globalThis.Date = class extends TrueDate {
    constructor(...args) {
      super(...(args.length === 0 ? [TrueDate.now() + ms] : args));
    }

    static now() {
      return TrueDate.now() + ms;
    }
  };
}
