import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { type Browser, chromium } from 'playwright-core';

/** Starts Chromium: the one of `CHROMIUM_PATH`, or the one inside an npm package. Contexts are cheap, launches are not. */
export async function openBrowser(): Promise<Browser> {
  const { CHROMIUM_PATH: executablePath } = process.env;
  const args = ['--no-sandbox']; // a container's root has no other way; what is opened is our own page
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

/** Unpacks the browser once per machine and version. Of several that do so at a time, the first to finish is kept. */
async function unpacked(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'The browser tests bring a Chromium for Linux on x64 only: name yours, such as ' +
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
