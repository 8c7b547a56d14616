import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
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

/** Optional peers, and the files that import them. */
const OPTIONAL = new Map([
  ['@nestjs/throttler', /^dist\/http\/verify-throttler\.guard\./],
  ['@nestjs/event-emitter', /^dist\/events\/event-emitter\./],
  ['class-validator', /^dist\/routes\//],
  ['class-transformer', /^dist\/routes\//],
]);

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

describe.each(entryPoints())('$entry', ({ entry, source }) => {
  // Node refuses to require() a module that awaits at its top level, anywhere behind the entry point.
  it('is the same by require() from CommonJS and by import, with every name of its source', () => {
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

describe('without the optional peers', () => {
  let bare: string;
  beforeAll(() => (bare = withoutOptionalPeers()));
  afterAll(() => rmSync(bare, { recursive: true }));

  const messageOf = (program: string) =>
    run(
      `(async () => { ${program} })().then(
        () => console.log(JSON.stringify('no error')),
        (error) => console.log(JSON.stringify(error.name + ': ' + error.message)));`,
      bare,
    );

  it('the main entry and every vendor can be imported', () => {
    const vendors = entryPoints().filter(({ source }) => /^src\/(index|providers\/)/.test(source));
    const imports = vendors.map(({ entry }) => `await import('${entry}');`);

    expect(imports.length).toBeGreaterThan(5);
    expect(messageOf(imports.join(' '))).toBe('no error');
  });

  it('the routes say what to install', () => {
    expect(messageOf(`await import('nestjs-phone-otp/routes');`)).toBe(
      'OtpConfigError: "nestjs-phone-otp/routes" needs "class-validator": run "npm install @nestjs/throttler class-validator class-transformer".',
    );
  });

  it('@PhoneLogin() says what to install', () => {
    const program = `
      const { VerifyThrottle } = await import(${JSON.stringify(path.join(bareModule(), 'dist/http/verify-throttle.js'))});
      await new VerifyThrottle({ verifiesPerAddress: 1 }, undefined, {}, {}).load('@PhoneLogin()');`;

    expect(messageOf(program)).toBe(
      'OtpConfigError: @PhoneLogin() needs "@nestjs/throttler": run "npm install @nestjs/throttler".',
    );
  });

  const bareModule = () => path.join(bare, 'node_modules/nestjs-phone-otp');
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

    // The ready-made routes and the throttle need them; the core loads neither file before somebody uses it.
    expect(missing.filter(({ file, name }) => !OPTIONAL.get(name)?.test(file))).toEqual([]);
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

/** Entry points with types, and the source of each. */
function entryPoints(): { entry: string; source: string }[] {
  const { exports } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as {
    exports: Record<string, { default?: string }>;
  };
  return Object.entries(exports)
    .filter(([, target]) => target.default?.endsWith('.js'))
    .map(([entry, target]) => ({
      entry: path.posix.join('nestjs-phone-otp', entry),
      source: target.default!.replace('./dist', 'src').replace(/\.js$/, '.ts'),
    }));
}

/** What a CommonJS program of the application prints, as JSON. */
function run(program: string, cwd = application): unknown {
  const args = ['--input-type=commonjs', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }));
}

/** An application with everything but the optional peers. @returns its folder */
function withoutOptionalPeers(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'otp-bare-spec-')); // above `home` lies what must be missing here
  const modules = path.join(folder, 'node_modules');
  cpSync(installed, path.join(modules, 'nestjs-phone-otp'), { recursive: true });
  const all = path.join(PROJECT, 'node_modules');
  for (const name of readdirSync(all).filter((one) => !one.startsWith('.') && !OPTIONAL.has(one))) {
    if (!name.startsWith('@')) {
      symlinkSync(path.join(all, name), path.join(modules, name));
      continue;
    }
    mkdirSync(path.join(modules, name));
    for (const part of readdirSync(path.join(all, name))) {
      const scoped = `${name}/${part}`;
      if (!OPTIONAL.has(scoped)) symlinkSync(path.join(all, scoped), path.join(modules, scoped));
    }
  }
  return folder;
}

function sources(): string[] {
  return readdirSync(path.join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file}`)
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.spec.ts'));
}

/** Names that an entry point exports as values: everything that is not marked as a type. */
function valuesExportedBy(source: string): string[] {
  return parse(path.join(PROJECT, source))
    .statements.flatMap((statement): readonly { name: ts.Node }[] => {
      if (ts.isExportDeclaration(statement) && !statement.isTypeOnly && statement.exportClause) {
        return (statement.exportClause as ts.NamedExports).elements.filter((element) => !element.isTypeOnly);
      }
      const isExported =
        ts.isVariableStatement(statement) && statement.modifiers?.[0]?.kind === ts.SyntaxKind.ExportKeyword;
      return isExported ? [...statement.declarationList.declarations] : [];
    })
    .map(({ name }) => (name as ts.Identifier).text)
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
