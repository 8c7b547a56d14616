import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

import ts from 'typescript';

import { packInto, PROJECT } from '../support/packed.js';

interface Manifest {
  sideEffects: boolean;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

let home: string;
let application: string;
let installed: string;
let files: string[];

/** The packed package in the node_modules of an application; its dependencies are one folder up. */
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'otp-entry-points-spec-'));
  application = path.join(home, 'application');
  installed = path.join(application, 'node_modules/nestjs-phone-otp');
  mkdirSync(installed, { recursive: true });
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(home, 'node_modules'));
  const packed = await packInto(home);
  files = packed.files;
  execFileSync('tar', ['-xzf', packed.tarball, '-C', installed, '--strip-components=1']);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe.each([
  { entry: 'nestjs-phone-otp', source: 'src/index.ts' },
  { entry: 'nestjs-phone-otp/testing', source: 'src/testing/index.ts' },
])('$entry', ({ entry, source }) => {
  // Node refuses to require() a module with top-level await, anywhere behind the entry point.
  it('exports the same by require() from CommonJS and by import, with every name of its source', () => {
    const { required, imported, different } = run(`
      const required = require('${entry}');
      import('${entry}').then((imported) => console.log(JSON.stringify({
        required: Object.keys(required).sort(),
        imported: Object.keys(imported).sort(),
        different: Object.keys(imported).filter((name) => imported[name] !== required[name]),
      })));`) as Record<string, string[]>;

    expect(required).toEqual(valuesExportedBy(source));
    expect(imported).toEqual(required);
    expect(different).toEqual([]);
  });
});

describe('the packed package', () => {
  it('contains what was built from the sources and what its readers need, and nothing else', () => {
    expect(files).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
        'package.json',
        ...sources().flatMap((source) => {
          const built = source.replace(/^src/, 'dist');
          return built.endsWith('.mjs')
            ? [built, built.replace(/\.mjs$/, '.d.mts')]
            : [built.replace(/\.ts$/, '.js'), built.replace(/\.ts$/, '.d.ts')];
        }),
      ].sort(),
    );
  });

  it('imports nothing that npm would not install with it', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(path.join(installed, 'package.json'), 'utf8'),
    ) as Manifest;
    const required = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    const present = new Set([...Object.keys(dependencies), ...required]);

    const missing = files
      .filter((file) => /\.(js|mjs|ts|mts)$/.test(file))
      .flatMap((file) => packagesImportedBy(file).map((name) => ({ file, name })))
      .filter(({ name }) => !present.has(name));

    expect(missing).toEqual([]);
  });

  it('has no file that is imported only for its side effects, as "sideEffects" states', () => {
    const { sideEffects } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as Manifest;
    const forEffect = files
      .filter((file) => /\.(js|mjs)$/.test(file))
      .filter((file) =>
        parse(path.join(installed, file)).statements.some(
          (statement) => ts.isImportDeclaration(statement) && !statement.importClause,
        ),
      );

    expect(sideEffects).toBe(false);
    expect(forEffect).toEqual([]);
  });

  it('hides everything except its entry points', () => {
    const code = run(`
      import('nestjs-phone-otp/dist/otp.service.js').then(() => 'open', ({ code }) => code)
        .then((code) => console.log(JSON.stringify(code)));`);

    expect(code).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

/** Runs a CommonJS program in the application and parses the JSON that it prints. */
function run(program: string): unknown {
  const args = ['--input-type=commonjs', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: application, encoding: 'utf8' }));
}

function sources(): string[] {
  return readdirSync(path.join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file}`)
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.spec.ts'));
}

/** Names that an entry point exports as values: everything that is not marked as a type. */
function valuesExportedBy(source: string): string[] {
  return parse(path.join(PROJECT, source))
    .statements.flatMap((statement) =>
      ts.isExportDeclaration(statement) && !statement.isTypeOnly && statement.exportClause
        ? (statement.exportClause as ts.NamedExports).elements
        : [],
    )
    .filter((element) => !element.isTypeOnly)
    .map((element) => element.name.text)
    .sort();
}

/** Packages of static imports and re-exports; a failed import() can be caught. */
function packagesImportedBy(file: string): string[] {
  return parse(path.join(installed, file))
    .statements.flatMap((statement) =>
      (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) && statement.moduleSpecifier
        ? [(statement.moduleSpecifier as ts.StringLiteral).text]
        : [],
    )
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
}
