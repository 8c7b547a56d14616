import { isSupportedCountry, type PhoneNumberType } from 'libphonenumber-js/max';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import { parsePhone, type PhoneNumber, type Region } from './phone-number.js';

/** The kinds of line that reach a person's mobile. In some regions, such as `US`, numbers do not tell which it is. */
export const LINE_TYPES = ['MOBILE', 'FIXED_LINE_OR_MOBILE'] as const satisfies readonly PhoneNumberType[];

export type LineType = (typeof LINE_TYPES)[number];

export interface PhonePolicyOptions {
  /**
   * The only regions whose numbers are served; at least one. Regions, not calling codes: `CA` does not open `US`.
   * A territory whose numbers cannot be told from a larger neighbour's counts as the neighbour: list `FI` for `AX`,
   * `GP` for `BL` and `MF`, `MA` for `EH`. A longer list is a larger surface for SMS pumping.
   */
  regions: readonly Region[];
  /** Whose numbers may be typed without a calling code. One of `regions`. @defaultValue the first of `regions` */
  defaultRegion?: Region;
  /** Which kinds of line are served. It can only be narrowed. @defaultValue both of {@link LINE_TYPES} */
  lineTypes?: readonly LineType[];
}

/** Decides which phone numbers are served. Whatever is not allowed by name is refused. */
export class PhonePolicy {
  readonly #regions: ReadonlySet<unknown>;
  readonly #lineTypes: ReadonlySet<unknown>;
  readonly #defaultRegion: Region;

  /** @throws {OtpConfigError} that names the option and the remedy */
  constructor({ regions, defaultRegion = regions?.[0], lineTypes = LINE_TYPES }: PhonePolicyOptions) {
    requireEach('regions', regions, isRegion, 'ISO 3166-1 codes in capitals, such as ["SA"]');
    requireEach('lineTypes', lineTypes, isLineType, `some of ${LINE_TYPES.join(', ')}, or leave the option out`);
    if (defaultRegion === undefined || !regions.includes(defaultRegion))
      throw new OtpConfigError('"defaultRegion" is not in "regions": add it there, or choose one of them.');

    this.#regions = new Set(regions);
    this.#lineTypes = new Set(lineTypes);
    this.#defaultRegion = defaultRegion;
  }

  /**
   * Reads a phone number and checks that it is served.
   *
   * @throws {OtpError} `phone_invalid` for a text that is no phone number; `phone_not_supported`, always with the same
   * message, for a number of another region, of no region (satellite, international services), or of a line that is no
   * mobile
   */
  accept(input: unknown): PhoneNumber {
    const { e164, region, lineType } = parsePhone(input, this.#defaultRegion);
    if (!region || !this.#regions.has(region) || !this.#lineTypes.has(lineType))
      throw new OtpError('phone_not_supported', 'Codes are not sent to this phone number: use another mobile number.');
    return { e164, region };
  }
}

const isRegion = (value: unknown) => typeof value === 'string' && isSupportedCountry(value);
const isLineType = (value: unknown) => LINE_TYPES.some((type) => type === value);

function requireEach(option: string, values: unknown, isKnown: (value: unknown) => boolean, remedy: string): void {
  if (!Array.isArray(values) || values.length === 0)
    throw new OtpConfigError(`"${option}" must be a list with at least one entry: give it ${remedy}.`);
  const unknown = values.findIndex((value) => !isKnown(value));
  if (unknown >= 0) throw new OtpConfigError(`"${option}[${unknown}]" is not known: give "${option}" ${remedy}.`);
}
