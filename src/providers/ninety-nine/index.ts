export { NinetyNineSms } from './ninety-nine-sms.js';
export type { NinetyNineSmsOptions, NinetyNineVerifyOptions, NinetyNineOptions } from './ninety-nine-options.js';
export { NinetyNineVerify } from './ninety-nine-verify.js';
export type { NinetyNineMessage } from './ninety-nine-account.js';
export type { NinetyNineDelivery, NinetyNineRefusal } from './ninety-nine-answer.js';
