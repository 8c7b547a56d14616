// npm run docs
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { GENERATED_PAGES, generatedPage } from './generated-pages.js';
import { PROJECT } from './packed.js';

for (const file of Object.keys(GENERATED_PAGES)) {
  const { is, shouldBe } = await generatedPage(file);
  if (is === shouldBe) continue;
  writeFileSync(path.join(PROJECT, file), shouldBe);
  process.stdout.write(`${file} is up to date again\n`);
}
