import { formatHandle, handleHash, newHandle, parseHandle } from './handle.js';

describe('a handle', () => {
  it('LIM-17 carries 128 random bits and survives being written and read', () => {
    const handle = newHandle();

    const read = parseHandle(formatHandle(handle));

    expect(handle.secret).toHaveLength(16);
    expect(read).toEqual(handle);
    expect(handleHash(read!)).toEqual(handleHash(handle));
    expect(newHandle().secret).not.toEqual(handle.secret);
  });

  const { id, secret } = newHandle();
  const half = secret.toString('base64url');
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['nothing', ''],
    ['a number', 7],
    ['a list', [`${id}.${half}`]],
    ['an object that prints as one', { toString: () => `${id}.${half}` }],
    ['the id alone', id],
    ['no id', `.${half}`],
    ['a short secret', `${id}.${half.slice(1)}`],
    ['a long secret', `${id}.${half}A`],
    ['a second line', `${id}.${half}\n`],
    ['capitals in the id', `${id.toUpperCase()}.${half}`],
    ['another alphabet', `${id}.${'+'.repeat(22)}`],
  ])('SEC-57 is not read from %s', (_, input) => {
    expect(parseHandle(input)).toBeUndefined();
  });
});
