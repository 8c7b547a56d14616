import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { idsIn, REQUIREMENTS } from './evidence-results.mjs';
import { table } from './generated.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const NOT_RUN = 'not run';

const INTRODUCTION = `# Evidence

What this project requires of itself, which standard asks for it, where it is proved, and what was counted there when the
tests ran last. Take a protection out and its tests go red; \`npm test -- -t SEC-06\` runs those of one row.

- \`npm run test:security\` runs all tests of SEC rows, \`npm run test:faults\` those of FLT rows. Both print a line per row.
- \`npm run docs:evidence\` writes this page from what they gave, \`test/support/requirements.json\` and the titles of the
  tests. A test checks that every row is here and that its files hold its tests.

NIST SP 800-63B-4 and the OWASP Application Security Verification Standard 5.0 are cited by section, (EU) 2018/389 by
article. A time is given as a bound, for it differs from run to run.`;

/**
 * The page of evidence.
 * @param figureOf what was counted for an id when its tests ran last
 */
export function evidencePage(figureOf: (id: string) => string | undefined): string {
  const files = filesById();
  const rows = (prefix: string) =>
    REQUIREMENTS.filter(({ id }) => id.startsWith(prefix)).map(({ id, says, standards, gap }) => [
      id,
      gap ? `${says} **Not met: ${gap}.**` : says,
      standards.join('; '),
      (files.get(id) ?? []).map((file) => `[${path.posix.basename(file)}](../${file})`).join(' ') || 'none',
      figureOf(id) ?? NOT_RUN,
    ]);
  const gaps = REQUIREMENTS.filter(({ gap }) => gap).map(({ id, gap }) => `- ${id}: ${gap}.`);
  return [
    INTRODUCTION,
    `## Not met, or met in part\n\n${gaps.join('\n') || 'None.'}`,
    `## Requirements\n\n${section(['Id', 'Requirement', 'Standard', 'Tests', 'Counted'], rows('SEC'))}`,
    `## Faults\n\n${section(['Id', 'Fault, and what comes of it', 'Standard', 'Tests', 'Counted'], rows('FLT'))}`,
  ]
    .join('\n\n')
    .concat('\n');
}

/** What a page says was counted, by id. */
export function figuresOn(page: string): Map<string, string> {
  const rows = [...page.matchAll(/^\| ((?:SEC|FLT)-\d\d) \|.*\| ([^|]*) \|$/gm)];
  return new Map(rows.map(([, id, figure]) => [id!, figure!]));
}

/** The files that have tests of an id, by the titles in their source. */
export function filesById(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of sources()) {
    const source = readFileSync(path.join(PROJECT, file), 'utf8');
    const titles = [...source.matchAll(/(?<!evidence\()['"`]((?:SEC|FLT)-\d\d[^\n]*)/g)].map(([, title]) => title!);
    for (const id of new Set(titles.flatMap(idsIn))) found.set(id, [...(found.get(id) ?? []), file]);
  }
  return found;
}

/** Where tests are: specs, and what several of them go through. */
function sources(): string[] {
  const isSource = (file: string) =>
    file.endsWith('.spec.ts') ||
    /^src\/testing\/conformance\/.*\.ts$|^test\/(support\/vendor-life|security\/races)\.ts$/.test(file);
  return ['src', 'test', 'demo']
    .flatMap((folder) =>
      readdirSync(path.join(PROJECT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        path.posix.join(folder, file.split(path.sep).join('/')),
      ),
    )
    .filter(isSource)
    .toSorted();
}

function section(head: string[], rows: string[][]): string {
  return `<!-- prettier-ignore-start -->\n\n${table([head, ...rows])}\n\n<!-- prettier-ignore-end -->`;
}
