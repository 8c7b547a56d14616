import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** What the share of verified messages is measured of. */
export type FloorScope = 'prefix' | 'address' | 'region' | 'provider';

/** `record`: tell (`otp.conversion_low`) and let the message pass. `enforce`: tell, and close it to strangers for an hour. */
export type FloorMode = 'off' | 'record' | 'enforce';

const FLOOR_MODES: readonly FloorMode[] = ['off', 'record', 'enforce'];

/** A mode for each scope, see `OtpOptions.conversionFloor`. */
export type ConversionFloor = { readonly [S in FloorScope]?: FloorMode };

/** Twenty starts would close whatever is enforced: a prefix is small enough for that, a country or a vendor is not. */
const DEFAULTS: Required<ConversionFloor> = {
  prefix: 'enforce',
  address: 'record',
  region: 'record',
  provider: 'record',
};

/** @throws {@link OtpConfigError} */
export function resolveConversionFloor(floor: ConversionFloor = {}): Required<ConversionFloor> {
  refuseUnknownOptions(floor, DEFAULTS, 'conversionFloor');
  for (const [scope, mode] of Object.entries(floor)) {
    if (!FLOOR_MODES.includes(mode)) {
      throw new OtpConfigError(`"conversionFloor.${scope}" must be one of ${FLOOR_MODES.join(', ')}.`);
    }
  }
  return { ...DEFAULTS, ...floor };
}
