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
  /** One line: the vendor, its country, and the adapters that connect to it. */
  readonly about: string;
  /** Makes a simulator with its defaults, not started yet. Its `access` holds the options of an adapter. */
  readonly make: () => VendorSimulator & { readonly access: object };
}

/** Every simulated vendor, by its name on the command line. */
export const SIMULATORS = {
  lamah: { about: 'Lamah, Ersaal (Libya): LamahOtp', make: () => new LamahSimulator() },
  'ninety-nine': {
    about: '99 Digital (Israel): NinetyNineVerify, NinetyNineSms',
    make: () => new NinetyNineSimulator(),
  },
  // Without the sandbox, whose test numbers receive no message.
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

export { VendorSimulator } from './simulator.js';
export type { SimulatedMessage, SimulatedRequest, VendorReaction } from './simulator.js';
export type { SimulatedAnswer, SimulatedFault } from './faults.js';
export { LamahSimulator } from './lamah-simulator.js';
export type { LamahSimulatorOptions } from './lamah-simulator.js';
export { NinetyNineSimulator } from './ninety-nine-simulator.js';
export type { NinetyNineSimulatorOptions } from './ninety-nine-simulator.js';
export { SgateSimulator } from './sgate-simulator.js';
export type { SgateSimulatorOptions } from './sgate-simulator.js';
export { TaqnyatSimulator } from './taqnyat-simulator.js';
export type { TaqnyatSimulatorOptions } from './taqnyat-simulator.js';
export { TermiiSimulator } from './termii-simulator.js';
export type { TermiiSimulatorOptions } from './termii-simulator.js';
export { TwilioSimulator } from './twilio-simulator.js';
export type { TwilioSimulatorOptions } from './twilio-simulator.js';
export { UnifonicSimulator } from './unifonic-simulator.js';
export type { UnifonicSimulatorOptions } from './unifonic-simulator.js';
export { VonageSimulator } from './vonage-simulator.js';
export type { VonageSimulatorOptions } from './vonage-simulator.js';
