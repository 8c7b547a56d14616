import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { OTP_ERROR_CODES, OTP_FIGURES, OtpError } from 'nestjs-phone-otp';
import ts from 'typescript';

import { problemOf } from '../../src/http/problem.js';
import { ADAPTERS } from '../support/adapters.js';
import { evidencePage, figuresOn, filesById } from '../support/evidence-page.js';
import { documentedOptions, withOptionsTable } from '../support/options-table.js';
import { PROJECT } from '../support/packed.js';
import { withGeneratedParts } from '../support/providers-page.js';

const DOCUMENTS = documents();
const README = read('README.md');

describe('the documents', () => {
  it('show code that compiles', () => {
    const blocks = DOCUMENTS.flatMap(codeBlocks);
    expect(blocks.length).toBeGreaterThan(0);

    expect(typeErrorsIn(blocks)).toEqual([]);
  }, 120_000);

  it('link to files and headings that exist', () => {
    const links = DOCUMENTS.flatMap(linksIn);
    expect(links.length).toBeGreaterThan(0);

    expect(links.filter(({ leadsTo }) => !leadsTo)).toEqual([]);
  });
});

describe('README', () => {
  it('has the table of options as the sources say it: else run "npm run docs:options"', () => {
    expect(README).toBe(withOptionsTable(README));
  });

  it('gives each figure its row, with default and bounds', () => {
    const rows = tableRows(README).map(([option, standard, bounds]) => [option, standard, bounds]);

    for (const [name, figure] of Object.entries(OTP_FIGURES)) {
      const bounds = 'max' in figure ? `${figure.min} – ${figure.max}` : `≥ ${figure.min}`;
      expect(rows).toContainEqual([`\`${name}\``, `\`${figure.default}\``, `${bounds} ${figure.unit}`]);
    }
  });

  it('lists exactly the error codes there are, under the status each is answered with', () => {
    const listed = tableRows(section(README, 'Errors')).flatMap(([status, codes]) =>
      [...codes!.matchAll(/`(\w+)`/g)].map(([, code]) => ({ code: code!, status: Number(status) })),
    );

    const answered = OTP_ERROR_CODES.map((code) => ({
      code,
      status: problemOf(new OtpError(code, '')).problem.status,
    }));
    expect(listed.toSorted(byCode)).toEqual(answered.toSorted(byCode));
  });
});

describe('what a host can set, and what it can be refused', () => {
  const specs = specFiles().map(read).join('\n');
  const named = (name: string, text: string) => new RegExp(`\\b${name}\\b`).test(text);

  // Each of `OtpOptions` has a test that shows what it changes, or e2e/options.spec.ts does not compile.
  it('is in README and in a test, where it shapes the module', () => {
    const shapes = [
      ...fieldsOf('src/otp.module.ts', 'OtpModuleShape'),
      ...fieldsOf('src/http/otp-routes.options.ts', 'OtpRoutesOptions'),
    ];
    expect(shapes).toContain('deviceKey');

    expect(shapes.filter((name) => !named(name, README) || !named(name, specs))).toEqual([]);
  });

  it('is expected of a real call, for each error code', () => {
    expect(OTP_ERROR_CODES.filter((code) => !specs.includes(`'${code}'`))).toEqual([]);
  });

  it('is heard by a test, for each event', () => {
    const events = [...read('src/otp.events.ts').matchAll(/^  '(otp\.\w+)': /gm)].map(([, name]) => name!);
    expect(events.length).toBeGreaterThan(10);

    expect(events.filter((name) => !specs.includes(`'${name}'`))).toEqual([]);
  });

  /** Tests that call the package as hosts do. */
  function specFiles(): string[] {
    return ['e2e', 'security', 'faults', 'providers'].flatMap((folder) =>
      readdirSync(path.join(PROJECT, 'test', folder)).map((file) => `test/${folder}/${file}`),
    );
  }

  function fieldsOf(file: string, type: string): string[] {
    const body = read(file).split(`export interface ${type} {`)[1]!.split('\n}')[0]!;
    return [...body.matchAll(/^  (\w+)\??:/gm)].map(([, name]) => name!);
  }
});

