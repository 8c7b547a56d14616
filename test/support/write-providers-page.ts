// npm run docs:providers
import { readFileSync, writeFileSync } from 'node:fs';

import { withGeneratedParts } from './providers-page.js';

const page = new URL('../../docs/providers.md', import.meta.url);
writeFileSync(page, await withGeneratedParts(readFileSync(page, 'utf8')));
