/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/demo', '<rootDir>/examples', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/evidence-reporter.mjs'],
  moduleFileExtensions: ['js', 'mjs', 'ts', 'json'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-phone-otp$': '<rootDir>/src/index.ts',
    '^nestjs-phone-otp/(entities|types)$': '<rootDir>/src/$1.ts',
    '^nestjs-phone-otp/(routes|testing|simulators|attacks)$': '<rootDir>/src/$1/index.ts',
    '^nestjs-phone-otp/(provider-kit|lamah|ninety-nine|sgate|taqnyat|termii|twilio|unifonic|vonage)$':
      '<rootDir>/src/providers/$1/index.ts',
    // Throttler is CommonJS and requires Nest's ESM, which Jest's module loader cannot do on Node 20 and 22.
    '^@nestjs/throttler$': '<rootDir>/test/support/throttler.mjs',
    '^(\\.{1,2}/.*(?<!\\.json))\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  // Half of the time a test waits for PostgreSQL, a browser or a process of its own; more workers would only take turns.
  maxWorkers: 2,
  testTimeout: 60_000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/index.ts'],
};
