// npm run docs:options
import { readFileSync, writeFileSync } from 'node:fs';

import { withOptionsTable } from './options-table.js';

const readme = new URL('../../README.md', import.meta.url);
writeFileSync(readme, withOptionsTable(readFileSync(readme, 'utf8')));
