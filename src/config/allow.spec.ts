import { OtpConfigError } from '../errors/otp.error.js';
import { type AllowRules, resolveAllow } from './allow.js';

const served = ['SA', 'NG'];
const send = { phone: '+966555123456', region: 'SA', address: '198.51.100.7' };
const allows = (rules: AllowRules, more: object = {}) => resolveAllow(rules, served)({ ...send, ...more });

describe('allow rules', () => {
  it.each<[string, AllowRules, object]>([
    ['a region', { regions: ['SA'] }, {}],
    ['a beginning of numbers', { numbers: ['+447', '+96655512'] }, {}],
    ['a whole number', { numbers: ['+966555123456'] }, {}],
    ['a network', { networks: ['198.51.100.0/24'] }, {}],
    ['a single address', { networks: ['198.51.100.7/32'] }, {}],
    [
      'a network of IPv4, for an address written as IPv6',
      { networks: ['198.51.100.0/24'] },
      { address: '::ffff:198.51.100.7' },
    ],
    ['a network of IPv6', { networks: ['2001:db8::/32'] }, { address: '2001:DB8:1::7%eth0' }],
  ])('LIM-10 exempt by %s', (_, rules, more) => {
    expect(allows(rules, more)).toBe(true);
  });

  it.each<[string, AllowRules, object]>([
    ['without rules', {}, {}],
    ['of another region', { regions: ['NG'] }, {}],
    ['of another number', { numbers: ['+96655513', '+9665551234567'] }, {}],
    ['from another network', { networks: ['198.51.101.0/24', '2001:db8::/32'] }, {}],
    ['from nowhere', { networks: ['198.51.100.0/24'] }, { address: undefined }],
    ['from an address that is none', { networks: ['198.51.100.0/24'] }, { address: 'unknown' }],
  ])('LIM-10 exempt no message %s', (_, rules, more) => {
    expect(allows(rules, more)).toBe(false);
  });

  it.each<[string, unknown, string]>([
    ['a region that is not served', { regions: ['GB'] }, '"allow.regions" holds a region that is not in "regions".'],
    ...['966555', '+9', '+96655*', '^.*', '+0555', '+966 555', 5].map((number): [string, unknown, string] => [
      `the number ${number}`,
      { numbers: [number] },
      '"allow.numbers" must hold beginnings of numbers such as "+96655512": "+", then 3 to 15 digits.',
    ]),
    ...['198.51.100.7', '0.0.0.0/0', '::/0', '198.51.100.0/33', '0300.0.0.1/8', '10/8', 'localhost/8', 5].map(
      (network): [string, unknown, string] => [
        `the network ${network}`,
        { networks: [network] },
        '"allow.networks" must hold CIDR blocks of at least one bit, such as "198.51.100.0/24" or "2001:db8::/32".',
      ],
    ),
    ['a text for a list', { regions: 'SA' }, '"allow.regions" must be a list.'],
    ['a slip of the pen', { region: ['SA'] }, 'Unknown option "allow.region": did you mean "allow.regions"?'],
    ['nothing', null, '"allow" must hold regions, numbers or networks.'],
  ])('refuse %s', (_, rules, message) => {
    expect(() => resolveAllow(rules as AllowRules, served)).toThrow(new OtpConfigError(message));
  });
});
