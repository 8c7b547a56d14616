import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Run with a TMPDIR of its own, into which everything goes.
await mkdir(tmpdir(), { recursive: true });
// As on the machines of AWS Lambda: the package then brings along the system libraries that Chromium needs.
process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs20.x';
const { default: chromium } = await import('@sparticuz/chromium');
await chromium.executablePath();
// Its own file names /tmp/fonts, and without any font Chromium ends.
const fonts =
  '<?xml version="1.0"?><fontconfig><dir prefix="relative">.</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>';
await writeFile(path.join(tmpdir(), 'fonts/fonts.conf'), fonts);
