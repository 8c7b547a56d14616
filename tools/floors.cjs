/**
 * The floors of src, from the ground up. A file may import from its own floor and from those below, never from one
 * above. Folders on the same floor may import each other if that forms no circle.
 */
exports.FLOORS = [
  { name: 'words', paths: ['errors/', 'phone/', 'messages/'] },
  { name: 'settings', paths: ['config/', 'crypto/'] },
  { name: 'database', paths: ['database/', '\\w[\\w-]*/[\\w-]+\\.entity\\.ts$'] },
  { name: 'rules', paths: ['accounts/', 'limits/', 'events/', 'audit/', 'abuse/'] },
  { name: 'delivery', paths: ['delivery/', 'providers/'] },
  { name: 'services', paths: ['challenges/', 'grants/', 'numbers/', 'recovery/', 'devices/', 'operations/'] },
  { name: 'edge', paths: ['http/', 'passport/', 'step-up/', 'routes/'] },
  { name: 'module', paths: ['otp\\.wiring\\.ts$', 'start-up/', 'otp\\.module\\.ts$', 'entities\\.ts$', 'index\\.ts$'] },
  { name: 'tools', paths: ['simulators/', 'attacks/', 'testing/', 'cli/'] },
];

/** Entity files are stored beside their noun and belong to the database floor. */
const ENTITY = '\\.entity\\.ts$';

/** @returns {(file: string) => number} the floor of a file below src */
exports.floorOf = (file) => {
  if (new RegExp(ENTITY).test(file)) return 2;
  return exports.FLOORS.findIndex(({ paths }) => paths.some((path) => new RegExp(`^${path}`).test(file)));
};
