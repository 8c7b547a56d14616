import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** What the share of verified messages is measured of. */
export type MinimumConversionScope = 'prefix' | 'address' | 'region' | 'provider';

/** `record`: tell (`otp.conversion_low`) and let the message pass. `enforce`: tell, and close it to strangers for an hour. */
export type MinimumConversionMode = 'off' | 'record' | 'enforce';

const FLOOR_MODES: readonly MinimumConversionMode[] = ['off', 'record', 'enforce'];

/** A mode for each scope, see `OtpOptions.minimumConversion`. */
export type MinimumConversion = { readonly [S in MinimumConversionScope]?: MinimumConversionMode };

/** Twenty starts would close whatever is enforced: a prefix is small enough for that, a country or a vendor is not. */
const DEFAULTS: Required<MinimumConversion> = {
  prefix: 'enforce',
  address: 'record',
  region: 'record',
  provider: 'record',
};

/** @throws {@link OtpConfigError} */
export function resolveConversionFloor(floor: MinimumConversion = {}): Required<MinimumConversion> {
  refuseUnknownOptions(floor, DEFAULTS, 'minimumConversion');
  for (const [scope, mode] of Object.entries(floor)) {
    if (!FLOOR_MODES.includes(mode)) {
      throw new OtpConfigError(`"minimumConversion.${scope}" must be one of ${FLOOR_MODES.join(', ')}.`);
    }
  }
  return { ...DEFAULTS, ...floor };
}
