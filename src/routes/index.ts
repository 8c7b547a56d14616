export { OtpRoutesModule } from './otp-routes.module.js';
export type { OtpRoutesOptions } from './otp-routes.options.js';
