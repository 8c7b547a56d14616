import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** What the share of verified messages is measured for. */
export type MinimumConversionScope = 'prefix' | 'address' | 'region' | 'provider';

/**
 * `report`: emit `otp.conversion_low` and send the message. `enforce`: emit the event and block strangers for an hour.
 * `off`: do not measure.
 */
export type MinimumConversionMode = 'off' | 'report' | 'enforce';

const MODES: readonly MinimumConversionMode[] = ['off', 'report', 'enforce'];

/** A mode for each scope, see `OtpOptions.minimumConversion`. */
export type MinimumConversion = { readonly [S in MinimumConversionScope]?: MinimumConversionMode };

/** As few as 20 starts can block an enforced scope. That is acceptable for a prefix, but not for a country or a vendor. */
const DEFAULTS: Required<MinimumConversion> = {
  prefix: 'enforce',
  address: 'report',
  region: 'report',
  provider: 'report',
};

/** @throws {@link OtpConfigError} */
export function resolveMinimumConversion(modes: MinimumConversion = {}): Required<MinimumConversion> {
  refuseUnknownOptions(modes, DEFAULTS, 'minimumConversion');
  for (const [scope, mode] of Object.entries(modes)) {
    if (!MODES.includes(mode)) {
      throw new OtpConfigError(`"minimumConversion.${scope}" must be one of ${MODES.join(', ')}.`);
    }
  }
  return { ...DEFAULTS, ...modes };
}
