import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { OTP_ENTITIES, OTP_ERROR_CODES, OTP_FIGURES } from 'nestjs-phone-otp';
import { DataSource, getMetadataArgsStorage } from 'typeorm';
import ts from 'typescript';

import { ADAPTERS } from '../support/adapters.js';
import { databaseOptions, newSchema } from '../support/database.js';
import { type Block, codeBlocks, documents, read } from '../support/documents.js';
import { documentedErrors, statusOf } from '../support/errors-page.js';
import { filesById } from '../support/evidence-page.js';
import { GENERATED_PAGES, generatedPage } from '../support/generated-pages.js';
import { documentedOptions } from '../support/options-page.js';
import { PROJECT } from '../support/packed.js';
import { membersOf } from '../support/tsdoc.js';

const DOCUMENTS = documents();
const README = read('README.md');

describe('the documentation', () => {
  it('shows code that compiles', () => {
    const blocks = DOCUMENTS.flatMap((document) => codeBlocks(document, 'ts', 'typescript'));
    expect(blocks.length).toBeGreaterThan(20);

    expect(typeErrorsIn(blocks)).toEqual([]);
  }, 120_000);

  it.each(DOCUMENTS.filter((document) => codeBlocks(document, 'sql').length > 0))(
    'shows SQL that PostgreSQL accepts: %s',
    async (document) => {
      await expect(runSql(document)).resolves.toBeUndefined();
    },
  );

  it('names existing scripts and commands only, and shows valid JSON', () => {
    expect(DOCUMENTS.flatMap(missingCommands)).toEqual([]);
    for (const { code } of DOCUMENTS.flatMap((document) => codeBlocks(document, 'json'))) {
      expect(() => JSON.parse(code) as unknown).not.toThrow();
    }
  });

  it.each(Object.keys(GENERATED_PAGES))('matches the sources (otherwise run "npm run docs"): %s', async (file) => {
    const { is, shouldBe } = await generatedPage(file);

    expect(is).toBe(shouldBe);
  });

  it('is fully reachable from the table of contents', () => {
    const listedIn = (contents: string) =>
      linksIn(contents).map(({ target }) => path.posix.join(path.posix.dirname(contents), target.split('#')[0]!));
    const listed = listedIn('docs/README.md');
    const reached = [...listed, ...listed.filter((page) => page.endsWith('/README.md')).flatMap(listedIn)];

    const pages = DOCUMENTS.filter((document) => document.startsWith('docs/') && document !== 'docs/README.md');
    expect(pages.filter((page) => !reached.includes(page))).toEqual([]);
  });

  it('shows the same in the Arabic quick start as in the English one', () => {
    const code = (document: string) => codeBlocks(document, 'ts', 'sh').map((block) => block.code);
    const arabic = code('docs/quick-start.ar.md');
    expect(arabic.length).toBeGreaterThan(5);

    expect(arabic.filter((block) => !code('README.md').includes(block))).toEqual([]);
  });

  it('links to existing files and headings', () => {
    const links = DOCUMENTS.flatMap(linksIn);
    expect(links.length).toBeGreaterThan(0);

    expect(links.filter(({ leadsTo }) => !leadsTo)).toEqual([]);
  });
});

describe('docs/options.md', () => {
  it('gives each numeric option its row, with default and bounds', () => {
    const rows = tableRows(read('docs/options.md')).map(([option, standard, bounds]) => [option, standard, bounds]);

    for (const [name, figure] of Object.entries(OTP_FIGURES)) {
      const bounds = 'max' in figure ? `${figure.min} – ${figure.max}` : `≥ ${figure.min}`;
      expect(rows).toContainEqual([`\`${name}\``, `\`${figure.default}\``, `${bounds} ${figure.unit}`]);
    }
  });
});

describe('SECURITY', () => {
  it('gives the application rights on every table of the module', () => {
    const tables = getMetadataArgsStorage().tables.filter(({ target }) => (OTP_ENTITIES as unknown[]).includes(target));
    expect(tables.length).toBeGreaterThan(4);

    const [grants] = codeBlocks('SECURITY.md', 'sql').filter(({ code }) => code.includes('GRANT'));
    expect(tables.map(({ name }) => name!).filter((name) => !grants!.code.includes(name))).toEqual([]);
  });
});