describe('docs/providers.md', () => {
  const page = read('docs/providers.md');
  const exported = [...read('src/index.ts').matchAll(/^export \{ (\w+) \} from '\.\/providers\/\w[\w-]*\//gm)].map(
    ([, name]) => name!,
  );

  it('has what the adapters declare, and the adapter that is tested: else run "npm run docs:providers"', async () => {
    expect(page).toBe(await withGeneratedParts(page));
  });

  it('knows every adapter of the package, and so do the tests that go through all of them, and README', () => {
    expect(exported.length).toBeGreaterThan(10);

    expect(Object.keys(ADAPTERS).toSorted()).toEqual(exported.toSorted());
    expect(exported.filter((name) => !page.includes(`new ${name}(`))).toEqual([]);
    expect(exported.filter((name) => !section(README, 'Vendors').includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/security-evidence.md', () => {
  const page = read('docs/security-evidence.md');

  it('is what the requirements and the titles of the tests make it: else run "npm run docs:evidence"', () => {
    const figures = figuresOn(page);

    expect(page).toBe(evidencePage((id) => figures.get(id)));
  });

  it('has a row for each requirement, and a reason for each without a test', () => {
    const rows = tableRows(page);
    const ids = [...numbered('SEC', 67), ...numbered('FLT', 23)];

    expect(rows.map(([id]) => id)).toEqual(ids);
    expect(rows.filter(([, , standard]) => standard === '')).toEqual([]);
    const untested = rows.filter(([, says, , tests]) => tests === 'none' && !says!.includes('Not met'));
    expect(untested).toEqual([]);
  });

  it('knows every id that a test claims to prove', () => {
    const known = tableRows(page).map(([id]) => id!);

    expect([...filesById().keys()].filter((id) => !known.includes(id))).toEqual([]);
  });

  function numbered(prefix: string, count: number): string[] {
    return Array.from({ length: count }, (_, n) => `${prefix}-${String(n + 1).padStart(2, '0')}`);
  }
});

describe('the TSDoc', () => {
  it('says of each option what it means, and of each figure the default that the code has', () => {
    const options = documentedOptions();

    expect(options.filter(({ meaning }) => meaning === '')).toEqual([]);
    const figures = options.filter(({ name }) => name in OTP_FIGURES);
    expect(Object.fromEntries(figures.map(({ name, documentedDefault }) => [name, documentedDefault]))).toEqual(
      Object.fromEntries(Object.entries(OTP_FIGURES).map(([name, figure]) => [name, String(figure.default)])),
    );
  });

  it('explains exactly the error codes there are', () => {
    const rows = tableRows(read('src/otp.error.ts').replaceAll(/^ \* /gm, ''));

    expect(rows.map(([code]) => code)).toEqual(OTP_ERROR_CODES.map((code) => `\`${code}\``));
  });
});

interface Block {
  document: string;
  /** Of its first line of code, counted from 1. */
  line: number;
  code: string;
}

interface Link {
  document: string;
  target: string;
  leadsTo: boolean;
}

/** Every Markdown file of the project, relative to it. */
function documents(folder = ''): string[] {
  const skipped = ['node_modules', 'dist', 'dist-demo', 'dist-examples', 'coverage'];
  return readdirSync(path.join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.includes(entry.name) ? [] : documents(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

function read(file: string): string {
  return readFileSync(path.join(PROJECT, file), 'utf8');
}

function codeBlocks(document: string): Block[] {
  const text = read(document);
  return [...text.matchAll(/^( *)```(?:ts|typescript)\b.*\n([\s\S]*?)^\1```/gm)].map((match) => ({
    document,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[2]!,
  }));
}

/** Checks each block as a file of its own, with the project's options and its sources behind the package's name. */
function typeErrorsIn(blocks: Block[]): string[] {
  const { config } = ts.readConfigFile(path.join(PROJECT, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...(config as object), files: [], include: [] }, ts.sys, PROJECT);
  const files = new Map(blocks.map((block, n) => [path.join(PROJECT, `test/document-${n}.ts`), block]));

  const host = ts.createCompilerHost(options);
  const disk = { ...host };
  host.getCurrentDirectory = () => PROJECT;
  host.fileExists = (file) => files.has(file) || disk.fileExists(file);
  host.readFile = (file) => files.get(file)?.code ?? disk.readFile(file);
  host.getSourceFile = (file, version, ...rest) =>
    files.has(file)
      ? ts.createSourceFile(file, `${files.get(file)!.code}\nexport {};`, version)
      : disk.getSourceFile(file, version, ...rest);

  const program = ts.createProgram([...files.keys()], { ...options, noEmit: true }, host);
  return [...files].flatMap(([file, { document, line }]) => {
    const source = program.getSourceFile(file)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((found) => {
      const at = line + source.getLineAndCharacterOfPosition(found.start ?? 0).line;
      return `${document}:${at} ${ts.flattenDiagnosticMessageText(found.messageText, ' ')}`;
    });
  });
}

/** Links into the project; what lies elsewhere is not for a test to ask. */
function linksIn(document: string): Link[] {
  return [...withoutCode(read(document)).matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
    .map((target) => ({ document, target, leadsTo: leadsSomewhere(document, target) }));
}

function leadsSomewhere(document: string, target: string): boolean {
  const [file, heading] = target.split('#') as [string, string?];
  const found = file === '' ? document : path.posix.join(path.posix.dirname(document), decodeURIComponent(file));
  if (found.startsWith('..') || !existsSync(path.join(PROJECT, found))) return false;
  return heading === undefined || !found.endsWith('.md') || headingsOf(found).includes(heading);
}

/** The names that GitHub gives to headings. */
function headingsOf(document: string): string[] {
  return [...withoutCode(read(document), false).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string, alsoInline = true): string {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');
  return alsoInline ? prose.replaceAll(/`[^`\n]*`/g, '') : prose;
}

/** A section of a document, without its heading. */
function section(text: string, heading: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
}

/** The cells of every table row but the heads. */
function tableRows(text: string): string[][] {
  const rows = text.split('\n').map((line) => /^\|(.*)\|$/.exec(line.trim())?.[1]);
  return rows.flatMap((row, n) =>
    row === undefined || isRule(row) || isRule(rows[n + 1]) ? [] : [row.split(/(?<!\\)\|/).map((cell) => cell.trim())],
  );
}

function isRule(row: string | undefined): boolean {
  return row !== undefined && /^[\s|:-]+$/.test(row) && row.includes('---');
}

function byCode(one: { code: string }, other: { code: string }): number {
  return one.code < other.code ? -1 : 1;
}
