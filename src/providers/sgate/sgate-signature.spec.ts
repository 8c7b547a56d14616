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

describe('what SGate signs', () => {
  it.each([
    ['the sample of its signature rules', LIST, '8a5908e27626d79d73dc14bd9ba00e72'],
    ['a send', SEND, '0da5fd832ce517befc0dce9df02a7aaf'],
  ])('is the MD5 of one line: %s', (_what, signed, digest) => {
    expect(digestOf(signed)).toBe(digest);
  });

  it('is in the order of the rules, whatever the order of what it is made of', () => {
    const { body, method, url, nonce, timestamp, apiKey } = SEND;

    expect(digestOf({ body, method, url, nonce, timestamp, apiKey })).toBe(digestOf(SEND));
  });

  it('leaves slashes and letters of other scripts as they are', () => {
    const line =
      '{"api_key":"k","timestamp":1,"nonce_str":"n","url":"/a?b=%2B1","method":"POST","body":"{\\"a\\":\\"\\\\/ س/\\"}"}';
    const signed = { apiKey: 'k', timestamp: 1, nonce: 'n', url: '/a?b=%2B1', method: 'POST', body: '{"a":"\\/ س/"}' };

    expect(digestOf(signed as Signed)).toBe(createHash('md5').update(line).digest('hex'));
  });

  describe('with a key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signature = signatureOf(SEND, privateKey);

    it('is an MD5withRSA signature (PKCS #1 v1.5) over the digest as text, in Base64', () => {
      const hash = createHash('md5').update('0da5fd832ce517befc0dce9df02a7aaf').digest('hex');

      const signed = publicDecrypt(publicKey, Buffer.from(signature, 'base64')).toString('hex');
      expect(signed).toBe(`3020300c06082a864886f70d020505000410${hash}`);
      expect(signature).toMatch(/^[A-Za-z0-9+/]{342}==$/);
    });

    it('is recognised, and nothing else is', () => {
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
      for (const spoilt of ['', '=', 'x', signature.slice(4), `AAAA${signature}`]) {
        expect(isSignatureOf(SEND, spoilt, publicKey)).toBe(false);
      }
    });
  });
});
