const { FLOORS, floor } = require('./tools/floors.cjs');

/** Imports go down: a floor knows itself and the floors below it, never one above. */
const upwards = FLOORS.slice(0, -1).map(({ name }, level) => ({
  name: `${name}-know-no-higher-floor`,
  severity: 'error',
  from: { path: floor(level).path, pathNot: [...floor(level).pathNot, '\\.spec\\.ts$'] },
  to: FLOORS.slice(level + 1).map((_, above) => floor(level + 1 + above)),
}));

/** One rule for each pair, since a rule has one target. */
const downOnly = upwards.flatMap(({ to, ...rule }) =>
  to.map((target, index) => ({ ...rule, name: `${rule.name}-${index + 1}`, to: target })),
);

/** @param {string[]} allowed folders or files of src that `from` may import beside itself */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^src/', pathNot: [`^src/${from}`, ...allowed.map((path) => `^src/${path}`)] },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...downOnly,
    only('adapters-know-the-port-and-their-kit', 'providers/(?!provider-kit|console)[\\w-]+/', [
      'delivery/provider.ts',
      'providers/provider-kit/',
      'config/option-names.ts',
      'errors/otp.error.ts',
    ]),
    {
      name: 'vendors-know-no-other-vendor',
      severity: 'error',
      from: { path: '^src/providers/([\\w-]+)/' },
      to: { path: '^src/providers/', pathNot: '^src/providers/($1|provider-kit)/' },
    },
    {
      name: 'words-know-no-framework',
      severity: 'error',
      from: { path: '^src/(phone|messages)/' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg)/' },
    },
    {
      name: 'providers-know-no-database',
      severity: 'error',
      from: { path: '^src/(providers|delivery)/' },
      to: { path: 'node_modules/(typeorm|pg)/', pathNot: 'typeorm/index' },
    },
    {
      name: 'core-loads-no-optional-peer',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(routes/|http/verify-throttler.guard.ts|events/event-emitter.ts|testing/|simulators/|attacks/)',
      },
      to: { path: 'node_modules/(@nestjs/(throttler|event-emitter)|class-validator|class-transformer)/' },
    },
    {
      name: 'src-knows-nothing-outside',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|demo|examples|bench)/' },
    },
    {
      name: 'demo-and-examples-are-strangers',
      severity: 'error',
      from: { path: '^(demo|examples)/' },
      to: {
        path: '^src/',
        pathNot: '^src/((index|entities|types)|(routes|testing|simulators|attacks|providers/[\\w-]+)/index)\\.ts$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
