import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

const known = { apiKey: true, sender: true, cooldownSeconds: true };

describe('the name of an option', () => {
  it.each([
    ['cooldownSecond', 'cooldownSeconds'],
    ['coolDownSeconds', 'cooldownSeconds'],
    ['coldwonSeconds', 'cooldownSeconds'],
    ['apikey', 'apiKey'],
    ['senders', 'sender'],
  ])('%s is refused, and %s proposed', (name, meant) => {
    expect(() => refuseUnknownOptions({ sender: 'Acme', [name]: undefined }, known)).toThrow(
      new OtpConfigError(`Unknown option "${name}": did you mean "${meant}"?`),
    );
  });

  it('that is near to none is refused with all that there are, by the group they belong to', () => {
    expect(() => refuseUnknownOptions({ colour: 'red' }, known)).toThrow(
      new OtpConfigError('Unknown option "colour": known are apiKey, sender, cooldownSeconds.'),
    );
    expect(() => refuseUnknownOptions({ colour: 'red' }, known, 'vendor')).toThrow(
      new OtpConfigError(
        'Unknown option "vendor.colour": known are vendor.apiKey, vendor.sender, vendor.cooldownSeconds.',
      ),
    );
  });

  it('that is near to none of many is refused without the list', () => {
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`option${n}`, true]));

    expect(() => refuseUnknownOptions({ colour: 'red' }, many)).toThrow(
      new OtpConfigError('Unknown option "colour": none has a name like it.'),
    );
  });

  it.each(['constructor', 'toString', '__proto__'])('%s is unknown, though every object has it', (name) => {
    const given = JSON.parse(`{ "${name}": 1 }`) as object;

    expect(() => refuseUnknownOptions(given, known)).toThrow(`Unknown option "${name}"`);
  });

  it.each([undefined, null, 'a text', 7])('is asked of objects alone: %j has none', (given) => {
    expect(() => refuseUnknownOptions(given, known)).not.toThrow();
  });
});
