import { FAULT_NAMES, faultByName } from './fault-by-name.js';

describe('faultByName', () => {
  it.each([
    ['hang', { kind: 'hang' }],
    ['stall', { kind: 'stall' }],
    ['duplicate', { kind: 'duplicate' }],
    ['delay:5000', { kind: 'delay', ms: 5000 }],
    ['delay:0', { kind: 'delay', ms: 0 }],
    ['drip:20', { kind: 'drip', everyMs: 20 }],
    ['status:503', { kind: 'status', status: 503 }],
    ['redirect:https://example.com/a?b', { kind: 'redirect', to: 'https://example.com/a?b' }],
  ])('reads %s', (name, fault) => {
    expect(faultByName(name)).toEqual(fault);
  });

  it.each([
    '',
    'fire',
    'hang:1',
    'delay',
    'delay:',
    'delay:-1',
    'delay:1e3',
    'drip:0',
    'status:99',
    'status:600',
    'redirect:here',
    'answer:x',
  ])('rejects "%s"', (name) => {
    expect(faultByName(name)).toBeUndefined();
  });

  it('accepts every name in its list', () => {
    const examples = { '<ms>': '10', '<code>': '503', '<url>': 'http://127.0.0.1/' } as const;
    const names = FAULT_NAMES.split(', ').map((name) =>
      name.replace(/<\w+>/, (figure) => examples[figure as keyof typeof examples]),
    );

    expect(names.map((name) => [name, faultByName(name)?.kind])).toEqual(
      names.map((name) => [name, name.split(':')[0]]),
    );
  });
});
