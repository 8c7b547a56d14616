export { TwilioSms } from './twilio-sms.js';
export type { TwilioSmsOptions, TwilioVerifyOptions, TwilioOptions } from './twilio-options.js';
export { TwilioVerify } from './twilio-verify.js';
