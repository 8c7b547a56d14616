/** The module's settings, as the ready-made routes get them. */
export const HTTP_SETTINGS = Symbol('nestjs-phone-otp http settings');
export const ROUTES_OPTIONS = Symbol('nestjs-phone-otp routes');
export const THROTTLER_OPTIONS = Symbol('nestjs-phone-otp throttler options');
export const THROTTLER_STORAGE = Symbol('nestjs-phone-otp throttler storage');