describe('README', () => {
  it('names the required options', () => {
    const required = documentedOptions().filter((option) => option.required);

    expect(required.map(({ name }) => name).filter((name) => !README.includes(`${name}:`))).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  it('lists exactly the existing error codes, each with the status of its answer', () => {
    const page = read('docs/errors.md');
    const listed = [...page.matchAll(/^### (\w+)\n\n\*\*(\d+)\.\*\*/gm)].map(([, code, status]) => ({
      code: code!,
      status: Number(status),
    }));

    const answered = OTP_ERROR_CODES.map((code) => ({ code, status: statusOf(code) }));
    expect(listed.toSorted(byCode)).toEqual(answered.toSorted(byCode));
  });
});

describe('every option and every refusal', () => {
  const specs = specFiles().map(read).join('\n');
  const named = (name: string, text: string) => new RegExp(`\\b${name}\\b`).test(text);

  // Each of `OtpOptions` has a test that shows its effect, or e2e/options.spec.ts does not compile.
  it('is tested, if it configures the module', () => {
    const shapes = [
      ...membersOf('src/otp.module-options.ts', 'OtpModuleShape'),
      ...membersOf('src/routes/otp-routes.options.ts', 'OtpRoutesOptions'),
    ].map(({ name }) => name);
    expect(shapes).toContain('deviceKey');

    expect(shapes.filter((name) => !named(name, specs))).toEqual([]);
  });

  it('is expected from a real call, for each error code', () => {
    expect(OTP_ERROR_CODES.filter((code) => !specs.includes(`'${code}'`))).toEqual([]);
  });

  it('is received by a test, for each event', () => {
    const events = [...read('src/events/otp.events.ts').matchAll(/^  '(otp\.\w+)': /gm)].map(([, name]) => name!);
    expect(events.length).toBeGreaterThan(10);

    expect(events.filter((name) => !specs.includes(`'${name}'`))).toEqual([]);
  });

  /** The tests that call the package as hosts do. */
  function specFiles(): string[] {
    return ['e2e', 'security', 'faults', 'providers'].flatMap((folder) =>
      readdirSync(path.join(PROJECT, 'test', folder)).map((file) => `test/${folder}/${file}`),
    );
  }
});

describe('docs/providers.md', () => {
  const page = read('docs/providers.md');
  const entries = readdirSync(path.join(PROJECT, 'src/providers')).filter(
    (name) => !/^(console|provider-kit)$/.test(name),
  );
  const exported = entries.flatMap((entry) =>
    [...read(`src/providers/${entry}/index.ts`).matchAll(/^export \{ (\w+) \}/gm)].map(([, name]) => name!),
  );

  it('lists every adapter of the package, and so do README and the tests that cover all adapters', () => {
    expect(exported.length).toBeGreaterThan(10);

    expect(Object.keys(ADAPTERS).toSorted()).toEqual(exported.toSorted());
    expect(exported.filter((name) => !page.includes(`new ${name}(`))).toEqual([]);
    expect(exported.filter((name) => !section(README, 'Vendors').includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/attack-replay.md', () => {
  const page = read('docs/attack-replay.md');

  it('covers all known attacks of this field', () => {
    const known = Object.entries({ G: 7, R: 6, B: 7, S: 6, T: 3, L: 4, D: 6 });
    const ids = known.flatMap(([family, count]) => Array.from({ length: count }, (_, n) => `${family}${n + 1}`));

    const rows = tableRows(page).map(([id]) => id);
    expect(ids.filter((id) => !rows.includes(id))).toEqual([]);
  });
});

describe('docs/security-evidence.md', () => {
  const page = read('docs/security-evidence.md');

  it('has a row for each requirement, and a reason for each one without a test', () => {
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

describe('SECURITY.md', () => {
  it('SEC-51: states what SMS can and cannot do, and recommends a stronger factor', () => {
    const [, notice] = /^## What SMS can and cannot do\n([^#]+)/m.exec(read('SECURITY.md'))!;

    expect(notice).toMatch(/restricted_ authenticator \(NIST SP 800-63B-4/);
    for (const risk of ['SIM swaps', 'recycled numbers', 'SS7', 'malware', 'phish']) expect(notice).toContain(risk);
    expect(notice).toContain('offer a stronger factor');
  });
});

describe('the TSDoc', () => {
  it('explains every option, and gives the actual default of every numeric one', () => {
    const options = documentedOptions();

    expect(options.filter(({ meaning }) => meaning === '')).toEqual([]);
    const figures = options.filter(({ name }) => name in OTP_FIGURES);
    expect(Object.fromEntries(figures.map(({ name, documentedDefault }) => [name, documentedDefault]))).toEqual(
      Object.fromEntries(Object.entries(OTP_FIGURES).map(([name, figure]) => [name, String(figure.default)])),
    );
  });

  it('explains exactly the existing error codes', () => {
    expect([...documentedErrors().keys()]).toEqual([...OTP_ERROR_CODES]);
  });
});

interface Link {
  document: string;
  target: string;
  leadsTo: boolean;
}

/**
 * Checks each block as a separate file, with the project's options and its sources behind the package's name. Other
 * blocks of the page can import a block that names its file.
 */
function typeErrorsIn(blocks: Block[]): string[] {
  const { config } = ts.readConfigFile(path.join(PROJECT, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...(config as object), files: [], include: [] }, ts.sys, PROJECT);
  const files = new Map(blocks.map((block) => [namespaceOf(block), block]));
  if (files.size < blocks.length) throw new Error('two blocks of one page name the same file');
  const folders = new Set([...files.keys()].flatMap(foldersAbove));

  const host = ts.createCompilerHost(options);
  const disk = { ...host };
  host.getCurrentDirectory = () => PROJECT;
  host.directoryExists = (folder) => folders.has(folder) || disk.directoryExists!(folder);
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

/** Each page has its own folder, in memory only. */
function namespaceOf({ document, file, line }: Block): string {
  return path.posix.join(PROJECT, 'test', 'blocks', document.replaceAll(/\W/g, '-'), file ?? `line-${line}.ts`);
}

function foldersAbove(file: string): string[] {
  const folder = path.posix.dirname(file);
  return folder === PROJECT ? [] : [folder, ...foldersAbove(folder)];
}

/**
 * Runs the SQL of a page, in order, on this package's tables and the preparation in its comments, then rolls it back.
 */
async function runSql(document: string): Promise<void> {
  const schema = await newSchema();
  const dataSource = await new DataSource(databaseOptions(schema)).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query(`SET LOCAL search_path = ${schema}`);
    for (const [, setUp] of read(document).matchAll(/^<!-- for its test:\n([\s\S]*?)-->/gm)) await runner.query(setUp!);
    for (const { code, line } of codeBlocks(document, 'sql')) {
      // A page that names a schema tells the reader to replace it.
      await runner.query(code.replaceAll(/\bpublic\b/g, schema)).catch((error: Error) => {
        throw new Error(`${document}:${line} ${error.message}`);
      });
    }
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
    await dataSource.destroy();
  }
}

/** Returns the commands in a page's shell blocks that do not exist. */
function missingCommands(document: string): string[] {
  const { scripts, bin } = JSON.parse(read('package.json')) as Record<'scripts' | 'bin', Record<string, string>>;
  return codeBlocks(document, 'sh').flatMap(({ code }) => [
    ...[...code.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name!).filter((name) => !(name in scripts)),
    ...[...code.matchAll(/\bnpm (test|start)\b/g)].map(([, name]) => name!).filter((name) => !(name in scripts)),
    ...[...code.matchAll(/\bnpx (nestjs-[\w-]+)/g)].map(([, name]) => name!).filter((name) => !(name in bin)),
  ]);
}

/** Links into the project; a test does not check other sites. */
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

/** The anchors that GitHub gives to headings. */
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

/** Returns a section of a document, without its heading. */
function section(text: string, heading: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
}

/** Returns the cells of every table row except the heads. */
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
