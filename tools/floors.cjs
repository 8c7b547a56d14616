/**
 * The floors of src, from the ground up. A file may import from its own floor and from those below, never from one above.
 * Folders of one floor may know each other, as long as no circle comes of it.
 */
const FLOORS = [
  { name: 'words', paths: ['errors/', 'phone/', 'messages/'] },
  { name: 'settings', paths: ['config/', 'crypto/', 'limits/limit-definitions\\.ts$'] },
  { name: 'database', paths: ['database/', '[\\w-]+/[\\w-]+\\.entity\\.ts$'] },
  { name: 'rules', paths: ['accounts/', 'limits/', 'events/', 'audit/', 'abuse/'] },
  { name: 'delivery', paths: ['delivery/', 'providers/'] },
  { name: 'services', paths: ['challenges/', 'grants/', 'numbers/', 'recovery/', 'devices/', 'operations/'] },
  { name: 'edge', paths: ['http/', 'passport/', 'step-up/', 'routes/'] },
  { name: 'module', paths: ['otp\\.[\\w-]+\\.ts$', 'start-up/', 'entities\\.ts$', 'types\\.ts$', 'index\\.ts$'] },
  { name: 'tools', paths: ['simulators/', 'attacks/', 'testing/', 'cli/'] },
];

/** Single files that stand in the folder of a higher floor. */
const MOVED = FLOORS.flatMap(({ paths }) => paths).filter((path) => path.includes('/') && path.endsWith('$'));

/** @param {number} level @returns the files of a floor, as dependency-cruiser takes them */
function floor(level) {
  const patterns = (paths) => paths.map((path) => `^src/${path}`);
  const elsewhere = MOVED.filter((path) => !FLOORS[level].paths.includes(path));
  return { path: patterns(FLOORS[level].paths), pathNot: patterns(elsewhere) };
}

/** @param {string} file such as src/limits/limits.ts @returns its floor, or -1 */
function floorOf(file) {
  return FLOORS.findIndex((_, level) => {
    const { path, pathNot } = floor(level);
    return path.some((one) => new RegExp(one).test(file)) && !pathNot.some((one) => new RegExp(one).test(file));
  });
}

module.exports = { FLOORS, floor, floorOf };
