// Runs one example as compiled by "tsc -b examples": npm run example -- passwordless-login
import { existsSync, readdirSync } from 'node:fs';

const stories = readdirSync(new URL('.', import.meta.url)).filter((name) => existsSync(mainOf(name)));
const [story = ''] = process.argv.slice(2);

if (stories.includes(story)) {
  await import(new URL(`../dist-examples/${story}/main.js`, import.meta.url).href);
} else {
  process.stderr.write(`Name an example, as in "npm run example -- ${stories[0]}":\n  ${stories.join('\n  ')}\n`);
  process.exitCode = 2;
}

function mainOf(name) {
  return new URL(`./${name}/main.ts`, import.meta.url);
}
