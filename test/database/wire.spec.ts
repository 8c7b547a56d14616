import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { DataSource } from 'typeorm';

import { FUNCTIONS } from '../../src/database/sql.generated.js';
import { databaseOptions, elapse, newSchema } from '../support/database.js';

/** A call of a release's library and the answer of that release's functions. Times are replaced by `<time>`. */
interface Call {
  operation: string;
  request: object;
  answer: unknown;
  /** Seconds that pass before the call. */
  after?: number;
}

const FOLDER = path.join(import.meta.dirname, 'wire');
const RELEASES = readdirSync(FOLDER).toSorted();
const callsOf = (release: string) => JSON.parse(readFileSync(path.join(FOLDER, release), 'utf8')) as Call[];

/** The functions that the library calls: they take one JSON and return one. */
const OPERATIONS = FUNCTIONS.filter(({ sql }) => /\(request jsonb\) RETURNS jsonb/.test(sql)).map(({ name }) => name);

describe.each(RELEASES)('the recorded calls of the library of %s', (release) => {
  let database: DataSource;
  beforeAll(async () => {
    const schema = await newSchema();
    database = await new DataSource({
      ...databaseOptions(schema, 1),
      extra: { options: `-c search_path=${schema}` },
    }).initialize();
  });
  afterAll(() => database.destroy());

  it('get all that it reads from the current functions', async () => {
    const differing: unknown[] = [];
    for (const { operation, request, answer, after } of callsOf(release)) {
      if (after !== undefined) await elapse(database, after);
      const [row] = await database.query(`SELECT otp_${operation}(($1::text)::jsonb)::text AS answer`, [
        JSON.stringify(request),
      ]);
      const given = withoutTimes(JSON.parse(row.answer as string));
      if (!holds(given, answer)) differing.push({ operation, request, expected: answer, given });
    }
    expect(differing).toEqual([]);
  });
});

it('the recorded calls include every operation', () => {
  const sampled = new Set(RELEASES.flatMap(callsOf).map(({ operation }) => operation));

  expect(OPERATIONS.filter((operation) => !sampled.has(operation))).toEqual([]);
});

function withoutTimes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/"\d{4}-\d\d-\d\dT[\d:.]+[+-][\d:]+"/g, '"<time>"'));
}

/** Tells whether `given` contains all of `expected`; it may contain more. */
function holds(given: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(given) && given.length === expected.length && expected.every((one, nth) => holds(given[nth], one))
    );
  }
  if (typeof expected !== 'object' || expected === null) return given === expected;
  return (
    typeof given === 'object' &&
    given !== null &&
    Object.entries(expected).every(([key, value]) => holds((given as Record<string, unknown>)[key], value))
  );
}
