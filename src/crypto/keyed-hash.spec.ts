import { frame, KeyedHash } from './keyed-hash.js';

const pepper = (id: string, fill: string) => ({ id, secret: Buffer.from(fill.repeat(4)) });

describe('frame', () => {
  it('never returns the same bytes for two different lists', () => {
    expect(frame(['ab', 'c'])).not.toEqual(frame(['a', 'bc']));
    expect(frame(['ab'])).not.toEqual(frame(['ab', '']));
  });
});

describe('KeyedHash', () => {
  const old = pepper('9', 'old-pepper');
  const fresh = pepper('10', 'new-pepper');

  it('SEC-66 hashes with the oldest pepper, regardless of the position of the new one', () => {
    const before = new KeyedHash([old]).of('phone', '+966512345678');

    expect(new KeyedHash([old, fresh]).of('phone', '+966512345678')).toEqual(before);
    expect(new KeyedHash([fresh, old]).of('phone', '+966512345678')).toEqual(before);
  });

  it('returns different hashes under different peppers, also for phone numbers in the audit', () => {
    const [one, other] = [new KeyedHash([old]), new KeyedHash([fresh])];

    expect(one.of('phone', '+966512345678')).not.toEqual(other.of('phone', '+966512345678'));
    expect(one.ofPhone('+966512345678')).not.toEqual(other.ofPhone('+966512345678'));
  });
});
