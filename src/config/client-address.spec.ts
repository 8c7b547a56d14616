import { addressBlock } from './client-address.js';

describe('addressBlock', () => {
  it.each([
    ['an IPv4 address', '203.0.113.7', '203.0.113.7'],
    ['an IPv4 address written as IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['the lowest address of a /64', '2001:db8:1:2::', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['a link-local address with its interface', 'fe80::1%eth0', 'fe80::2'],
    ['capitals', '2001:DB8:1:2::1', '2001:db8:1:2::1'],
  ])('LIM-07 counts %s together with its neighbours', (_, address, other) => {
    expect(addressBlock(address)).toBe(addressBlock(other));
  });

  it.each([
    ['two IPv4 addresses', '203.0.113.7', '203.0.113.8'],
    ['two /64', '2001:db8:1:2::1', '2001:db8:1:3::1'],
  ])('LIM-07 counts %s apart', (_, address, other) => {
    expect(addressBlock(address)).not.toBe(addressBlock(other));
  });

  it.each(['', 'unknown', 'a'.repeat(64), '203.0.113.7, 198.51.100.1'])(
    'LIM-07 gives %j no block of its own',
    (junk) => {
      expect(addressBlock(junk)).toBe('unknown');
    },
  );
});
