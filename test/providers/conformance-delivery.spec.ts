import { describeProvider } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from '../support/adapters.js';

for (const [name, subject] of Object.entries(ADAPTERS)) if (name.endsWith('Sms')) describeProvider(name, subject);
