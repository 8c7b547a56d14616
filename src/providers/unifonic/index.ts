export { UnifonicAuthenticate } from './unifonic-authenticate.js';
export type { UnifonicAuthenticateOptions, UnifonicSmsOptions } from './unifonic-options.js';
export { UnifonicSms } from './unifonic-sms.js';
