// npm run docs:evidence
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { evidencePage, figuresOn } from './evidence-page.js';
import { evidenceById, inWords, lastResults } from './evidence-results.mjs';

const page = new URL('../../docs/security-evidence.md', import.meta.url);
const evidence = evidenceById(lastResults());
const before = figuresOn(existsSync(page) ? readFileSync(page, 'utf8') : '');

/** What did not run here keeps the figure it had. */
function figureOf(id: string): string | undefined {
  const counted = evidence.get(id);
  return counted ? inWords(counted) : before.get(id);
}

writeFileSync(page, evidencePage(figureOf));
