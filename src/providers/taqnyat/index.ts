export { TaqnyatSms } from './taqnyat-sms.js';
export type { TaqnyatSmsOptions } from './taqnyat-sms.js';
export { TaqnyatVerify } from './taqnyat-verify.js';
export type { TaqnyatVerifyOptions } from './taqnyat-verify.js';
