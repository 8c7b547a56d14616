import type { NestExpressApplication } from '@nestjs/platform-express';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

interface File {
  type: string;
  body: Buffer;
  /** The body in other encodings, best first; fonts have their own compression. */
  encoded: readonly { encoding: string; body: Buffer }[];
  etag: string;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** The parts of the fonts that the page may need; browsers load those whose letters occur. */
const FONTS = [
  '@fontsource-variable/vazirmatn/files/vazirmatn-arabic-wght-normal.woff2',
  '@fontsource-variable/noto-sans-hebrew/files/noto-sans-hebrew-hebrew-wght-normal.woff2',
  '@fontsource-variable/noto-sans-hebrew/files/noto-sans-hebrew-latin-wght-normal.woff2',
];

/** For the document: everything is served from here, and only the page's own scripts write into it. */
const DOCUMENT_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'otp-credentials=(self), camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
};

/** Serves the page at "/". Its few files are read once. Other paths go to the next handler. */
export async function mountPage(app: NestExpressApplication): Promise<void> {
  const files = await readFiles();
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const file = files.get(request.url?.split('?', 1)[0] ?? '');
    if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) return next();

    const accepted = String(request.headers['accept-encoding']).split(/[\s,]+/);
    const { encoding, body } = file.encoded.find(({ encoding }) => accepted.includes(encoding)) ?? { body: file.body };
    if (file.type === TYPES['.html']) {
      for (const [name, value] of Object.entries(DOCUMENT_HEADERS)) response.setHeader(name, value);
    }
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Content-Type', file.type);
    response.setHeader('Cache-Control', 'no-cache'); // cached, but revalidated each time: then 304
    response.setHeader('ETag', file.etag);
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === file.etag) return response.writeHead(304).end();

    if (encoding) response.setHeader('Content-Encoding', encoding);
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

/** The path under which they are served. */
async function readFiles(): Promise<Map<string, File>> {
  const written = path.resolve(import.meta.dirname, '../demo/page');
  const compiled = path.join(import.meta.dirname, 'page');
  const { resolve } = createRequire(import.meta.url);
  const sources = new Map<string, string>([
    ['/', path.join(written, 'index.html')],
    ...(await pathsIn(written, /\.(css|js|svg)$/)),
    ...(await pathsIn(compiled, /\.js$/)),
    ...FONTS.map((font) => [`/page/${path.basename(font)}`, resolve(font)] as const),
  ]);
  const files = [...sources].map(async ([url, source]) => [url, await read(source)] as const);
  return new Map(await Promise.all(files));
}

async function pathsIn(folder: string, kind: RegExp): Promise<[url: string, source: string][]> {
  const names = (await readdir(folder)).filter((name) => kind.test(name));
  return names.map((name) => [`/page/${name}`, path.join(folder, name)]);
}

async function read(source: string): Promise<File> {
  const body = await readFile(source);
  const extension = path.extname(source);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const file = { type: TYPES[extension]!, body, encoded: [], etag };
  if (extension === '.woff2') return file;
  const [br, gz] = await Promise.all([promisify(brotliCompress)(body), promisify(gzip)(body)]);
  return {
    ...file,
    encoded: [
      { encoding: 'br', body: br },
      { encoding: 'gzip', body: gz },
    ],
  };
}
