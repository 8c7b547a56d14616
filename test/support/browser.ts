import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { type Browser, chromium } from 'playwright-core';

/** Starts Chromium: the one at `CHROMIUM_PATH`, or the one in an npm package. Contexts are cheap, launches are not. */
export async function openBrowser(): Promise<Browser> {
  const { CHROMIUM_PATH: executablePath } = process.env;
  const args = ['--no-sandbox']; // required for a container's root; only our own page is opened
  if (executablePath) return chromium.launch({ executablePath, args });
  const home = await unpacked();
  return chromium.launch({
    executablePath: path.join(home, 'chromium'),
    args,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [path.join(home, 'al2023/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      FONTCONFIG_PATH: path.join(home, 'fonts'),
    } as Record<string, string>,
  });
}

/** Unpacks the browser once per machine and version. Of several parallel runs, the first to finish wins. */
async function unpacked(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'The browser tests include a Chromium only for Linux on x64. Name yours, for example ' +
        'CHROMIUM_PATH="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" npm run test:browser',
    );
  }
  const { devDependencies } = createRequire(import.meta.url)('../../package.json') as Packaged;
  const version = devDependencies['@sparticuz/chromium'];
  const home = path.join(tmpdir(), `nestjs-phone-otp-chromium-${version}`);
  if (existsSync(home)) return home;

  const own = `${home}.${process.pid}`;
  const script = path.join(import.meta.dirname, 'unpack-chromium.mjs');
  await promisify(execFile)(process.execPath, [script], { env: { ...process.env, TMPDIR: own } });
  await rename(own, home).catch((error: unknown) => {
    if (!existsSync(home)) throw error;
  });
  await rm(own, { recursive: true, force: true });
  return home;
}

interface Packaged {
  devDependencies: { '@sparticuz/chromium': string };
}
