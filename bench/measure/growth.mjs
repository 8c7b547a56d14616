import { moduleApp, moduleTurn } from '../contenders/module.mjs';
import { median, newPhone, race, row } from '../support.mjs';

/** The median time of a start and its verify with many old rows, compared with empty tables. */
export default async function growth({ url, full, newSchema, seconds }) {
  const empty = await moduleApp({ url, schema: await newSchema() });
  const grown = await moduleApp({ url, schema: await newSchema() });
  try {
    const rows = await seed(grown, full ? 10_000_000 : 1_000_000, full ? 1800 : 10);
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
        `p50 of start + verify with ${rows / 1_000_000} million old challenges and as many numbers / with empty tables`,
        { value: median(ratios), note: `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}` },
        { atMost: 1.15 },
      ),
    ];
  } finally {
    await empty.close();
    await grown.close();
  }
}

/** One after another, so that the time measures the work and not a queue. */
function medianTurn(module, pairs) {
  const one = moduleTurn(module);
  return async () => {
    const times = [];
    for (let pair = 0; pair < pairs; pair++) times.push(await one(1));
    return median(times);
  };
}

/** UUIDs of version 7 from yesterday, in order. */
const OLD_ID = `(lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid`;

/** Writes old rows until there are enough, or until the time is over. @returns how many of each kind */
async function seed({ otp, numbers, outbox, pool }, rows, seconds) {
  const BATCH = 100_000;
  const [phone, purpose] = [newPhone(), 'registration'];
  const { challenge } = await otp.start({ phone, purpose, client: 'server' });
  const { grant } = await otp.verify({ challenge, code: outbox.take(phone), purpose });
  await numbers.activate(grant, 'an account');

  const client = await pool.connect();
  try {
    await client.query('SET statement_timeout = 0; SET synchronous_commit = off');
    const challenges = await copies(client, 'otp_challenges', { id: OLD_ID, phone: `'+4470' || n` });
    const owned = await copies(client, 'otp_verified_numbers', { phone: `'+4470' || n`, owner: 'n::text' });
    const end = performance.now() + seconds * 1000;
    let done = 0;
    for (; done < rows && (done === 0 || performance.now() < end); done += BATCH) {
      for (const sql of [challenges, owned]) await client.query(sql, [done + 1, done + BATCH]);
    }
    await client.query('RESET statement_timeout; RESET synchronous_commit');
    return done;
  } finally {
    client.release();
  }
}

/** @returns a statement that copies the only row of a table, with other values in some columns */
async function copies(client, table, changed) {
  const { rows } = await client.query(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'NO'`,
    [table],
  );
  const columns = rows.map(({ name }) => name);
  return `INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${columns.map((name) => changed[name] ?? name).join(', ')}
    FROM (SELECT * FROM ${table} LIMIT 1) pattern, generate_series($1::bigint, $2::bigint) n`;
}
