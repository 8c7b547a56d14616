import { formatHandle, handleHash, newHandle, parseHandle } from './handle.js';

describe('parseHandle', () => {
  it('parses a formatted handle, which has 128 random bits', () => {
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
    ['an empty string', ''],
    ['a number', 7],
    ['an array', [`${id}.${half}`]],
    ['an object that stringifies to a handle', { toString: () => `${id}.${half}` }],
    ['the id alone', id],
    ['a handle without an id', `.${half}`],
    ['a handle with a short secret', `${id}.${half.slice(1)}`],
    ['a handle with a long secret', `${id}.${half}A`],
    ['a handle with a trailing line break', `${id}.${half}\n`],
    ['a handle with an uppercase id', `${id.toUpperCase()}.${half}`],
    ['a secret outside the base64url alphabet', `${id}.${'+'.repeat(22)}`],
  ])('SEC-57 returns undefined for %s', (_, input) => {
    expect(parseHandle(input)).toBeUndefined();
  });
});
