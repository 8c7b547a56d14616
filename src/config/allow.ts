import ipaddr from 'ipaddr.js';

import { type OptionNames, refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';
import { type ClientAddress, readAddress } from './client-address.js';

/** Exemptions from the limits against SMS pumping. A message that matches any entry is exempt. */
export interface AllowRules {
  /** Regions as ISO 3166-1 alpha-2. Each must also be in the option `regions`. */
  readonly regions?: readonly string[];
  /** Prefixes of E.164 numbers, such as `+96655512`, or complete numbers: `+`, then 3 to 15 digits. */
  readonly numbers?: readonly string[];
  /** Client addresses as CIDR blocks, such as `198.51.100.0/24`. */
  readonly networks?: readonly string[];
}

const RULES = { regions: true, numbers: true, networks: true } satisfies OptionNames<AllowRules>;

/** Whether a message to this phone, requested from this address, is exempt. */
export type IsAllowed = (send: { phone: string; region: string; address?: string | undefined }) => boolean;

/**
 * Validates the option `allow`. Prefixes are compared as text, not as patterns, so a configured value can neither be slow to
 * match nor match more than intended.
 * @throws {@link OtpConfigError}
 */
export function resolveAllow(allow: AllowRules = {}, served: readonly string[]): IsAllowed {
  if (!allow) throw new OtpConfigError('"allow" must be an object with "regions", "numbers" or "networks".');
  refuseUnknownOptions(allow, RULES, 'allow');
  const regions = listOf('regions', allow.regions, (region) => {
    if (served.some((one) => one === region)) return region as string;
    throw new OtpConfigError(
      '"allow.regions" contains a region that is not in "regions": add it there, or remove it here.',
    );
  });
  const numbers = listOf('numbers', allow.numbers, (number) => {
    if (typeof number === 'string' && /^\+[1-9]\d{2,14}$/.test(number)) return number;
    throw new OtpConfigError(
      '"allow.numbers" must contain number prefixes such as "+96655512": "+", then 3 to 15 digits.',
    );
  });
  const networks = listOf('networks', allow.networks, networkOf);
  if (regions.length + numbers.length + networks.length === 0) return () => false;

  return ({ phone, region, address }) =>
    regions.includes(region) || numbers.some((prefix) => phone.startsWith(prefix)) || isWithin(networks, address);
}

type Network = [ClientAddress, bits: number];

function listOf<T>(name: string, list: unknown = [], read: (entry: unknown) => T): T[] {
  if (Array.isArray(list)) return list.map(read);
  throw new OtpConfigError(`"allow.${name}" must be an array.`);
}

function networkOf(text: unknown): Network {
  // The parser also accepts a block of 0 bits, which matches every address, and IPv4 in octal and single-number form.
  if (typeof text === 'string' && /^[\da-f.:]+\/\d{1,3}$/i.test(text) && ipaddr.isValidCIDR(text)) {
    const [network, bits] = ipaddr.parseCIDR(text);
    const isPlain = network.kind() === 'ipv6' || ipaddr.IPv4.isValidFourPartDecimal(text.split('/')[0]!);
    if (bits > 0 && isPlain) return [network, bits];
  }
  throw new OtpConfigError(
    '"allow.networks" must contain CIDR blocks of at least one bit, such as "198.51.100.0/24" or "2001:db8::/32".',
  );
}

function isWithin(networks: readonly Network[], address: string | undefined): boolean {
  const read = networks.length === 0 || address === undefined ? undefined : readAddress(address);
  return read !== undefined && networks.some((network) => network[0].kind() === read.kind() && read.match(network));
}
