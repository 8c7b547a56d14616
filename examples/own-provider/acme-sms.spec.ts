import { describeProvider } from 'nestjs-phone-otp/testing';

import { AcmeSimulator, AcmeSms } from './acme-sms.js';

describeProvider('AcmeSms', ({ key, onExchange }) => {
  const simulator = new AcmeSimulator(key);
  return {
    simulator,
    provider: () => new AcmeSms({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: () => (simulator.always = 'bad_sender'),
      insufficient_balance: () => (simulator.always = 'no_credit'),
    },
  };
});
