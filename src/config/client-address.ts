import ipaddr from 'ipaddr.js';

export type ClientAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** @returns undefined for what is no address */
export function readAddress(address: string): ClientAddress | undefined {
  const plain = address.split('%', 1)[0]!; // a link-local address may carry its interface
  return ipaddr.isValid(plain) ? ipaddr.process(plain) : undefined; // reads an IPv4-mapped address as IPv4
}

/** What counts as one client address: an IPv4 address, or the /64 that one IPv6 subscriber owns. Anything else shares one block. */
export function addressBlock(address: string): string {
  const read = readAddress(address);
  if (!read) return 'unknown';
  return read instanceof ipaddr.IPv6 ? read.parts.slice(0, 4).join(':') : read.toString();
}

/** The network around a client address, for people to read: without the last byte of IPv4, or all after the /48 of IPv6. */
export function maskAddress(address: string): string {
  const read = readAddress(address);
  if (!read) return 'unknown';
  const [kind, bits] = read instanceof ipaddr.IPv6 ? [ipaddr.IPv6, 48] : [ipaddr.IPv4, 24];
  return `${kind.networkAddressFromCIDR(`${read.toString()}/${bits}`).toString()}/${bits}`;
}
