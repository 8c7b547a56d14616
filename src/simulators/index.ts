import { LamahSimulator } from './lamah-simulator.js';
import { NinetyNineSimulator } from './ninety-nine-simulator.js';
import { SgateSimulator } from './sgate-simulator.js';
import type { VendorSimulator } from './simulator.js';
import { TaqnyatSimulator } from './taqnyat-simulator.js';
import { TermiiSimulator } from './termii-simulator.js';
import { TwilioSimulator } from './twilio-simulator.js';
import { UnifonicSimulator } from './unifonic-simulator.js';
import { VonageSimulator } from './vonage-simulator.js';

export interface SimulatedVendor {
  /** In a line: who, where, and which adapters reach it. */
  readonly about: string;
  /** A simulator with its defaults, not started yet. `access` holds the options of an adapter at it. */
  readonly make: () => VendorSimulator & { readonly access: object };
}

/** Every simulated vendor, by the name that the command line knows it by. */
export const SIMULATORS = {
  lamah: { about: 'Lamah, Ersaal (Libya): LamahOtp', make: () => new LamahSimulator() },
  'ninety-nine': {
    about: '99 Digital (Israel): NinetyNineVerify, NinetyNineSms',
    make: () => new NinetyNineSimulator(),
  },
  // Without a sandbox, whose test numbers get no message.
  sgate: { about: 'SGate (Saudi Arabia): SgateOtp', make: () => new SgateSimulator({ sandbox: false }) },
  taqnyat: { about: 'Taqnyat (Saudi Arabia): TaqnyatVerify, TaqnyatSms', make: () => new TaqnyatSimulator() },
  termii: {
    about: 'Termii (Nigeria and beyond): TermiiSendToken, TermiiVoiceToken, TermiiInAppToken, TermiiSms',
    make: () => new TermiiSimulator(),
  },
  twilio: { about: 'Twilio: TwilioVerify, TwilioSms', make: () => new TwilioSimulator() },
  unifonic: {
    about: 'Unifonic (Saudi Arabia and beyond): UnifonicAuthenticate, UnifonicSms',
    make: () => new UnifonicSimulator(),
  },
  vonage: { about: 'Vonage: VonageVerify', make: () => new VonageSimulator() },
} as const satisfies Record<string, SimulatedVendor>;
