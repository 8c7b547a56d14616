import { inspect } from 'node:util';

import { OtpConfigError } from '../../errors/otp.error.js';

/** Replaces a secret wherever something is displayed. */
export const REDACTED = '[secret]';

/**
 * A key or a typed code for the vendor. Printed, inspected or serialized as JSON it shows `[secret]`. Only `expose()`
 * returns the value; only code that sends or signs requests calls it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /**
   * Validates a key from the host's configuration for use in a header.
   * @throws {@link OtpConfigError} that names `option`: for a key with a line break, `fetch` would throw an error that quotes it.
   */
  static key(value: unknown, option: string): Secret {
    if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return new Secret(value);
    throw new OtpConfigError(
      `"${option}" must be a key of visible ASCII characters: it is empty, or contains a space or a line break. ` +
        'Copy it again from the vendor, and check the environment variable it comes from.',
    );
  }

  /** The value in plain text. */
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
