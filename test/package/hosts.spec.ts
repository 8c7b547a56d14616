import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import pg from 'pg';

import { newSchema, urlInSchema } from '../support/database.js';
import { compile, type Host, type HostKind, install, run } from '../support/host.js';
import { newPhone, wrongCode } from '../support/otp-fixture.js';
import { npm, packInto } from '../support/packed.js';

const MINUTES = 60_000;
const NEST = ['common', 'core', 'passport', 'platform-express', 'platform-fastify', 'typeorm'];
const ALWAYS = [
  '@nestjs/throttler@6',
  'pg@8',
  'passport@0.7',
  'class-transformer@0.5',
  'reflect-metadata@0.2',
  'rxjs@7',
  '@types/node@20',
];

/** Applications and the packages that each installs beside this one, as their authors would type them. */
const HOSTS = {
  'Nest 12, ES modules': {
    type: 'module',
    compilerOptions: { module: 'nodenext' },
    packages: [
      ...[...NEST, 'event-emitter', 'config'].map((one) => `@nestjs/${one}@12`),
      'typeorm@1',
      'class-validator@0.15',
      '@nestjs/graphql@14',
      '@nestjs/mercurius@14',
      'mercurius@16',
      'graphql@16',
      ...ALWAYS,
    ],
  },
  'Nest 11, CommonJS': {
    type: 'commonjs',
    compilerOptions: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
    packages: [
      ...[...NEST, 'testing'].map((one) => `@nestjs/${one}@11`),
      '@nestjs/event-emitter@3',
      'typeorm@0.3',
      'class-validator@0.14',
      'jest@30',
      '@swc/jest@0.2',
      '@swc/core@1',
      ...ALWAYS,
    ],
  },
} as const satisfies Record<string, HostKind>;
type HostName = keyof typeof HOSTS;
const NAMES = Object.keys(HOSTS) as HostName[];
const PROGRAMS: Record<HostName, string[]> = {
  'Nest 12, ES modules': ['main.ts', 'elsewhere.ts', 'shutdown.ts'],
  'Nest 11, CommonJS': ['main.ts', 'shutdown.ts'],
};

let home: string;
const installed = new Map<HostName, Promise<string>>();

beforeAll(async () => {
  home = mkdtempSync(path.join(realpathSync(tmpdir()), 'otp-hosts-spec-'));
  const { tarball } = await packInto(home);
  for (const [nth, name] of NAMES.entries()) {
    const folder = path.join(home, `host-${nth}`);
    const done = install(folder, HOSTS[name], tarball).then(() => folder);
    done.catch(() => undefined); // the suite that awaits it fails
    installed.set(name, done);
  }
}, 2 * MINUTES);

afterAll(async () => {
  await Promise.allSettled(installed.values());
  rmSync(home, { recursive: true, force: true });
});

