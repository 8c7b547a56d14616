// Measures the package's speed targets on one PostgreSQL in one run, as ratios between contenders that take turns:
// absolute figures of a shared machine mean little. It only reports; a missed target is not an error.
//
//   npm run bench [-- --json] [--full] [--only=<name of a file in measure/>]
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import pg from 'pg';

import { load } from './support.mjs';

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean' }, full: { type: 'boolean' }, only: { type: 'string', multiple: true } },
});
/** A run takes about 2 minutes on two idle cores. It ends even if something hangs. */
const LIMIT_SECONDS = flags.full ? 7200 : 600;

setTimeout(() => {
  console.error(`the bench did not end within ${LIMIT_SECONDS} s`);
  process.exit(1);
}, LIMIT_SECONDS * 1000).unref();

const { postgresFor } = await load('nestjs-phone-otp/testing');
const postgres = await postgresFor(process.env);
const admin = new pg.Client({ connectionString: postgres.url });
const schemas = [];
try {
  await admin.connect();
  const rows = [];
  for (const name of await measures()) {
    const { default: measure } = await import(`./measure/${name}.mjs`);
    if (!flags.json) console.error(`measuring ${name} …`);
    const began = performance.now();
    const measured = await measure({
      url: postgres.url,
      full: flags.full ?? false,
      newSchema,
      seconds: (usual) => (flags.full ? usual * 4 : usual),
    });
    if (!flags.json) console.error(`  ${((performance.now() - began) / 1000).toFixed(1)} s`);
    rows.push(...measured.map((row) => ({ measure: name, ...row, met: isMet(row) })));
  }
  console.log(flags.json ? JSON.stringify(rows, null, 2) : tableOf(rows));
} finally {
  for (const schema of schemas) await admin.query(`DROP SCHEMA ${schema} CASCADE`);
  await admin.end();
  await postgres.stop();
}

async function measures() {
  const files = await readdir(new URL('measure/', import.meta.url));
  const names = files.map((file) => file.replace(/\.mjs$/, '')).toSorted();
  const unknown = flags.only?.find((name) => !names.includes(name));
  if (unknown) throw new Error(`there is no measure/${unknown}.mjs`);
  return flags.only ?? names;
}

async function newSchema() {
  const schema = `bench_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE SCHEMA ${schema}`);
  schemas.push(schema);
  return schema;
}

function isMet({ value, budget }) {
  return budget && value >= (budget.atLeast ?? -Infinity) && value <= (budget.atMost ?? Infinity);
}

function tableOf(rows) {
  const lines = [
    ['what', 'measured', 'rounds', 'budget', ''],
    ...rows.map(({ what, value, unit, note, budget, met }) => [
      what,
      `${numberOf(value)}${unit}`,
      note ?? '',
      budgetOf(budget, unit),
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function budgetOf({ atLeast, atMost } = {}, unit) {
  return [atLeast !== undefined && `>= ${atLeast}${unit}`, atMost !== undefined && `<= ${atMost}${unit}`]
    .filter(Boolean)
    .join(', ');
}

function numberOf(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
}
