import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

const known = { apiKey: true, sender: true, cooldownSeconds: true };

describe('refuseUnknownOptions', () => {
  it.each([
    ['cooldownSecond', 'cooldownSeconds'],
    ['coolDownSeconds', 'cooldownSeconds'],
    ['coldwonSeconds', 'cooldownSeconds'],
    ['apikey', 'apiKey'],
    ['senders', 'sender'],
  ])('rejects %s and suggests %s', (name, suggestion) => {
    expect(() => refuseUnknownOptions({ sender: 'Acme', [name]: undefined }, known)).toThrow(
      new OtpConfigError(`Unknown option "${name}". Did you mean "${suggestion}"?`),
    );
  });

  it('lists all known options of the group if none has a similar name', () => {
    expect(() => refuseUnknownOptions({ colour: 'red' }, known)).toThrow(
      new OtpConfigError('Unknown option "colour". Known options: apiKey, sender, cooldownSeconds.'),
    );
    expect(() => refuseUnknownOptions({ colour: 'red' }, known, 'vendor')).toThrow(
      new OtpConfigError(
        'Unknown option "vendor.colour". Known options: vendor.apiKey, vendor.sender, vendor.cooldownSeconds.',
      ),
    );
  });

  it('does not list more than 20 known options', () => {
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`option${n}`, true]));

    expect(() => refuseUnknownOptions({ colour: 'red' }, many)).toThrow(
      new OtpConfigError('Unknown option "colour". No option has a similar name.'),
    );
  });

  it.each(['constructor', 'toString', '__proto__'])('rejects %s, which every object inherits', (name) => {
    const given = JSON.parse(`{ "${name}": 1 }`) as object;

    expect(() => refuseUnknownOptions(given, known)).toThrow(`Unknown option "${name}"`);
  });

  it.each([undefined, null, 'a text', 7])('ignores %j, which is not an object', (given) => {
    expect(() => refuseUnknownOptions(given, known)).not.toThrow();
  });
});
