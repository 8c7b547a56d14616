export { CapturingProvider } from './capturing-provider.js';
export type { CapturedMessage } from './capturing-provider.js';
export { ATTACKS } from '../attacks/attacks.js';
export type { AttackCase, AttackFigures } from '../attacks/attack-case.js';
export { replayAttacks } from '../attacks/replay-attacks.js';
export type { AttackRunner, TestFunction } from '../attacks/replay-attacks.js';
export { runAttacks } from '../attacks/run-attacks.js';
export type { AttackChoice, AttackReport, AttackVerdict } from '../attacks/run-attacks.js';
export type {
  Ability,
  AttackAnswer,
  AttackLimits,
  AttackRequest,
  AttackTarget,
  GuardedAction,
} from '../attacks/target.js';
export { describeProvider } from './conformance/describe-provider.js';
export type { MakeSubject, ProviderSubject, TrialConditions } from './conformance/subject.js';
export { OtpTesting } from './otp-testing.js';
export type { Container } from './otp-testing.js';
export { OtpTestingModule } from './otp-testing.module.js';
export type { Builder, OtpTestingOptions } from './otp-testing.module.js';
export { postgresFor, startPostgres } from './postgres.mjs';
export type { FragilePostgres, Postgres } from './postgres.mjs';
export { VendorSimulator } from '../simulators/simulator.js';
export type { SimulatedMessage, SimulatedRequest, VendorReaction } from '../simulators/simulator.js';
export type { SimulatedAnswer, SimulatedFault } from '../simulators/faults.js';
export { SIMULATORS } from '../simulators/index.js';
export type { SimulatedVendor } from '../simulators/index.js';
export { LamahSimulator } from '../simulators/lamah-simulator.js';
export type { LamahSimulatorOptions } from '../simulators/lamah-simulator.js';
export { NinetyNineSimulator } from '../simulators/ninety-nine-simulator.js';
export type { NinetyNineSimulatorOptions } from '../simulators/ninety-nine-simulator.js';
export { SgateSimulator } from '../simulators/sgate-simulator.js';
export type { SgateSimulatorOptions } from '../simulators/sgate-simulator.js';
export { TaqnyatSimulator } from '../simulators/taqnyat-simulator.js';
export type { TaqnyatSimulatorOptions } from '../simulators/taqnyat-simulator.js';
export { TermiiSimulator } from '../simulators/termii-simulator.js';
export type { TermiiSimulatorOptions } from '../simulators/termii-simulator.js';
export { TwilioSimulator } from '../simulators/twilio-simulator.js';
export type { TwilioSimulatorOptions } from '../simulators/twilio-simulator.js';
export { UnifonicSimulator } from '../simulators/unifonic-simulator.js';
export type { UnifonicSimulatorOptions } from '../simulators/unifonic-simulator.js';
export { VonageSimulator } from '../simulators/vonage-simulator.js';
export type { VonageSimulatorOptions } from '../simulators/vonage-simulator.js';
