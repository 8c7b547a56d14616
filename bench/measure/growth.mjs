import { moduleApp, moduleTurn } from '../contenders/module.mjs';
import { median, race, row } from '../support.mjs';

/** The median time of a start and its verify beside many rows of the past, against the same on empty tables. */
export default async function growth({ url, full, newSchema, seconds }) {
  const empty = await moduleApp({ url, schema: await newSchema() });
  const grown = await moduleApp({ url, schema: await newSchema() });
  try {
    const rows = await seed(grown.pool, full ? 10_000_000 : 1_000_000, full ? 1800 : 20);
    const times = await race(
      [
        { name: 'empty', count: 1, turn: medianTurn(empty, 120) },
        { name: 'grown', count: 1, turn: medianTurn(grown, 120) },
      ],
      {
        seconds: seconds(10),
        maxRounds: 25,
        prepare: async () => {
          for (const { pool } of [empty, grown]) await pool.query('ANALYZE');
        },
      },
    );
    const ratios = times.grown.map((ms, round) => ms / times.empty[round]);
    return [
      row(
        `p50 of start + verify beside ${rows / 1_000_000} million old challenges and numbers / on empty tables`,
        { value: median(ratios), note: `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}` },
        { atMost: 1.15 },
      ),
    ];
  } finally {
    await empty.close();
    await grown.close();
  }
}

/** One after another, so that the time is that of the work and not of a queue. */
function medianTurn(module, pairs) {
  const one = moduleTurn(module);
  return async () => {
    const times = [];
    for (let pair = 0; pair < pairs; pair++) times.push(await one(1));
    return median(times);
  };
}

/** Writes rows of the past until there are enough, or the time for it is over. @returns how many of either kind */
async function seed(pool, rows, seconds) {
  const BATCH = 100_000;
  const client = await pool.connect();
  try {
    await client.query('SET statement_timeout = 0; SET synchronous_commit = off');
    const end = performance.now() + seconds * 1000;
    let done = 0;
    for (; done < rows && (done === 0 || performance.now() < end); done += BATCH) {
      await client.query(
        `
      INSERT INTO otp_challenges (id, handle_hash, purpose, subject, class, gate_key, phone, region, unverified_keys, locale,
        provider, code_mac, key_id, status, tries, max_tries, created_at, sent_at, expires_at, ended_at)
      SELECT gen_random_uuid(), sha256(n::text::bytea), 'login', '+9665' || n, 'stranger', substr(sha256(n::text::bytea), 1, 16),
        '+9665' || n, 'SA', ARRAY[]::bytea[], 'en', 'outbox', sha256(n::text::bytea), '1', 'consumed', 1, 5,
        t, t, t + interval '5 minutes', t + interval '1 minute'
      FROM (SELECT n, now() - interval '10 hours' + n * interval '1 ms' AS t FROM generate_series($1::bigint, $2::bigint) n) old`,
        [done + 1, done + BATCH],
      );
      await client.query(
        `
      INSERT INTO otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
      SELECT '+44' || n, n::text, now(), now(), 'registration' FROM generate_series($1::bigint, $2::bigint) n`,
        [done + 1, done + BATCH],
      );
    }
    await client.query('RESET statement_timeout; RESET synchronous_commit');
    return done;
  } finally {
    client.release();
  }
}