describe.each(NAMES)('the packed package in an application on %s', (name) => {
  let folder: string;
  let typeErrors: string;
  beforeAll(async () => {
    folder = await installed.get(name)!;
    typeErrors = compile(folder, HOSTS[name], PROGRAMS[name]);
  }, 5 * MINUTES);

  it('has types that compile without skipLibCheck', () => {
    expect(typeErrors).toBe('');
  });

  describe.each(['a dynamic root module', 'OtpModule first', 'a feature module first'])(
    'shuts down with %s',
    (order) => {
      it('and records the messages that are at the vendor', async () => {
        const schema = await newSchema();
        await endedWhileSending(folder, order, 'delivery', schema);

        const rows = await inSchema(schema, 'SELECT outcome FROM otp_sends');
        expect(tally(rows.map(({ outcome }) => outcome))).toEqual({ sent: 20 });
      });

      it('and can check every code of the vendor after a restart', async () => {
        const schema = await newSchema();
        const challenges = await endedWhileSending(folder, order, 'delegated', schema);

        const { outcomes } = await firstLine(
          startShutdown(folder, [order, 'delegated', schema, JSON.stringify(challenges)]),
        );

        expect(tally(outcomes as string[])).toEqual({ verified: 20 });
      });
    },
  );

  describe.each(['express', 'fastify'])('works over %s', (platform) => {
    let host: Host;
    beforeAll(async () => (host = await run(folder, ['main.js', platform, await newSchema()])), 2 * MINUTES);
    afterAll(() => host?.end());

    it("and registers a phone: start, message, verify, and the host's endpoint that activates", async () => {
      const phone = newPhone();
      const started = await host.post('/otp/start', { phone, purpose: 'registration' });
      expect(started).toMatchObject({ status: 202, cacheControl: 'no-store', body: { codeLength: 6 } });
      const code = await host.codeFor(phone);

      const verified = await host.post('/otp/verify', {
        challenge: started.body.challenge,
        code,
        purpose: 'registration',
      });
      expect(verified).toMatchObject({ status: 200, cacheControl: 'no-store' });
      const grant = String(verified.body.grant);

      const registered = await host.post('/register', { name: 'anna' }, { 'OTP-Grant': grant });
      expect(registered).toMatchObject({ status: 201, body: { phone, owner: 'anna' } });
      expect(await host.get(`/owners/${phone}`)).toMatchObject({ body: { owner: 'anna' } });
      expect(await host.post('/register', { name: 'eve' }, { 'OTP-Grant': grant })).toMatchObject({
        ...problem(401, 'grant_invalid'),
        wwwAuthenticate: 'OTP-Grant',
      });
    });

    it.each(['plain', 'withEnvelope'] as const)(
      'and logs in by a code and asks for one before a step (filters of the host: %s)',
      async (variant) => {
        const [phone, account] = [newPhone(), `owner-${variant}`];
        const post = (route: string, body: object = {}, headers: Record<string, string> = {}) =>
          host.post(route, body, headers, variant);
        const verified = async (challenge: unknown, purpose: string, headers = {}) => {
          const { body } = await post('/otp/verify', { challenge, code: await host.codeFor(phone), purpose }, headers);
          return { 'OTP-Grant': String(body.grant) };
        };
        const first = await post('/otp/start', { phone, purpose: 'registration' });
        await post('/register', { name: account }, await verified(first.body.challenge, 'registration'));

        await post('/later');
        const second = await post('/otp/start', { phone, purpose: 'login' });
        const login = await verified(second.body.challenge, 'login');
        expect(await post('/login', {}, login)).toMatchObject({ status: 201, body: { account: { id: account } } });
        expect(await post('/login', {}, login)).toMatchObject(problem(401, 'grant_invalid'));
        if (variant === 'plain') expect(await post('/bare-login', {}, login)).toMatchObject({ status: 401 });

        const me = { 'x-account': account };
        const asked = await post('/close', {}, me);
        expect(asked).toMatchObject({
          ...problem(401, 'insufficient_user_authentication'),
          wwwAuthenticate: expect.stringMatching(/^Bearer error="insufficient_user_authentication"/),
        });
        const grant = await verified(asked.body.challenge, 'close_account', me);
        expect(await post('/close', {}, { ...me, ...grant })).toMatchObject({ status: 201, body: { closed: account } });
      },
      MINUTES,
    );

    it.each(['plain', 'withEnvelope'] as const)(
      'and answers a wrong code as a problem (filters of the host: %s) and notifies its listeners',
      async (variant) => {
        const phone = newPhone();
        const { body } = await host.post('/otp/start', { phone, purpose: 'registration' }, {}, variant);
        const code = wrongCode(await host.codeFor(phone));

        const guess = { challenge: body.challenge, code, purpose: 'registration' };
        const answer = await host.post('/otp/verify', guess, {}, variant);

        expect(answer).toMatchObject(problem(400, 'otp_invalid'));
        expect((await host.get('/refusals', variant)).body).toContain('wrong_code');
        expect(await host.get('/broken', variant)).toMatchObject({
          status: 500,
          body: variant === 'plain' ? { statusCode: 500 } : { envelope: 'of the host' },
        });
      },
    );
  });
});

describe('the packed package in an application with two data sources, options from its configuration, and GraphQL', () => {
  let host: Host;
  beforeAll(async () => {
    const folder = (await installed.get('Nest 12, ES modules'))!;
    host = await run(folder, ['elsewhere.js', await newSchema()]);
  }, 5 * MINUTES);
  afterAll(() => host?.end());

  it('keeps its tables in the named data source, under its prefix', async () => {
    const { data } = await graphql('{ tables }');

    expect(data!.tables).toEqual(
      expect.arrayContaining([
        'acme_otp_challenges',
        'acme_otp_send_counters',
        'acme_otp_verified_numbers',
        'payments',
      ]),
    );
    expect(data!.tables).not.toContain('otp_challenges');
  });

  it("guards a resolver: the error's extensions contain the handle, and the grant works once", async () => {
    const phone = newPhone();
    const me = { 'x-account': 'anna' };
    const started = await host.post('/codes/start', { phone, purpose: 'registration' });
    const first = await verified(phone, started.body.challenge, 'registration');
    await graphql(`mutation { register(grant: "${first}", name: "anna") }`);
    const { data } = await graphql('mutation { prepare(payee: "Sara") }');
    const pay = `mutation { pay(id: "${String(data!.prepare)}") }`;

    const asked = await graphql(pay, me);
    const { code, challenge } = asked.errors![0]!.extensions;
    const grant = { 'OTP-Grant': await verified(phone, challenge, 'transaction', me) };

    expect(code).toBe('insufficient_user_authentication');
    expect(await graphql(pay, { ...me, ...grant })).toMatchObject({ data: { pay: expect.stringMatching(/by anna$/) } });
    expect((await graphql(pay, { ...me, ...grant })).errors![0]!.extensions).toMatchObject({ code: 'grant_invalid' });
  });

  interface GraphqlAnswer {
    data: Record<string, unknown> | null;
    errors?: { extensions: Record<string, unknown> }[];
  }

  async function graphql(query: string, headers: Record<string, string> = {}): Promise<GraphqlAnswer> {
    return (await host.post('/graphql', { query }, headers)).body as unknown as GraphqlAnswer;
  }

  async function verified(phone: string, challenge: unknown, purpose: string, headers = {}): Promise<string> {
    const { body } = await host.post('/codes/verify', { challenge, code: await host.codeFor(phone), purpose }, headers);
    return String(body.grant);
  }
});

