export { VonageVerify } from './vonage-verify.js';
export type { VonageVerifyOptions } from './vonage-verify.js';
