import { CodeMac, drawCode } from './code.js';
import { newHandle } from './handle.js';
import { evidence } from '../../test/support/evidence.js';

const DRAWS = 1_000_000;
/** 9 degrees of freedom: chance exceeds 54 once in 50 million, so six positions fail falsely once in 8 million runs. */
const CHI_SQUARED = 54;
/** 5.7 standard deviations of a share of 10 % in a million draws: chance exceeds this once in 80 million. */
const TOLERANCE = 0.0017;

describe('drawCode', () => {
  it('SEC-01 draws each digit at each position with equal probability, including a leading 0', () => {
    const counts = Array.from({ length: 6 }, () => Array<number>(10).fill(0));

    for (let n = 0; n < DRAWS; n++) {
      const code = drawCode(6);
      for (let position = 0; position < 6; position++) counts[position]![code.charCodeAt(position) - 48]!++;
    }

    expect(Math.abs(counts[0]![0]! / DRAWS - 0.1)).toBeLessThan(TOLERANCE);
    for (const digits of counts) expect(chiSquared(digits)).toBeLessThan(CHI_SQUARED);
    evidence('SEC-01', { codes: DRAWS, placesEven: counts.length });
  });

  it('SEC-01 does not draw from Math.random', () => {
    const { random } = Math;
    Math.random = () => 0.5;
    try {
      // Twenty equal draws out of a million values are practically impossible.
      expect(new Set(Array.from({ length: 20 }, () => drawCode(6))).size).toBeGreaterThan(1);
    } finally {
      Math.random = random;
    }
  });

  it.each([6, 7, 8])('SEC-02 returns a string of exactly %i digits', (length) => {
    for (let n = 0; n < 1000; n++) expect(drawCode(length)).toMatch(new RegExp(`^[0-9]{${length}}$`));
  });
});

describe('CodeMac', () => {
  const old = { id: '1', secret: Buffer.from('the-old-pepper-of-at-least-32-bytes') };
  const fresh = { id: '2', secret: Buffer.from('the-new-pepper-of-at-least-32-bytes') };
  const binding = { ...newHandle(), purpose: 'login' };
  const { mac } = new CodeMac([old]).of(binding, '012345');
  const candidates = (peppers: [typeof old, ...(typeof old)[]], changed: object, code = '012345') =>
    new CodeMac(peppers).candidates({ ...binding, ...changed }, code);

  it('SEC-66 verifies with every pepper and writes with the first', () => {
    expect(candidates([fresh, old], {})).toContainEqual(mac);
    expect(new CodeMac([fresh, old]).of(binding, '012345').keyId).toBe('2');
    expect(candidates([fresh], {})).not.toContainEqual(mac);
  });

  it.each([
    ['code', {}, '012346'],
    ['purpose', { purpose: 'registration' }, '012345'],
    ['challenge', { id: newHandle().id }, '012345'],
    ['secret half', { secret: newHandle().secret }, '012345'],
  ])('SEC-03 binds the MAC to the %s', (_, changed, code) => {
    expect(candidates([old], changed, code)).not.toContainEqual(mac);
  });

  it('SEC-03 binds the MAC to the pepper id, so one secret under two ids gives two MACs', () => {
    expect(candidates([{ ...old, id: '3' }], {})).not.toContainEqual(mac);
  });
});

function chiSquared(counts: number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
