import { addressBlock } from './client-address.js';

describe('addressBlock', () => {
  it.each([
    ['an IPv4 address', '203.0.113.7', '203.0.113.7'],
    ['an IPv4-mapped IPv6 address', '::ffff:203.0.113.7', '203.0.113.7'],
    ['the lowest address of a /64', '2001:db8:1:2::', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['a link-local address with an interface', 'fe80::1%eth0', 'fe80::2'],
    ['an uppercase address', '2001:DB8:1:2::1', '2001:db8:1:2::1'],
  ])('puts %s into the same block as its equivalents', (_, address, other) => {
    expect(addressBlock(address)).toBe(addressBlock(other));
  });

  it.each([
    ['two IPv4 addresses', '203.0.113.7', '203.0.113.8'],
    ['two /64 networks', '2001:db8:1:2::1', '2001:db8:1:3::1'],
  ])('puts %s into different blocks', (_, address, other) => {
    expect(addressBlock(address)).not.toBe(addressBlock(other));
  });

  it.each(['', 'unknown', 'a'.repeat(64), '203.0.113.7, 198.51.100.1'])(
    'puts the invalid address %j into the shared block "unknown"',
    (junk) => {
      expect(addressBlock(junk)).toBe('unknown');
    },
  );
});
