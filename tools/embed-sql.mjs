// Writes the SQL of src/database into a module, so that nothing is read from disk at run time: `npm run sql:embed`, which every
// build runs first. A file is cut into its statements, each with the comment above it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const database = new URL('../src/database/', import.meta.url);
const target = new URL('sql.generated.ts', database);

/** What others are made of comes first: PostgreSQL looks into plain SQL functions when they are made. */
const FIRST = ['windows.sql'];

const files = readdirSync(new URL('functions/', database)).filter((file) => file.endsWith('.sql'));
const inOrder = [...FIRST, ...files.filter((file) => !FIRST.includes(file)).toSorted()];
const constants = {
  TABLES: statementsOf('tables.sql'),
  TYPES: statementsOf('types.sql'),
  FUNCTIONS: inOrder.flatMap((file) => statementsOf(`functions/${file}`)),
};
const written = Object.entries(constants).map(
  ([name, statements]) => `export const ${name}: readonly SqlStatement[] = ${JSON.stringify(statements, null, 2)};\n`,
);
const module = `// Made by tools/embed-sql.mjs of the .sql files beside it: change those.
/** One statement, with names in braces still to be resolved. */
export interface SqlStatement {
  /** What it makes: a table, a type or a function. */
  readonly name: string;
  readonly file: string;
  readonly sql: string;
}

${written.join('\n')}`;
// A file that is as it was stays as it was: builds look at its date.
if (!existsSync(target) || readFileSync(target, 'utf8') !== module) writeFileSync(target, module);

function statementsOf(file) {
  const statements = [];
  let lines = [];
  let inBody = false;
  for (const line of readFileSync(new URL(file, database), 'utf8').split('\n')) {
    if (line === '' && !inBody && lines.every((one) => one === '' || one.startsWith('--')))
      lines = []; // a comment of the file
    else lines.push(line);
    if (line.split('$$').length % 2 === 0) inBody = !inBody;
    if (inBody || !line.endsWith(';') || line.startsWith('--')) continue;
    const sql = lines.join('\n').trim();
    const name = /^CREATE (?:OR REPLACE FUNCTION|TABLE|TYPE|(?:UNIQUE )?INDEX ON) \{(\w+)\}/m.exec(sql)?.[1];
    if (name === undefined) throw new Error(`${file}: this makes nothing that has a name:\n${sql}`);
    statements.push({ name, file, sql });
    lines = [];
  }
  if (lines.some((line) => line !== '')) throw new Error(`${file} ends within a statement:\n${lines.join('\n')}`);
  return statements;
}
