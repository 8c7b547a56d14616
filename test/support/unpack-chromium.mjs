import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Runs with its own TMPDIR, into which everything goes.
await mkdir(tmpdir(), { recursive: true });
// As on AWS Lambda: the package then unpacks the system libraries that Chromium needs.
process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs20.x';
const { default: chromium } = await import('@sparticuz/chromium');
await chromium.executablePath();
// The package's own file names /tmp/fonts; without any font, Chromium ends.
const fonts =
  '<?xml version="1.0"?><fontconfig><dir prefix="relative">.</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>';
await writeFile(path.join(tmpdir(), 'fonts/fonts.conf'), fonts);
