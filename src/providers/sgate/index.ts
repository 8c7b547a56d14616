export { SgateOtp } from './sgate-otp.js';
export type { SgateOtpOptions } from './sgate-otp.js';
export type { SgateDelivery } from './sgate-answer.js';
