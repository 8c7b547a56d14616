import { drawBytes } from './random.js';

describe('drawBytes', () => {
  it('never returns the same bytes twice across many refills', () => {
    const drawn = Array.from({ length: 2000 }, () => drawBytes(16).toString('hex'));

    expect(new Set(drawn).size).toBe(2000);
    expect(drawn.every((bytes) => bytes.length === 32 && !/^0+$/.test(bytes))).toBe(true);
  });

  it('returns bytes that later draws do not change', () => {
    const first = drawBytes(16);
    const before = first.toString('hex');
    for (let draw = 0; draw < 1000; draw++) drawBytes(16).fill(7);

    expect(first.toString('hex')).toBe(before);
  });
});
