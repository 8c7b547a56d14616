import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** Whose share of verified messages is measured. */
export type MinimumConversionScope = 'prefix' | 'address' | 'region' | 'provider';

/** `report`: raise `otp.conversion_low` and send the message. `enforce`: raise it and refuse strangers for an hour. */
export type MinimumConversionMode = 'off' | 'report' | 'enforce';

const MODES: readonly MinimumConversionMode[] = ['off', 'report', 'enforce'];

/** A mode for each scope, see `OtpOptions.minimumConversion`. */
export type MinimumConversion = { readonly [S in MinimumConversionScope]?: MinimumConversionMode };

/** Twenty starts by one attacker close an enforced scope: acceptable for a prefix, not for a country or a vendor. */
const DEFAULTS: Required<MinimumConversion> = {
  prefix: 'enforce',
  address: 'report',
  region: 'report',
  provider: 'report',
};

/** @throws {@link OtpConfigError} */
export function resolveMinimumConversion(options: MinimumConversion = {}): Required<MinimumConversion> {
  refuseUnknownOptions(options, DEFAULTS, 'minimumConversion');
  for (const [scope, mode] of Object.entries(options)) {
    if (!MODES.includes(mode)) {
      throw new OtpConfigError(`"minimumConversion.${scope}" must be one of ${MODES.join(', ')}.`);
    }
  }
  return { ...DEFAULTS, ...options };
}
