import * as otp from 'nestjs-phone-otp';
import { TermiiSimulator, TwilioSimulator, UnifonicSimulator } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from '../support/adapters.js';

type Adapter = new (options: object) => otp.OtpProvider;
const adapterOf = (name: string) => otp[name as keyof typeof ADAPTERS] as unknown as Adapter;

describe('the options of an adapter', () => {
  it.each(Object.keys(ADAPTERS))('%s refuses a name that is none of them, and proposes the nearest', (name) => {
    const Adapter = adapterOf(name);

    expect(() => new Adapter({ baseUri: 'https://vendor.example' })).toThrow(
      new otp.OtpConfigError('Unknown option "baseUri": did you mean "baseUrl"?'),
    );
  });

  it('may be those of an account which several adapters of the vendor share', async () => {
    for (const simulator of [new TermiiSimulator(), new TwilioSimulator(), new UnifonicSimulator()]) {
      await simulator.start();
      const vendor = simulator.constructor.name.replace('Simulator', '');
      const adapters = Object.keys(ADAPTERS).filter((name) => name.startsWith(vendor));
      const delivery = new otp.ConsoleProvider();
      const more = vendor === 'Termii' ? { delivery } : {};

      expect(adapters.length).toBeGreaterThan(1);
      for (const name of adapters) {
        expect(() => new (adapterOf(name))({ ...simulator.access, ...more })).not.toThrow();
      }
      await simulator.stop();
    }
  });
});
