import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { newSchema, urlInSchema } from '../support/database.js';
import { PROJECT } from '../support/packed.js';

const MINUTES = 60_000;
const FOLDER = path.join(PROJECT, 'examples');
const STORIES = readdirSync(FOLDER).filter((name) => existsSync(path.join(FOLDER, name, 'main.ts')));

interface Walk {
  /** The commands that a reader pastes into a shell. */
  commands: string;
  /** Their output; `…` stands for parts that differ. */
  prints: string[];
}

describe('the examples', () => {
  const walks = STORIES.map((story) => ({ story, walk: walkOf(story) }));

  it('are all listed, and each has a page with its command', () => {
    const list = read('README.md');
    expect(STORIES.length).toBeGreaterThan(8);

    expect(STORIES.filter((story) => !list.includes(`(${story})`))).toEqual([]);
    expect(STORIES.filter((story) => !read(story, 'README.md').includes(`npm run example -- ${story}`))).toEqual([]);
    expect(walks.filter(({ walk }) => !walk).map(({ story }) => story)).toEqual(['testing']);
  });

  it.each(walks.filter(({ walk }) => walk))(
    'include $story, which prints what its page shows',
    async ({ story, walk }) => {
      const port = await freePorts();
      const example = await open(story, port);
      try {
        expect(await printed(walk!, port)).toEqual(walk!.prints.map((line) => expect.stringMatching(pattern(line))));
      } finally {
        const ended = example.exitCode ?? once(example, 'exit');
        example.kill();
        await ended;
      }
    },
    3 * MINUTES,
  );

  it(
    'include testing, which passes without a vendor and without waiting',
    async () => {
      const env = { ...process.env, DATABASE_URL: urlInSchema(await newSchema()), NODE_OPTIONS: '' };
      const run = promisify(execFile)(process.execPath, ['examples/run.mjs', 'testing'], { cwd: PROJECT, env });

      expect((await run).stdout).toMatch(/pass 3\n.*fail 0/s);
    },
    3 * MINUTES,
  );

  it('are listed if none is named', async () => {
    const run = promisify(execFile)(process.execPath, ['examples/run.mjs'], { cwd: PROJECT });

    await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(STORIES.join('\n  ')) });
  });
});

function read(...file: string[]): string {
  return readFileSync(path.join(FOLDER, ...file), 'utf8');
}

/** The second block of commands and the block of their output; `testing` has neither. */
function walkOf(story: string): Walk | undefined {
  const page = read(story, 'README.md');
  const [, commands] = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
  const prints = /^```text\n([\s\S]*?)\n```/m.exec(page)?.[1]!.split('\n');
  return commands && prints ? { commands, prints } : undefined;
}

/** Runs an example as "npm run example" does and waits until it listens. */
async function open(story: string, port: number): Promise<ChildProcess> {
  const env = { ...process.env, PORT: String(port), DATABASE_URL: urlInSchema(await newSchema()) };
  const child = spawn(process.execPath, ['examples/run.mjs', story], { cwd: PROJECT, env, stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  const ended = once(child, 'exit').then(() => 'ended');
  const instances = read(story, 'main.ts').includes('cluster') ? 2 : 1;
  while (said.split('open: ').length <= instances) {
    if ((await Promise.race([once(child.stdout, 'data'), ended])) === 'ended') throw new Error(`${story}: ${said}`);
  }
  return child;
}

async function printed({ commands }: Walk, port: number): Promise<string[]> {
  const here = commands.replaceAll('localhost:3000', `localhost:${port}`).replaceAll('3001', String(port + 1));
  // Without the machine's own settings: bash reads them if it takes this process's socket for a remote login.
  const flags = ['--norc', '-euc', here.replaceAll('3000', String(port))];
  const { stdout, stderr } = await promisify(execFile)('bash', flags, { timeout: 30_000 });
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

function pattern(line: string): RegExp {
  return new RegExp(
    `^${line
      .split('…')
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  );
}

/** Finds a free port whose next port is free, too. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as { port: number };
    const second = createServer().listen(port + 1, '127.0.0.1');
    const free = await once(second, 'listening').then(
      () => true,
      () => false,
    );
    await Promise.all([first, second].map((server) => new Promise((resolve) => server.close(resolve))));
    if (free) return port;
  }
}
