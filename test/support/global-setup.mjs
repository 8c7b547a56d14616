import '../../tools/embed-sql.mjs'; // rebuilds what has changed since the last build

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import pg from 'pg';

import { postgresFor } from '../../src/testing/postgres.mjs';

/** One PostgreSQL for the whole run; the workers inherit its URL. */
export default async function setUp() {
  const postgres = await postgresFor(process.env);
  await reach(postgres.url);
  const before = process.env.DATABASE_URL;
  process.env.DATABASE_URL = postgres.url;

  process.env.EVIDENCE_DIR = await mkdtemp(path.join(tmpdir(), 'otp-evidence-'));

  globalThis.stopPostgres = async () => {
    await rm(process.env.EVIDENCE_DIR, { recursive: true });
    // Jest in watch mode sets up again: it must not find the URL of a stopped server.
    if (before === undefined) delete process.env.DATABASE_URL;
    await postgres.stop();
  };
}

/** One clear error instead of one per test. */
async function reach(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  try {
    await client.connect();
  } catch (error) {
    const reason = error.message || error.code;
    throw new Error(
      `The PostgreSQL of DATABASE_URL (${client.host}:${client.port}) cannot be used: ${reason}. ` +
        'Start it ("docker compose up -d --wait"), or unset DATABASE_URL and let the tests start their own.',
    );
  } finally {
    await client.end();
  }
}
