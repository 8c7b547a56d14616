import { OtpConfigError } from '../errors/otp.error.js';
import { type AllowRules, resolveAllow } from './allow.js';

const served = ['SA', 'NG'];
const send = { phone: '+966555123456', region: 'SA', address: '198.51.100.7' };
const allows = (rules: AllowRules, more: object = {}) => resolveAllow(rules, served)({ ...send, ...more });

describe('the option allow', () => {
  it.each<[string, AllowRules, object]>([
    ['a region', { regions: ['SA'] }, {}],
    ['a number prefix', { numbers: ['+447', '+96655512'] }, {}],
    ['a complete number', { numbers: ['+966555123456'] }, {}],
    ['an IPv4 network', { networks: ['198.51.100.0/24'] }, {}],
    ['a single address', { networks: ['198.51.100.7/32'] }, {}],
    [
      'an IPv4 network, for an IPv4-mapped IPv6 address',
      { networks: ['198.51.100.0/24'] },
      { address: '::ffff:198.51.100.7' },
    ],
    ['an IPv6 network', { networks: ['2001:db8::/32'] }, { address: '2001:DB8:1::7%eth0' }],
  ])('exempts a message by %s', (_, rules, more) => {
    expect(allows(rules, more)).toBe(true);
  });

  it.each<[string, AllowRules, object]>([
    ['without rules', {}, {}],
    ['to another region', { regions: ['NG'] }, {}],
    ['to another number', { numbers: ['+96655513', '+9665551234567'] }, {}],
    ['from another network', { networks: ['198.51.101.0/24', '2001:db8::/32'] }, {}],
    ['without an address', { networks: ['198.51.100.0/24'] }, { address: undefined }],
    ['from an invalid address', { networks: ['198.51.100.0/24'] }, { address: 'unknown' }],
  ])('does not exempt a message %s', (_, rules, more) => {
    expect(allows(rules, more)).toBe(false);
  });

  it.each<[string, unknown, string]>([
    [
      'a region that is not served',
      { regions: ['GB'] },
      '"allow.regions" contains a region that is not in "regions": add it there, or remove it here.',
    ],
    ...['966555', '+9', '+96655*', '^.*', '+0555', '+966 555', 5].map((number): [string, unknown, string] => [
      `the number ${number}`,
      { numbers: [number] },
      '"allow.numbers" must contain number prefixes such as "+96655512": "+", then 3 to 15 digits.',
    ]),
    ...['198.51.100.7', '0.0.0.0/0', '::/0', '198.51.100.0/33', '0300.0.0.1/8', '10/8', 'localhost/8', 5].map(
      (network): [string, unknown, string] => [
        `the network ${network}`,
        { networks: [network] },
        '"allow.networks" must contain CIDR blocks of at least one bit, such as "198.51.100.0/24" or "2001:db8::/32".',
      ],
    ),
    ['a string instead of an array', { regions: 'SA' }, '"allow.regions" must be an array.'],
    ['a misspelt name', { region: ['SA'] }, 'Unknown option "allow.region". Did you mean "allow.regions"?'],
    ['null', null, '"allow" must be an object with "regions", "numbers" or "networks".'],
  ])('rejects %s', (_, rules, message) => {
    expect(() => resolveAllow(rules as AllowRules, served)).toThrow(new OtpConfigError(message));
  });
});
