export { CapturingProvider } from './capturing-provider.js';
export type { CapturedMessage } from './capturing-provider.js';
export { postgresFor, startPostgres } from './postgres.mjs';
export { VendorSimulator } from './simulators/simulator.js';
export type { SimulatedMessage, SimulatedRequest, VendorReaction } from './simulators/simulator.js';
export type { SimulatedAnswer, SimulatedFault } from './simulators/faults.js';
export { TaqnyatSimulator } from './simulators/taqnyat-simulator.js';
export type { TaqnyatSimulatorOptions } from './simulators/taqnyat-simulator.js';
