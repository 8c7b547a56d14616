/** The ready-made routes. */
export interface OtpRoutesOptions {
  /** Path under which `start`, `resend` and `verify` are mounted, such as `otp`. */
  prefix: string;
  /**
   * Reads the device key that the host keeps in a `__Host-` cookie: 16 to 256 random characters, or undefined.
   * @defaultValue no device is known
   */
  deviceKey?: (request: unknown) => string | undefined;
}
