import { field, readJson } from './safe-json.js';

describe('readJson', () => {
  it.each([
    ['{"a":[1,-2,"3",true,null]}', { a: [1, -2, '3', true, null] }],
    ['{"a":1.0e1}', { a: '1.0e1' }],
    ['{"a":10.0}', { a: '10.0' }],
    ['{"cost":77.50}', { cost: '77.50' }],
    ['{"id":453166532802459832}', { id: '453166532802459832' }],
    ['{"a":"1.0e1 \\" 2.5","b":"\\\\"}', { a: '1.0e1 " 2.5', b: '\\' }],
  ])('parses %s without rounding', (text, expected) => {
    expect(readJson(text)).toEqual(expected);
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a":01}',
    '{"a":1.}',
    '[1-2]',
    "{'a':1}",
    '{"a":1}}',
    '{"a":NaN}',
    '{"a":1,}',
    '<html>',
    '\u0000',
    '{"a":1} 10',
  ])('rejects %j', (text) => {
    expect(readJson(text)).toBeUndefined();
  });

  it('rejects 64 KiB of open brackets without throwing', () => {
    expect(readJson('['.repeat(65_536))).toBeUndefined();
  });
});

describe('field', () => {
  it('finds a value by its path', () => {
    expect(field({ Data: { result: 5 } }, 'Data', 'result')).toBe(5);
  });

  it.each([
    ['a missing property', {}],
    ['null along the path', { Data: null }],
    ['null at the end', { Data: { result: null } }],
    ['an array', [{ result: 5 }]],
    ['a string', 'Data'],
    ['undefined', undefined],
  ])('finds nothing in %s', (_, value) => {
    expect(field(value, 'Data', 'result')).toBeUndefined();
  });

  it('SEC-60: reads own properties only', () => {
    const polluted = Object.prototype as { result?: number };
    polluted.result = 10;
    try {
      expect(field(readJson('{}'), 'result')).toBeUndefined();
      expect(field(readJson('{"__proto__":{"result":10}}'), 'result')).toBeUndefined();
      expect(field([], 'length')).toBeUndefined();
      expect(field({}, 'constructor', 'name')).toBeUndefined();
    } finally {
      delete polluted.result;
    }
  });
});
