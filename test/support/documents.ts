import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { PROJECT } from './packed.js';

/** A fenced block of a document. */
export interface Block {
  document: string;
  /** The line number of its first line of code, from 1. */
  line: number;
  language: string;
  /** The file that its first line names, as in `// src/app.module.ts`. Other blocks of the page can import it. */
  file: string | undefined;
  code: string;
}

/** Every hand-written Markdown file of the project, by relative path. */
export function documents(folder = ''): string[] {
  const skipped = ['node_modules', 'dist', 'dist-demo', 'dist-examples', 'coverage', 'build', 'etc', 'test-output'];
  return readdirSync(path.join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.includes(entry.name) ? [] : documents(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

export function read(file: string): string {
  return readFileSync(path.join(PROJECT, file), 'utf8');
}

/** Returns the blocks of a document in one language, in order. */
export function codeBlocks(document: string, ...languages: string[]): Block[] {
  const text = read(document);
  return [...text.matchAll(/^( *)```(\w+)\b.*\n([\s\S]*?)^\1```/gm)]
    .filter(([, , language]) => languages.includes(language!))
    .map(({ 2: language, 3: code, index }) => ({
      document,
      line: text.slice(0, index).split('\n').length + 1,
      language: language!,
      file: /^\/\/ (\S+\.ts)\b/.exec(code!)?.[1],
      code: code!,
    }));
}
