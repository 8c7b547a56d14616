import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import ts from 'typescript';

import { npm } from './packed.js';

/** The parts of a test application. */
export interface HostKind {
  type: 'module' | 'commonjs';
  compilerOptions: object;
  /** The packages, as typed after "npm install". */
  packages: readonly string[];
}

/** Installs the tarball and the host's own packages into an empty folder. */
export async function install(folder: string, { type, packages }: HostKind, tarball: string): Promise<void> {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'host', private: true, type }));
  await npm(
    folder,
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...packages],
    `This test installs the packed package from npm's registry or cache, and "npm install" for ${path.basename(folder)}`,
  );
}

/** Compiles programs of a host as their author would. @returns the errors in them or in the types of the package */
export function compile(folder: string, { compilerOptions }: HostKind, programs: readonly string[]): string {
  const files = programs.map((name) => path.join(folder, name));
  for (const [index, name] of programs.entries()) {
    cpSync(path.join(import.meta.dirname, '../package/host', name), files[index]!);
  }
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    {
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      ...compilerOptions,
    },
    folder,
  );
  const host = ts.createCompilerHost(options);
  host.getCurrentDirectory = () => folder;
  const program = ts.createProgram(files, options, host);
  // Errors in the types of Nest, TypeORM and other packages are not ours.
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => files.includes(fileName) || fileName.includes('node_modules/nestjs-phone-otp/'));
  if (ours.length < files.length + 2) throw new Error('the types of the package are not where the host looks for them');
  const found = [
    ...errors,
    ...program.getOptionsDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  program.emit();
  return ts.formatDiagnostics(found, host);
}

export interface Answer {
  status: number;
  contentType: string | null;
  cacheControl: string | null;
  wwwAuthenticate: string | null;
  body: Record<string, unknown>;
}

/** A running test application, which may listen at several addresses, each with a name. */
export interface Host {
  get(path: string, at?: string): Promise<Answer>;
  post(path: string, body: object, headers?: Record<string, string>, at?: string): Promise<Answer>;
  codeFor(phone: string): Promise<string>;
  end(): Promise<void>;
}

/**
 * Runs a compiled host until it prints its addresses as a line of JSON.
 * @param node the Node to run it with
 */
export async function run(folder: string, program: string[], node = process.execPath): Promise<Host> {
  const child = spawn(node, program, { cwd: folder, stdio: 'pipe' });
  const complaints = text(child.stderr);
  const urls = await firstJson(child);
  if (!urls) throw new Error(`the host did not start:\n${await complaints}`);

  const call = async (at: string, route: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(urls[at] + route, init);
    const header = (name: string) => response.headers.get(name);
    return {
      status: response.status,
      contentType: header('content-type'),
      cacheControl: header('cache-control'),
      wwwAuthenticate: header('www-authenticate'),
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const get = (route: string, at = 'plain') => call(at, route);
  return {
    get,
    post: (route, body, headers = {}, at = 'plain') =>
      call(at, route, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    codeFor: async (phone) => {
      for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
        const { code } = (await get(`/messages/${phone}`)).body;
        if (code) return code as string;
      }
      throw new Error('no message reached the phone');
    },
    end: async () => {
      const ended = child.exitCode ?? once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** Returns the first line of output that is JSON; undefined if the process ends without one. */
async function firstJson(child: ChildProcess): Promise<Record<string, string> | undefined> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('{')) return JSON.parse(line) as Record<string, string>;
  }
  return undefined;
}
