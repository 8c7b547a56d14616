import { describeProvider } from 'nestjs-phone-otp/testing';

import { ADAPTERS, VARIANTS } from '../support/adapters.js';

// Two files, so that they can run at the same time: adapters that bring our own texts are in the other one.
for (const [name, subject] of Object.entries({ ...ADAPTERS, ...VARIANTS })) {
  if (!name.endsWith('Sms')) describeProvider(name, subject);
}
