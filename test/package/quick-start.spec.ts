import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

import { call } from '../support/bank.js';
import { newSchema, urlInSchema } from '../support/database.js';
import { codeBlocks } from '../support/documents.js';
import { PROJECT } from '../support/packed.js';

const OUTPUT = path.join(PROJECT, 'test-output');

/** As "nest new" writes it, except for the port and the printed line. */
const MAIN = `
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
await app.listen(0);
console.log('listening on ' + (await app.getUrl()));
`;

describe('the quick start, pasted into an empty application,', () => {
  let folder: string;
  let application: ChildProcess;
  let ended: Promise<unknown>;
  let output = '';
  let url: string;

  beforeAll(async () => {
    mkdirSync(OUTPUT, { recursive: true });
    folder = mkdtempSync(path.join(OUTPUT, 'quick-start-'));
    const files = codeBlocks('README.md', 'ts').filter(({ file }) => file?.startsWith('src/'));
    for (const { file, code } of [...files, { file: 'src/main.ts', code: MAIN }]) {
      writeFileSync(path.join(folder, path.basename(file!, '.ts') + '.js'), compiled(code));
    }
    application = spawn(process.execPath, ['main.js'], {
      cwd: folder,
      env: {
        ...process.env,
        NO_COLOR: '1',
        DATABASE_URL: urlInSchema(await newSchema()),
        OTP_PEPPER: 'Zx8v1Qm0S8mYw3d6m9y2GgpX1vQm0S8mYw3d6m9y2GgA',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ended = once(application, 'exit');
    for (const stream of [application.stdout!, application.stderr!]) {
      stream.on('data', (text: Buffer) => (output += text.toString()));
    }
    url = (await said(/listening on (\S+)/)).replace('[::1]', 'localhost');
  });
  afterAll(async () => {
    if (application?.exitCode === null && application.kill()) await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('logs a phone in and creates an account at the first login', async () => {
    const start = { body: { phone: '0512345678', purpose: 'login' } };
    const started = await call({ url }, 'POST /otp/start', start);
    expect(started).toMatchObject({ status: 202, body: { phone: '+966*******78' } });
    const code = await said(/(\d{6}) is your Acme code to log in/);
    const login = { body: { challenge: started.body.challenge, code } };

    expect(await call({ url }, 'POST /auth/login', login)).toMatchObject({
      status: 201,
      body: { account: expect.stringMatching(/^[\da-f-]{36}$/), registered: true, amr: ['otp', 'sms'] },
    });
    // The page also describes the second login, and another message within the minute.
    expect((await call({ url }, 'POST /auth/login', login)).body.code).toBe('otp_unavailable');
    expect((await call({ url }, 'POST /otp/start', start)).body.code).toBe('otp_too_soon');
    expect(output).not.toMatch(/WARN|ERROR/);
  });

  /** Waits until the application prints it, or until it ends. */
  async function said(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(output)?.[1];
      if (found) return found;
      const more = once(application.stdout!, 'data').then(() => true);
      if (!(await Promise.race([more, ended.then(() => false)]))) throw new Error(`the application ended: ${output}`);
    }
  }
});

/** Transpiles one file at a time, with the compiler options of "nest new"; documents.spec.ts checks the types. */
function compiled(code: string): string {
  return ts.transpileModule(code, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  }).outputText;
}
