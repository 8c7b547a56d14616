import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import ts from 'typescript';

import { newSchema } from '../support/database.js';
import { npm, packInto } from '../support/packed.js';
import { newPhone, wrongCode } from '../support/otp-fixture.js';

const MINUTES = 60_000;

/** What each application installs beside this package, as its author would type it. */
const HOSTS = {
  'Nest 12, ES modules': {
    type: 'module',
    compilerOptions: { module: 'nodenext' },
    packages: {
      nest: ['common', 'core', 'event-emitter', 'passport', 'platform-express', 'platform-fastify', 'typeorm'],
      others: ['@nestjs/throttler@6', 'typeorm@1', 'class-validator@0.15'],
    },
    version: 12,
  },
  'Nest 11, CommonJS': {
    type: 'commonjs',
    compilerOptions: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
    packages: {
      nest: ['common', 'core', 'passport', 'platform-express', 'platform-fastify', 'typeorm'],
      others: ['@nestjs/event-emitter@3', '@nestjs/throttler@6', 'typeorm@0.3', 'class-validator@0.14'],
    },
    version: 11,
  },
} as const;
const ALWAYS = ['pg@8', 'passport@0.7', 'class-transformer@0.5', 'reflect-metadata@0.2', 'rxjs@7', '@types/node@20'];

type HostName = keyof typeof HOSTS;
const NAMES = Object.keys(HOSTS) as HostName[];

let home: string;
const installed = new Map<HostName, Promise<string>>();

beforeAll(async () => {
  home = mkdtempSync(path.join(realpathSync(tmpdir()), 'otp-hosts-spec-'));
  const { tarball } = await packInto(home);
  for (const name of NAMES) {
    const folder = install(name, tarball);
    folder.catch(() => undefined); // the suite that awaits it fails
    installed.set(name, folder);
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
    typeErrors = compile(folder, HOSTS[name].compilerOptions);
  }, 5 * MINUTES);

  it('has types that hold without skipLibCheck', () => {
    expect(typeErrors).toBe('');
  });

  describe.each(['express', 'fastify'])('over %s', (platform) => {
    let host: Host;
    beforeAll(async () => (host = await start(folder, platform)), 2 * MINUTES);
    afterAll(() => host?.end());

    it('registers a phone: start, message, verify, and the endpoint of the host that activates', async () => {
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
      'logs in by a code and asks for one before a step (filters of the host: %s)',
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
      'answers a wrong code as a problem (filters of the host: %s), and tells its listeners',
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

function problem(status: number, code: string) {
  return {
    status,
    contentType: 'application/problem+json; charset=utf-8',
    cacheControl: 'no-store',
    body: { status, code, type: `urn:nestjs-phone-otp:problem:${code}` },
  };
}

/** Installs the tarball and what a host brings along into an empty folder. */
async function install(name: HostName, tarball: string): Promise<string> {
  const { type, packages, version } = HOSTS[name];
  const folder = path.join(home, `nest-${version}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'host', private: true, type }));
  const wanted = [...packages.nest.map((one) => `@nestjs/${one}@${version}`), ...packages.others, ...ALWAYS];
  await npm(
    folder,
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...wanted],
    `This test installs the packed package from npm's registry or cache, and "npm install" for ${name}`,
  );
  return folder;
}

/** Compiles the host as its author would. @returns what is wrong in it or in the types of the package */
function compile(folder: string, own: object): string {
  const main = path.join(folder, 'main.ts');
  cpSync(path.join(import.meta.dirname, 'host/main.ts'), main);
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    {
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      ...own,
    },
    folder,
  );
  const host = ts.createCompilerHost(options);
  host.getCurrentDirectory = () => folder;
  const program = ts.createProgram([main], options, host);
  // The types of Nest, TypeORM and the like are for their authors to check.
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName === main || fileName.includes('node_modules/nestjs-phone-otp/'));
  if (ours.length < 3) throw new Error('the types of the package are not where the host looks for them');
  const found = [
    ...errors,
    ...program.getOptionsDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  program.emit();
  return ts.formatDiagnostics(found, host);
}

interface Answer {
  status: number;
  contentType: string | null;
  cacheControl: string | null;
  wwwAuthenticate: string | null;
  body: Record<string, unknown>;
}

type Variant = 'plain' | 'withEnvelope';

interface Host {
  get(path: string, variant?: Variant): Promise<Answer>;
  post(path: string, body: object, headers?: Record<string, string>, variant?: Variant): Promise<Answer>;
  codeFor(phone: string): Promise<string>;
  end(): Promise<void>;
}

/** Runs the compiled host over a schema of its own until it says where it listens. */
async function start(folder: string, platform: string): Promise<Host> {
  const child = spawn(process.execPath, ['main.js', platform, await newSchema()], { cwd: folder, stdio: 'pipe' });
  const complaints = text(child.stderr);
  const urls = await firstJson(child);
  if (!urls) throw new Error(`the host did not start:\n${await complaints}`);

  const call = async (variant: Variant, route: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(urls[variant] + route, init);
    const header = (name: string) => response.headers.get(name);
    return {
      status: response.status,
      contentType: header('content-type'),
      cacheControl: header('cache-control'),
      wwwAuthenticate: header('www-authenticate'),
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const get = (route: string, variant: Variant = 'plain') => call(variant, route);
  return {
    get,
    post: (route, body, headers = {}, variant = 'plain') =>
      call(variant, route, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    codeFor: async (phone) => {
      for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
        const { code } = (await get(`/messages/${phone}`)).body;
        if (code) return code as string;
      }
      throw new Error('no message reached the phone');
    },
    end: async () => {
      const ended = child.exitCode ?? once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** The first line of output that is JSON; undefined when the process ends without one. */
async function firstJson(child: ChildProcess): Promise<Record<Variant, string> | undefined> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('{')) return JSON.parse(line) as Record<Variant, string>;
  }
  return undefined;
}