describe('the packed package in the tests of a host on Nest 11, with CommonJS and Jest', () => {
  it(
    "loads in the host's Jest once Jest may transform ES modules",
    async () => {
      const folder = (await installed.get('Nest 11, CommonJS'))!;
      cpSync(path.join(import.meta.dirname, 'host/own-test.ts'), path.join(folder, 'own.spec.ts'));
      writeFileSync(path.join(folder, 'jest.config.js'), JEST_OF_THE_HOST);

      const env = { ...process.env, NODE_OPTIONS: '', SCHEMA: await newSchema() };
      const jest = promisify(execFile)(process.execPath, ['node_modules/jest/bin/jest.js'], { cwd: folder, env });
      const { stderr } = await jest.catch((failed: { stderr: string }) => failed);

      expect(stderr).toMatch(/Tests: +1 passed, 1 total/);
    },
    2 * MINUTES,
  );
});

/** As the documentation shows it. */
const JEST_OF_THE_HOST = `
const swc = { jsc: { parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true } } };
module.exports = {
  transform: { '^.+\\.(t|m?j)s$': ['@swc/jest', swc] },
  transformIgnorePatterns: ['/node_modules/(?!(nestjs-phone-otp|intl-messageformat|@formatjs|uuid)/)'],
};
`;

// The other tests cover Node 20, or the version that runs these tests.
describe.each(['22', '24'])('the packed package on Node %s', (version) => {
  it(
    'boots and registers a phone, as an ES module and required from CommonJS',
    async () => {
      const node = await nodeOf(version);
      for (const name of NAMES) {
        const host = await run((await installed.get(name))!, ['main.js', 'express', await newSchema()], node);
        const phone = newPhone();
        const { body } = await host.post('/otp/start', { phone, purpose: 'registration' });
        const guess = { challenge: body.challenge, code: await host.codeFor(phone), purpose: 'registration' };
        expect(await host.post('/otp/verify', guess)).toMatchObject({ status: 200 });
        await host.end();
      }
    },
    4 * MINUTES,
  );
});

/** Another Node version, from its npm package. */
async function nodeOf(version: string): Promise<string> {
  const folder = path.join(home, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  await npm(home, ['install', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`]);
  return path.join(folder, 'node_modules', name, 'bin/node');
}

function problem(status: number, code: string) {
  return {
    status,
    contentType: 'application/problem+json; charset=utf-8',
    cacheControl: 'no-store',
    body: { status, code, type: `urn:nestjs-phone-otp:problem:${code}` },
  };
}

/** Ends a host by a signal once its 20 messages are at the vendor. @returns their challenges and right codes */
async function endedWhileSending(folder: string, order: string, mode: string, schema: string): Promise<unknown> {
  const host = startShutdown(folder, [order, mode, schema]);
  const { challenges } = await firstLine(host);
  const ended = once(host, 'exit');
  host.kill('SIGTERM');
  await ended;
  return challenges;
}

function startShutdown(folder: string, args: string[]): ChildProcess {
  return spawn(process.execPath, ['shutdown.js', ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('{')) return JSON.parse(line) as Record<string, unknown>;
  }
  throw new Error('the host ended without an answer');
}

async function inSchema(schema: string, sql: string): Promise<{ outcome: string }[]> {
  const client = new pg.Client({ connectionString: urlInSchema(schema) });
  await client.connect();
  try {
    return (await client.query<{ outcome: string }>(sql)).rows;
  } finally {
    await client.end();
  }
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
