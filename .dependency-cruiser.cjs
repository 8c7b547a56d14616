/** Who may import whom. The folders are the domain's nouns; imports point from the story to its parts, never back. */
const PARTS = 'phone|messages|providers|limits|challenge|grant|numbers|accounts|abuse|database|audit|devices|recovery';

/** @param {string[]} allowed folders or files of src that `from` may import beside itself */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^src/', pathNot: [`^src/${from}`, ...allowed.map((path) => `^src/${path}`)] },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('phone-knows-errors-only', 'phone/', ['otp.error.ts']),
    only('messages-know-errors-and-digits-only', 'messages/', ['otp.error.ts', 'phone/digits.ts']),
    only('providers-know-the-port-only', 'providers/', ['otp.error.ts', 'otp.events.ts', 'option-names.ts']),
    {
      name: 'pure-parts-know-no-framework',
      severity: 'error',
      from: { path: '^src/(phone|messages)/' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg)/' },
    },
    {
      name: 'providers-know-no-database',
      severity: 'error',
      from: { path: '^src/providers/' },
      to: { path: 'node_modules/(typeorm|pg)/' },
    },
    only('the-database-knows-no-noun-but-its-tables', 'database/', ['otp.error.ts', '\\w+/[\\w-]+\\.entity\\.ts$']),
    only('limits-know-figures-only', 'limits/', [
      'database/(database|hex).ts',
      'phone/',
      'keyed-hash.ts',
      'otp.options.ts',
      'otp.error.ts',
      'option-names.ts',
    ]),
    only('challenge-knows-its-limits', 'challenge/', [
      'random.ts',
      'database/(database|hex).ts',
      'limits/limits.ts',
      'phone/digits.ts',
      'messages/message-renderer.ts',
      'input.ts',
      'keyed-hash.ts',
      'otp.(options|purposes|error).ts',
    ]),
    only('accounts-know-purposes-only', 'accounts/', ['otp.(purposes|error).ts', 'database/transaction.ts']),
    only('abuse-knows-accounts-and-options', 'abuse/', ['accounts/', 'phone/mask.ts', 'otp.(options|events|error).ts']),
    only('http-sees-the-service', 'http/', [
      'accounts/',
      'limits/(limits|client-address).ts',
      'otp.(service|requests|error|options|purposes).ts',
      'option-names.ts',
    ]),
    only('login-and-step-up-see-the-service', '(login|step-up)/', [
      'accounts/',
      'grant/',
      'numbers/',
      'http/',
      'challenge/action.ts',
      'database/(database|transaction).ts',
      'audit/auditor.ts',
      'phone/mask.ts',
      'otp.(service|requests|error|events|options|purposes).ts',
    ]),
    {
      name: 'parts-know-no-story',
      severity: 'error',
      from: { path: `^src/(${PARTS})/` },
      to: { path: '^src/(otp\\.(module|service|wiring|runtime)|http/|index)' },
    },
    {
      name: 'only-the-module-and-index-are-roots',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|demo|examples|bench)/' },
    },
    {
      name: 'demo-and-examples-are-strangers',
      severity: 'error',
      from: { path: '^(demo|examples)/' },
      to: { path: '^src/', pathNot: '^src/(index|testing/index)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
