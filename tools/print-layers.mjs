// Prints the floors of src from the top, and how long the longest chain of imports is. `npm run check:imports` runs it last.
import { cruise } from 'dependency-cruiser';

import floors from './floors.cjs';

const MOST_LAYERS = 14;

const { output } = await cruise(
  ['src'],
  { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, exclude: { path: '\\.spec\\.ts$' } },
  { extensions: ['.ts', '.mjs', '.js'] },
  { tsConfig: undefined },
);
const imports = new Map(
  output.modules
    .filter(({ source }) => source.startsWith('src/'))
    .map(({ source, dependencies }) => [source, dependencies.map(({ resolved }) => resolved)]),
);
const heights = new Map();
const heightOf = (file) => {
  if (!heights.has(file)) {
    const below = imports.get(file).filter((other) => imports.has(other));
    heights.set(file, 1 + Math.max(0, ...below.map(heightOf)));
  }
  return heights.get(file);
};
const files = [...imports.keys()];
const homeless = files.filter((file) => floors.floorOf(file) < 0);
if (homeless.length > 0) throw new Error(`on no floor of tools/floors.cjs: ${homeless.join(', ')}`);

const lines = floors.FLOORS.map(({ name, paths }, level) => {
  const own = files.filter((file) => floors.floorOf(file) === level);
  return `${name.padEnd(9)} ${String(own.length).padStart(3)} files  ${paths.join(' ').replaceAll('[\\w-]+', '*').replaceAll(/[\\$]/g, '')}`;
});
const layers = Math.max(...files.map(heightOf));
process.stdout.write(
  `${lines.toReversed().join('\n')}\nlongest chain of imports: ${layers} files, at most ${MOST_LAYERS}\n`,
);
if (layers > MOST_LAYERS) process.exitCode = 1;
