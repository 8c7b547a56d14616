import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { TaqnyatVerify, type TaqnyatVerifyOptions } from 'nestjs-phone-otp/taqnyat';
import { SIMULATORS, TaqnyatSimulator } from 'nestjs-phone-otp/simulators';
import pg from 'pg';
import { DataSource } from 'typeorm';

import { databaseOptions, newSchema } from '../support/database.js';
import { NaiveHost } from '../support/naive-host.js';
import { PROJECT } from '../support/packed.js';
import { until } from '../support/until.js';

const { bin } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as { bin: Record<string, string> };
const PROGRAM = path.join(PROJECT, bin['nestjs-phone-otp']!);

/** Runs the built command line in a separate process. */
interface Run {
  child: ChildProcess;
  /** Its output so far. */
  out: () => string;
  err: () => string;
  /** The exit code; null after a signal that it did not handle. */
  ended: Promise<number | null>;
}

let running: Run[] = [];
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
});

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (err += text.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  running.push({ child, out: () => out, err: () => err, ended });
  return running.at(-1)!;
}

/** Waits for the simulator and returns the options that it prints. */
async function simulated(...args: string[]): Promise<Run & { access: TaqnyatVerifyOptions }> {
  const simulator = run('simulate', ...args);
  await until('the simulator is open', () => simulator.out().includes('Messages appear here'));
  const access = JSON.parse(/^\{[^]*?^\}/m.exec(simulator.out())![0]) as TaqnyatVerifyOptions;
  return { ...simulator, access };
}

const phone = '+966512345678';
const recipient = { phone, region: 'SA', attemptId: '1', purpose: 'login', locale: 'en', appName: 'Acme' } as const;
const start = (options: TaqnyatVerifyOptions) =>
  new TaqnyatVerify(options).start(
    { ...recipient, codeLength: 6, ttlSeconds: 300, maxAttempts: 5 },
    { signal: AbortSignal.timeout(5_000) },
  );

