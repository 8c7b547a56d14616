import { randomBytes } from 'node:crypto';

import type { DynamicModule } from '@nestjs/common';

import { OtpConfigError } from '../errors/otp.error.js';
import { OtpModule } from '../otp.module.js';
import {
  GIVEN,
  type OtpModuleOptions,
  type OtpOptionsWithProvider,
  settingsFrom,
  type Setup,
  SETUP,
} from '../otp.module-options.js';
import type { OtpSettings } from '../config/options.js';
import { CapturingProvider } from './capturing-provider.js';

export interface OtpTestingOptions {
  /**
   * Keeps the application's own limits on messages, for tests of those limits. `OtpTesting.elapse` moves past them.
   * @defaultValue false: a test may start any number of codes
   */
  keepLimits?: boolean;
}

/** The part of the `TestingModuleBuilder` of `@nestjs/testing` that is used here. */
export interface Builder {
  overrideProvider(token: unknown): {
    useFactory(factory: { factory: (given: never) => object; inject: symbol[] }): unknown;
  };
}

const PLENTY = 1_000_000;

/** Lifts the limits on messages and calls. The limits on guessing stay: attempts, lockouts, expiry, single use. */
const LIFTED = {
  cooldownSeconds: 0,
  sendsPerPhonePerHour: PLENTY,
  sendsPerPhonePerDay: PLENTY,
  sendsPerOwnerPerHour: PLENTY,
  sendsPerOwnerPerDay: PLENTY,
  sendsPerAddressPerHour: PLENTY,
  sendsPerPrefixPerHour: PLENTY,
  sendsPerMinute: PLENTY,
  dailySendBudget: PLENTY,
  dailySpendBudget: undefined,
  sendsPerRegionPerDay: new Map(),
  minimumConversion: { prefix: 'off', address: 'off', region: 'off', provider: 'off' },
  verifiesPerAddress: PLENTY,
  purgeEverySeconds: 0,
} satisfies Partial<OtpSettings>;

/** Makes codes readable in tests and removes the wait between them. Everything else works as in production. */
export class OtpTestingModule {
  /**
   * For a test of the whole application: captures its messages instead of sending them, with any provider, and lifts
   * its limits on messages.
   * @throws `OtpConfigError` with `NODE_ENV=production`
   *
   * @example
   * const module = await OtpTestingModule.override(Test.createTestingModule({ imports: [AppModule] })).compile();
   */
  static override<B extends Builder>(builder: B, options: OtpTestingOptions = {}): B {
    builder.overrideProvider(SETUP).useFactory({ inject: [GIVEN], factory: setupFor(options) });
    return builder;
  }

  /**
   * Replaces `OtpModule.forRoot()` in a test of some modules of an application. It needs a `TypeOrmModule.forRoot()`
   * beside it, as `OtpModule` does.
   * @param options the application's options that matter here, such as `purposes`; the others have values for tests
   * @throws `OtpConfigError` with `NODE_ENV=production`
   */
  static forRoot({ keepLimits, ...options }: Partial<OtpModuleOptions> & OtpTestingOptions = {}): DynamicModule {
    const useFactory = setupFor({ keepLimits });
    const given = { ...DEFAULTS, pepper: randomBytes(32), ...options };
    const { providers, ...module } = OtpModule.forRoot(new CapturingProvider(), given);
    return { ...module, providers: [...providers!, { provide: SETUP, inject: [GIVEN], useFactory }] };
  }
}

const DEFAULTS = {
  regions: ['SA'],
  appName: 'Test',
  dailySendBudget: PLENTY,
} satisfies Partial<OtpModuleOptions>;

function setupFor({ keepLimits = false }: OtpTestingOptions): (given: OtpOptionsWithProvider) => Setup {
  if (process.env.NODE_ENV === 'production') {
    throw new OtpConfigError(
      '"OtpTestingModule" lifts limits and sends nothing: run tests without NODE_ENV=production.',
    );
  }
  return (given) => {
    const settings = settingsFrom(given);
    const { provider } = given;
    const isCapturing = provider instanceof CapturingProvider;
    return {
      settings: keepLimits ? settings : Object.freeze({ ...settings, ...LIFTED }),
      provider: isCapturing ? provider : new CapturingProvider(),
    };
  };
}
