import { ConsoleProvider, OtpConfigError, type OtpProvider } from 'nestjs-phone-otp';
import * as lamah from 'nestjs-phone-otp/lamah';
import * as ninetyNine from 'nestjs-phone-otp/ninety-nine';
import * as sgate from 'nestjs-phone-otp/sgate';
import { TermiiSimulator, TwilioSimulator, UnifonicSimulator } from 'nestjs-phone-otp/simulators';
import * as taqnyat from 'nestjs-phone-otp/taqnyat';
import * as termii from 'nestjs-phone-otp/termii';
import * as twilio from 'nestjs-phone-otp/twilio';
import * as unifonic from 'nestjs-phone-otp/unifonic';
import * as vonage from 'nestjs-phone-otp/vonage';

import { ADAPTERS } from '../support/adapters.js';

const ENTRIES = { ...lamah, ...ninetyNine, ...sgate, ...taqnyat, ...termii, ...twilio, ...unifonic, ...vonage };
type Adapter = new (options: object) => OtpProvider;
const adapterOf = (name: string) => ENTRIES[name as keyof typeof ADAPTERS] as unknown as Adapter;

describe('adapter options', () => {
  it.each(Object.keys(ADAPTERS))('%s refuses an unknown option and suggests the closest name', (name) => {
    const Adapter = adapterOf(name);

    expect(() => new Adapter({ baseUri: 'https://vendor.example' })).toThrow(
      new OtpConfigError('Unknown option "baseUri". Did you mean "baseUrl"?'),
    );
  });

  it('can be shared by several adapters of a vendor', async () => {
    for (const simulator of [new TermiiSimulator(), new TwilioSimulator(), new UnifonicSimulator()]) {
      await simulator.start();
      const vendor = simulator.constructor.name.replace('Simulator', '');
      const adapters = Object.keys(ADAPTERS).filter((name) => name.startsWith(vendor));
      const delivery = new ConsoleProvider();
      const more = vendor === 'Termii' ? { delivery } : {};

      expect(adapters.length).toBeGreaterThan(1);
      for (const name of adapters) {
        expect(() => new (adapterOf(name))({ ...simulator.access, ...more })).not.toThrow();
      }
      await simulator.stop();
    }
  });
});
