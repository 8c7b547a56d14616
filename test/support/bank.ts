import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Bank {
  url: string;
  process: ChildProcess;
  /** The exit code, once it has ended; null after a signal that it did not handle. */
  ended: Promise<number | null>;
  /** Its output so far, to the log and to its parent. */
  output: () => string;
}

export interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into it
  body: any;
}

/**
 * Runs the demo as built by "tsc -b demo", on a free port, and waits until it is open.
 * @param options.shell runs it through a shell, as npm does; the shell is then the returned process
 */
export async function openBank(env: NodeJS.ProcessEnv = {}, { shell = false } = {}): Promise<Bank> {
  const program = [process.execPath, 'dist-demo/main.js'];
  // `exit $?` prevents a shell from replacing itself with the program.
  const { child, ended, output } = run(shell ? ['sh', '-c', `"${program.join('" "')}"; exit $?`] : program, env);
  for (;;) {
    const url = /is open: +(\S+)/.exec(output())?.[1];
    if (url) return { url, process: child, ended, output };
    const more = once(child.stdout!, 'data').then(() => true);
    if (!(await Promise.race([more, ended.then(() => false)]))) throw new Error(`the bank did not open: ${output()}`);
  }
}

/** Runs the demo to its end. */
export async function closedBank(env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const { ended, output } = run([process.execPath, 'dist-demo/main.js'], env);
  return { code: await ended, output: output() };
}

function run([command, ...parameters]: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(command!, parameters, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, output: () => said };
}

export type Route = `${'GET' | 'POST' | 'DELETE'} ${string}`;

/** Calls a route; an object becomes a JSON body, a string is sent as it is. */
export async function call(
  bank: Pick<Bank, 'url'>,
  route: Route,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method, path] = route.split(' ') as [string, string];
  const response = await fetch(bank.url + path, {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
export const withGrant = (grant: string) => ({ 'OTP-Grant': grant });

export function expectProblem({ status, headers, body }: Answer, expected: number, code?: string): void {
  expect({ status, type: headers.get('content-type'), cache: headers.get('cache-control'), code: body.code }).toEqual({
    status: expected,
    type: 'application/problem+json; charset=utf-8',
    cache: 'no-store',
    code: code ?? expect.any(String),
  });
  expect(body.status).toBe(expected);
}
