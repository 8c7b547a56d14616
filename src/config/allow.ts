import ipaddr from 'ipaddr.js';

import { type OptionNames, refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';
import { type ClientAddress, readAddress } from './client-address.js';

/** Who is exempt from the limits that stand against pumping. Each entry is enough by itself. */
export interface AllowRules {
  /** ISO 3166-1 alpha-2, each also in `regions`. */
  readonly regions?: readonly string[];
  /** Beginnings of numbers in E.164, such as `+96655512`, or whole numbers: `+`, then 3 to 15 digits. */
  readonly numbers?: readonly string[];
  /** Client addresses as CIDR blocks, such as `198.51.100.0/24`. */
  readonly networks?: readonly string[];
}

const RULES = { regions: true, numbers: true, networks: true } satisfies OptionNames<AllowRules>;

/** Says whether a message to this phone, asked for from this address, is exempt. */
export type IsAllowed = (send: { phone: string; region: string; address?: string | undefined }) => boolean;

/**
 * Beginnings are compared, not matched: a pattern of the configuration can then neither be slow nor mean too much.
 * @throws {@link OtpConfigError}
 */
export function resolveAllow(allow: AllowRules = {}, served: readonly string[]): IsAllowed {
  if (!allow) throw new OtpConfigError('"allow" must hold regions, numbers or networks.');
  refuseUnknownOptions(allow, RULES, 'allow');
  const regions = listOf('regions', allow.regions, (region) => {
    if (served.some((one) => one === region)) return region as string;
    throw new OtpConfigError('"allow.regions" holds a region that is not in "regions".');
  });
  const numbers = listOf('numbers', allow.numbers, (number) => {
    if (typeof number === 'string' && /^\+[1-9]\d{2,14}$/.test(number)) return number;
    throw new OtpConfigError(
      '"allow.numbers" must hold beginnings of numbers such as "+96655512": "+", then 3 to 15 digits.',
    );
  });
  const networks = listOf('networks', allow.networks, networkOf);
  if (regions.length + numbers.length + networks.length === 0) return () => false;

  return ({ phone, region, address }) =>
    regions.includes(region) || numbers.some((start) => phone.startsWith(start)) || isWithin(networks, address);
}

type Network = [ClientAddress, bits: number];

function listOf<T>(name: string, list: unknown = [], read: (entry: unknown) => T): T[] {
  if (Array.isArray(list)) return list.map(read);
  throw new OtpConfigError(`"allow.${name}" must be a list.`);
}

function networkOf(text: unknown): Network {
  // The parser itself reads a block of 0 bits, which is everybody, and IPv4 in its octal and one-number forms.
  if (typeof text === 'string' && /^[\da-f.:]+\/\d{1,3}$/i.test(text) && ipaddr.isValidCIDR(text)) {
    const [network, bits] = ipaddr.parseCIDR(text);
    const isPlain = network.kind() === 'ipv6' || ipaddr.IPv4.isValidFourPartDecimal(text.split('/')[0]!);
    if (bits > 0 && isPlain) return [network, bits];
  }
  throw new OtpConfigError(
    '"allow.networks" must hold CIDR blocks of at least one bit, such as "198.51.100.0/24" or "2001:db8::/32".',
  );
}

function isWithin(networks: readonly Network[], address: string | undefined): boolean {
  const read = networks.length === 0 || address === undefined ? undefined : readAddress(address);
  return read !== undefined && networks.some((network) => network[0].kind() === read.kind() && read.match(network));
}
