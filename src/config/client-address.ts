import ipaddr from 'ipaddr.js';

export type ClientAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** @returns undefined if the text is not an address */
export function readAddress(address: string): ClientAddress | undefined {
  const plain = address.split('%', 1)[0]!; // a link-local address may name its interface
  return ipaddr.isValid(plain) ? ipaddr.process(plain) : undefined; // converts an IPv4-mapped address to IPv4
}

/** Returns the block that counts as one client: an IPv4 address, or the /64 of an IPv6 subscriber. Invalid addresses share one block. */
export function addressBlock(address: string): string {
  const read = readAddress(address);
  if (!read) return 'unknown';
  return read instanceof ipaddr.IPv6 ? read.parts.slice(0, 4).join(':') : read.toString();
}

/** Returns the network of a client address, for logs and events: the /24 of an IPv4 address, or the /48 of an IPv6 address. */
export function maskAddress(address: string): string {
  const read = readAddress(address);
  if (!read) return 'unknown';
  const [kind, bits] = read instanceof ipaddr.IPv6 ? [ipaddr.IPv6, 48] : [ipaddr.IPv4, 24];
  return `${kind.networkAddressFromCIDR(`${read.toString()}/${bits}`).toString()}/${bits}`;
}
