import { jest } from '@jest/globals';

const argon2 = await import('@node-rs/argon2');
const verify = jest.fn(argon2.verify);
jest.unstable_mockModule('@node-rs/argon2', () => ({ ...argon2, verify }));
const { hashPassword, passwordFits } = await import('../../demo/bank/passwords/hashing.js');

const COST = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

describe('a password comparison', () => {
  beforeEach(() => verify.mockClear());

  it('SEC-31: costs the same without a stored password, and never matches', async () => {
    const hash = await hashPassword('correct horse battery');

    await expect(passwordFits('correct horse battery', hash)).resolves.toBe(true);
    await expect(passwordFits('wrong horse battery', hash)).resolves.toBe(false);
    await expect(passwordFits('correct horse battery', undefined)).resolves.toBe(false);

    expect(verify.mock.calls.map(([against]) => COST.test(String(against)))).toEqual([true, true, true]);
  });

  it('accepts every Unicode form that a keyboard may produce', async () => {
    const hash = await hashPassword('caf\u00E9 au lait');

    await expect(passwordFits('cafe\u0301 au lait', hash)).resolves.toBe(true);
  });
});
