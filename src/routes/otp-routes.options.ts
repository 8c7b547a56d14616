/** Options of `OtpRoutesModule.register()`. */
export interface OtpRoutesOptions {
  /** Path under which `start`, `resend` and `verify` are mounted, such as `otp`. */
  prefix: string;
  /**
   * Reads the device key, which you keep in a `__Host-` cookie: 16 to 256 random characters, or undefined.
   * @defaultValue every device is unknown
   */
  deviceKey?: (request: unknown) => string | undefined;
}
