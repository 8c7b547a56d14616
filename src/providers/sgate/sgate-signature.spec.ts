import { createHash, generateKeyPairSync, publicDecrypt } from 'node:crypto';

import { digestOf, isSignatureOf, type Signed, signatureOf } from './sgate-signature.js';

const LIST: Signed = {
  apiKey: 'xxxxxxxxxxxxxx',
  timestamp: 1686647706,
  nonce: 'TIj5tZ3gM6FbprYlKNR2',
  url: '/openApi/v1/payee/custom/list',
  method: 'GET',
  body: '',
};
const SEND: Signed = {
  ...LIST,
  apiKey: 'demo-key',
  url: '/openApi/v1/otp/sendOtp',
  method: 'POST',
  body: '{"mobile":"512345678","appname":"TestApp"}',
};

describe('SGate signatures', () => {
  it.each([
    ['of the sample in its signature rules', LIST, '8a5908e27626d79d73dc14bd9ba00e72'],
    ['of a send', SEND, '0da5fd832ce517befc0dce9df02a7aaf'],
  ])('computes the digest %s as the MD5 of one line', (_what, signed, digest) => {
    expect(digestOf(signed)).toBe(digest);
  });

  it('orders the keys by the rules, regardless of the input order', () => {
    const { body, method, url, nonce, timestamp, apiKey } = SEND;

    expect(digestOf({ body, method, url, nonce, timestamp, apiKey })).toBe(digestOf(SEND));
  });

  it('leaves slashes and non-Latin letters unescaped', () => {
    const line =
      '{"api_key":"k","timestamp":1,"nonce_str":"n","url":"/a?b=%2B1","method":"POST","body":"{\\"a\\":\\"\\\\/ س/\\"}"}';
    const signed = { apiKey: 'k', timestamp: 1, nonce: 'n', url: '/a?b=%2B1', method: 'POST', body: '{"a":"\\/ س/"}' };

    expect(digestOf(signed as Signed)).toBe(createHash('md5').update(line).digest('hex'));
  });

  describe('with a key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signature = signatureOf(SEND, privateKey);

    it('signs the digest as text by MD5withRSA (PKCS #1 v1.5), in Base64', () => {
      const hash = createHash('md5').update('0da5fd832ce517befc0dce9df02a7aaf').digest('hex');

      const signed = publicDecrypt(publicKey, Buffer.from(signature, 'base64')).toString('hex');
      expect(signed).toBe(`3020300c06082a864886f70d020505000410${hash}`);
      expect(signature).toMatch(/^[A-Za-z0-9+/]{342}==$/);
    });

    it('accepts a genuine signature and rejects any change', () => {
      expect(isSignatureOf(SEND, signature, publicKey)).toBe(true);

      const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
      expect(isSignatureOf(SEND, signature, other.publicKey)).toBe(false);
      const differences: Partial<Signed>[] = [
        { apiKey: 'x' },
        { timestamp: 1686647707 },
        { nonce: 'x' },
        { url: '/openApi/v1/otp/checkOtp' },
        { method: 'GET' },
        { body: `${SEND.body} ` },
      ];
      for (const difference of differences) {
        expect(isSignatureOf({ ...SEND, ...difference }, signature, publicKey)).toBe(false);
      }
      for (const changed of ['', '=', 'x', signature.slice(4), `AAAA${signature}`]) {
        expect(isSignatureOf(SEND, changed, publicKey)).toBe(false);
      }
    });
  });
});
