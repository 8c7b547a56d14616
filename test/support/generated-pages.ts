import { readFileSync } from 'node:fs';
import path from 'node:path';

import { withAttacks } from './attacks-page.js';
import * as errors from './errors-page.js';
import * as events from './events-page.js';
import { evidencePage, figuresOn } from './evidence-page.js';
import * as limits from './limits-page.js';
import * as options from './options-page.js';
import { PROJECT } from './packed.js';
import * as providers from './providers-page.js';

/** The pages that are partly generated from the sources, with the functions that update them. */
export const GENERATED_PAGES: Readonly<Record<string, (page: string) => string | Promise<string>>> = {
  'docs/attack-replay.md': withAttacks,
  'docs/errors.md': errors.withGeneratedParts,
  'docs/events.md': events.withGeneratedParts,
  'docs/limits.md': limits.withGeneratedParts,
  'docs/options.md': options.withGeneratedParts,
  'docs/providers.md': providers.withGeneratedParts,
  // Figures stay unchanged: "npm run docs:evidence" writes them, after the tests.
  'docs/security-evidence.md': (page) => {
    const figures = figuresOn(page);
    return evidencePage((id) => figures.get(id));
  },
};

/** @returns the page as it is, and as it should be */
export async function generatedPage(file: string): Promise<{ is: string; shouldBe: string }> {
  const is = readFileSync(path.join(PROJECT, file), 'utf8');
  return { is, shouldBe: await GENERATED_PAGES[file]!(is) };
}
