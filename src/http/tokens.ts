/** Injection token of the module's settings, for the ready-made routes. */
export const SETTINGS = Symbol('nestjs-phone-otp settings');
