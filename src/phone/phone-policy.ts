import { isSupportedCountry, type PhoneNumberType } from 'libphonenumber-js/max';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import { parsePhone, type PhoneNumber, type Region } from './phone-number.js';

/** Line types that can be mobile. In some regions, such as `US`, the number does not reveal whether a line is mobile. */
export const LINE_TYPES = ['MOBILE', 'FIXED_LINE_OR_MOBILE'] as const satisfies readonly PhoneNumberType[];

export type LineType = (typeof LINE_TYPES)[number];

export interface PhonePolicyOptions {
  /**
   * The regions whose numbers are served; at least one. Regions, not calling codes: `CA` does not include `US`. If the numbers of
   * a territory cannot be distinguished from those of a larger neighbour, list the neighbour: `FI` for `AX`, `GP` for `BL` and
   * `MF`, `MA` for `EH`. Each further region increases the exposure to SMS pumping.
   */
  regions: readonly Region[];
  /** Region of numbers typed without a calling code. One of `regions`. @defaultValue the first of `regions` */
  defaultRegion?: Region;
  /** Served line types. You can only narrow the default. @defaultValue both of {@link LINE_TYPES} */
  lineTypes?: readonly LineType[];
}

/** Decides which phone numbers are served. Numbers that are not explicitly allowed are rejected. */
export class PhonePolicy {
  readonly #regions: ReadonlySet<unknown>;
  readonly #lineTypes: ReadonlySet<unknown>;
  readonly #defaultRegion: Region;

  /** @throws {@link OtpConfigError} that names the option and the remedy */
  constructor({ regions, defaultRegion = regions?.[0], lineTypes = LINE_TYPES }: PhonePolicyOptions) {
    requireEach('regions', regions, isRegion, 'uppercase ISO 3166-1 codes, such as ["SA"]');
    requireEach('lineTypes', lineTypes, isLineType, `one or both of ${LINE_TYPES.join(', ')}, or omit the option`);
    if (defaultRegion === undefined || !regions.includes(defaultRegion))
      throw new OtpConfigError('"defaultRegion" is not in "regions": add it there, or use one of "regions".');

    this.#regions = new Set(regions);
    this.#lineTypes = new Set(lineTypes);
    this.#defaultRegion = defaultRegion;
  }

  /**
   * Parses a phone number and checks that it is served.
   *
   * @throws {@link OtpError} `phone_invalid` for input that is not a phone number · `phone_not_supported`, always with the same
   * message, for a number of another region, a number without a region (satellite, international services), or a line that is
   * not mobile
   */
  accept(input: unknown): PhoneNumber {
    const { e164, region, lineType } = parsePhone(input, this.#defaultRegion);
    if (!region || !this.#regions.has(region) || !this.#lineTypes.has(lineType))
      throw new OtpError(
        'phone_not_supported',
        'Codes cannot be sent to this phone number. Use another mobile number.',
      );
    return { e164, region };
  }
}

const isRegion = (value: unknown) => typeof value === 'string' && isSupportedCountry(value);
const isLineType = (value: unknown) => LINE_TYPES.some((type) => type === value);

function requireEach(option: string, values: unknown, isKnown: (value: unknown) => boolean, remedy: string): void {
  if (!Array.isArray(values) || values.length === 0)
    throw new OtpConfigError(`"${option}" must be an array with at least one entry: use ${remedy}.`);
  const unknown = values.findIndex((value) => !isKnown(value));
  if (unknown >= 0) throw new OtpConfigError(`"${option}[${unknown}]" is unknown: in "${option}", use ${remedy}.`);
}
