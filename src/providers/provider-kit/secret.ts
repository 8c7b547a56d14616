import { inspect } from 'node:util';

import { OtpConfigError } from '../../errors/otp.error.js';

/** What stands in place of a secret wherever something is shown. */
export const REDACTED = '[secret]';

/**
 * A key or a typed code on its way to the vendor. Printed, inspected, or turned into JSON it shows `[secret]`:
 * only `expose()` gives it away, and only what sends or signs a request calls that.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /**
   * A key from the host's configuration, fit for a header.
   * @throws {@link OtpConfigError} naming `option`: a key with a line break would be quoted in the error `fetch` throws.
   */
  static key(value: unknown, option: string): Secret {
    if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return new Secret(value);
    throw new OtpConfigError(
      `"${option}" must be a key of visible ASCII characters: it is empty, or holds a space or a line break. ` +
        'Copy it again from the vendor, and check the environment variable it comes from.',
    );
  }

  expose(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