describe('the command line', () => {
  it('is a program of the package', () => {
    expect(existsSync(PROGRAM)).toBe(true);
    expect(readFileSync(PROGRAM, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('simulates a vendor for an adapter with the printed options, and shows each message', async () => {
    const { access, out } = await simulated('taqnyat');
    expect(out()).toContain(`Simulated at ${access.baseUrl}`);

    await expect(start(access)).resolves.toEqual({ outcome: 'sent' });

    const message = /^\+966512345678 {2}Your verification code is: (\d{4})$/m;
    await until('the message appears', () => message.test(out()));
    const code = message.exec(out())![1]!;
    const call = { signal: AbortSignal.timeout(5_000) };
    await expect(new TaqnyatVerify(access).check({ ...recipient, code }, call)).resolves.toEqual({
      outcome: 'verified',
    });
  });

  it.each(Object.keys(SIMULATORS))('opens %s', async (vendor) => {
    const { access, err } = await simulated(vendor);

    expect(access).toMatchObject({ baseUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), testMode: true });
    expect(err()).toBe('');
  });

  it('listens on the given port', async () => {
    const { port } = new URL((await new TaqnyatSimulator().start().then(stopped)).url);

    const { access } = await simulated('taqnyat', '--port', port);

    expect(access.baseUrl).toBe(`http://127.0.0.1:${port}`);
  });

  it('shows any message on a single line', async () => {
    const { access, out } = await simulated('taqnyat');

    await start({
      ...access,
      fetch: (url, init) => fetch(url, { ...init, body: withNote(init!.body, 'a\n+1\u001b[2J b') }),
    });

    await until('the message appears', () => /^\+966512345678 .* a \+1 \[2J b$/m.test(out()));
  });

  it('simulates faults', async () => {
    const { access, out } = await simulated('taqnyat', '--fault', 'garbage');

    await expect(start(access)).resolves.toEqual({ outcome: 'unknown', ambiguous: true });
    await until('the message appears anyway', () => out().includes('Your verification code'));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly at %s, even with open connections', async (signal) => {
    const { access, child, ended, out } = await simulated('taqnyat', '--fault', 'hang');
    const waiting = start(access);
    await until('the server receives a request that it never answers', () => out().includes('Your verification code'));

    child.kill(signal);

    expect(await ended).toBe(0);
    expect((await waiting).outcome).not.toBe('sent');
  });

  it('prints everything that the migrations create, and another tool can run it unchanged', async () => {
    const { out, err, ended } = run('sql', '--schema', await newSchema(), '--prefix', 'acme_');
    expect([await ended, err()]).toEqual([0, '']);

    const client = new pg.Client({ connectionString: process.env.DATABASE_URL! });
    await client.connect();
    try {
      await client.query(out());
      const [schema] = /"(t_\w+)"/.exec(out())!.slice(1);
      const { rows } = await client.query(`SELECT "${schema}"."acme_otp_list_stops"('{}') AS answer`);
      expect(rows).toEqual([{ answer: { stops: [] } }]);
    } finally {
      await client.end();
    }
  });

  it('reinstalls missing or altered functions and leaves the others alone', async () => {
    const schema = await newSchema();
    const owner = await new DataSource(databaseOptions(schema, 1)).initialize();
    try {
      await owner.query(`DROP FUNCTION ${schema}.otp_verify`);
      await owner.query(
        `CREATE OR REPLACE FUNCTION ${schema}.otp_version() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$`,
      );

      const { out, err, ended } = run('functions', '--url', process.env.DATABASE_URL!, '--schema', schema);

      expect([await ended, err()]).toEqual([0, '']);
      expect(out()).toMatch(/^\d+ functions are installed\.\n$/);
      const [row] = await owner.query(
        `SELECT ${schema}.otp_version() AS version, ${schema}.otp_verify('{}') AS answer`,
      );
      expect(JSON.parse(row.version)).toMatchObject({ release: 1 });
      expect(row.answer).toMatchObject({ refused_by: 'unknown' });
    } finally {
      await owner.destroy();
    }
  });

  it('lists the vendors, one per line', async () => {
    const { out, ended } = run('list');

    expect(await ended).toBe(0);
    const lines = out().trimEnd().split('\n');
    expect(lines.map((line) => line.split(/\s/)[0])).toEqual(Object.keys(SIMULATORS));
    for (const [index, { about }] of Object.values(SIMULATORS).entries()) expect(lines[index]).toContain(about);
  });

  describe('attacks an application', () => {
    let host: NaiveHost;
    let folder: string;
    let config: string;
    beforeAll(async () => {
      host = await NaiveHost.open();
      folder = mkdtempSync(path.join(tmpdir(), 'otp-cli-spec-'));
      config = path.join(folder, 'attacks.mjs');
      writeFileSync(
        config,
        `export default async () => ({
          baseUrl: '${host.url}',
          inbox: async (phone) => (await fetch('${host.url}/inbox?phone=' + encodeURIComponent(phone))).json(),
          newPhone: () => '+96655' + String(Math.floor(Math.random() * 1e7)).padStart(7, '0'),
        });`,
      );
    });
    afterAll(async () => {
      rmSync(folder, { recursive: true });
      await host.close();
    });

    it('and reports the result of each attack', async () => {
      const { out, ended } = run('attack', '--config', config, '--only', 'R1,G3,B1');

      expect(await ended).toBe(1);
      expect(out().trimEnd().split('\n')).toEqual([
        'held            G3   An address that tries codes on many challenges is slowed down',
        'broken          R1   Of fifty simultaneous right codes, exactly one succeeds. Of 50 simultaneous right codes, 50 succeeded.',
        'not_applicable  B1   A proof for one number does not register another. The target does not describe: register.',
      ]);
    });

    it('and exits with 0 if every attack fails', async () => {
      expect(await run('attack', '--config', config, '--only', 'G3').ended).toBe(0);
    });

    it('and rejects an unknown id', async () => {
      const { err, ended } = run('attack', '--config', config, '--only', 'G2,G99');

      expect(await ended).toBe(2);
      expect(err()).toContain('--only: there is no attack G99.');
    });
  });

  it.each([['--help'], ['-h'], ['help'], ['simulate', '--help']])('prints its help: %s %s', async (...args) => {
    const { out, err, ended } = run(...args);

    expect(await ended).toBe(0);
    expect(out()).toContain('nestjs-phone-otp simulate <vendor>');
    expect(err()).toBe('');
  });

  it.each([
    [[], 'the command must be "simulate <vendor>", "list", "attack", "sql" or "functions"'],
    [['start'], 'the command must be "simulate <vendor>", "list", "attack", "sql" or "functions"'],
    [['list', 'taqnyat'], 'the command must be "simulate <vendor>", "list", "attack", "sql" or "functions"'],
    [['attack'], 'name the application with --config <file>.'],
    [['simulate'], 'name a vendor: lamah, '],
    [['simulate', 'acme'], 'there is no vendor "acme": lamah, '],
    [['simulate', '__proto__'], 'there is no vendor "__proto__"'],
    [['simulate', 'taqnyat', 'termii'], 'unexpected argument "termii"'],
    [['simulate', 'taqnyat', '--port', 'high'], '--port must be a whole number from 0 to 65535'],
    [['simulate', 'taqnyat', '--port', '65536'], '--port must be a whole number from 0 to 65535'],
    [['simulate', 'taqnyat', '--port', '-1'], "'--port'"],
    [['simulate', 'taqnyat', '--port'], "'--port <value>' argument missing"],
    [['simulate', 'taqnyat', '--fault', 'fire'], '--fault must be one of delay:<ms>, hang'],
    [['simulate', 'taqnyat', '--fault', 'status:99'], '--fault must be one of'],
    [['simulate', 'taqnyat', '--loud'], "Unknown option '--loud'"],
  ])('rejects %j', async (args, why) => {
    const { out, err, ended } = run(...args);

    expect(await ended).toBe(2);
    expect(err()).toContain(why);
    expect(err()).not.toContain('    at ');
    expect(out()).toBe('');
  });

  it('reports that a port is taken', async () => {
    const simulator = await new TaqnyatSimulator().start();
    const { port } = new URL(simulator.url);

    const { out, err, ended } = run('simulate', 'taqnyat', '--port', port);

    expect(await ended).toBe(1);
    expect(err()).toBe(`nestjs-phone-otp: port ${port} is taken: choose another, or omit --port to use a free one.\n`);
    expect(out()).toBe('');
    await simulator.stop();
  });
});

async function stopped(simulator: TaqnyatSimulator): Promise<TaqnyatSimulator> {
  await simulator.stop();
  return simulator;
}

/** A body that no adapter sends: adapters send a one-line note. */
function withNote(body: unknown, note: string): string {
  const [fields] = JSON.parse(body as string) as [object];
  return JSON.stringify([{ ...fields, note }]);
}
