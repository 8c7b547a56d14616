import { describeProvider } from 'nestjs-phone-otp/testing';

import { ADAPTERS, VARIANTS } from '../support/adapters.js';

// Split into two files that can run in parallel: conformance-delivery.spec.ts has the adapters that deliver texts.
for (const [name, subject] of Object.entries({ ...ADAPTERS, ...VARIANTS })) {
  if (!name.endsWith('Sms')) describeProvider(name, subject);
}
