import { describeProvider } from 'nestjs-phone-otp/testing';

import { ADAPTERS, VARIANTS } from '../support/adapters.js';

for (const [name, subject] of Object.entries({ ...ADAPTERS, ...VARIANTS })) describeProvider(name, subject);
