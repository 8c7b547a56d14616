export { CapturingProvider } from './capturing-provider.js';
export type { CapturedMessage } from './capturing-provider.js';
export { postgresFor, startPostgres } from './postgres.mjs';
