export { LamahOtp } from './lamah-otp.js';
export type { LamahOtpOptions } from './lamah-otp.js';
