import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';

import { OtpConfigError } from '../../errors/otp.error.js';
import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import { Secret } from '../provider-kit/secret.js';

/** The signed parts of a request, and of its response. */
export interface Signed {
  /** The merchant's API key. */
  apiKey: string;
  /** Seconds since 1970. */
  timestamp: number;
  /** Random text, new for each request. */
  nonce: string;
  /** Path and query, without host. */
  url: string;
  method: 'GET' | 'POST';
  /** The body exactly as sent; empty for a GET. */
  body: string;
}

/** Result of checking the vendor's signature on a response. */
export type SignatureCheck = 'valid' | 'missing' | 'invalid';

/** MD5 of one line of JSON with its keys in this order, as {@link https://docs.sgate.sa the vendor's "Signature Rules"} require. */
export function digestOf({ apiKey, timestamp, nonce, url, method, body }: Signed): string {
  const line = JSON.stringify({ api_key: apiKey, timestamp, nonce_str: nonce, url, method, body });
  return createHash('md5').update(line).digest('hex');
}

/** `MD5withRSA` over the 32 characters of the digest, in Base64. */
export function signatureOf(signed: Signed, key: KeyObject): string {
  return sign('RSA-MD5', Buffer.from(digestOf(signed)), key).toString('base64');
}

export function isSignatureOf(signed: Signed, signature: string, key: KeyObject): boolean {
  return verify('RSA-MD5', Buffer.from(digestOf(signed)), key, Buffer.from(signature, 'base64'));
}

/** Signs requests as the merchant and verifies the vendor's signature on responses. */
export class SgateSignature {
  readonly #apiKey: Secret;
  readonly #merchantKey: KeyObject;
  readonly #systemKey: KeyObject;
  readonly #maxSkewSeconds: number;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: { apiKey: string; privateKey: string; systemPublicKey: string; maxSkewSeconds: number }) {
    this.#apiKey = Secret.key(options.apiKey, 'apiKey');
    this.#merchantKey = privateKeyOf(options.privateKey);
    this.#systemKey = publicKeyOf(options.systemPublicKey);
    this.#maxSkewSeconds = options.maxSkewSeconds;
    if (this.#systemKey.equals(createPublicKey(this.#merchantKey))) {
      throw new OtpConfigError(
        '"systemPublicKey" must be the public key that SGate shows you, not your own public key.',
      );
    }
    this.#assertUsable();
  }

  /** Signature headers of a request. */
  headers(method: Signed['method'], url: string, body: string): HttpFields {
    const timestamp = secondsNow();
    const nonce = randomUUID().replaceAll('-', '');
    const signed = { apiKey: this.#apiKey.expose(), timestamp, nonce, url, method, body };
    return {
      'V-Api-Key': this.#apiKey,
      'V-Api-Version': '1',
      'V-Timestamp': String(timestamp),
      'V-Nonce-Str': nonce,
      // Displayed masked: with the public key, a million codes could be tested against it.
      'V-Signature': new Secret(signatureOf(signed, this.#merchantKey)),
    };
  }

  /** Verifies a response, which is signed over the request's own method and URL. Its timestamp may deviate by `maxSkewSeconds`. */
  verifyAnswer({ headers, text: body }: HttpAnswer, method: Signed['method'], url: string): SignatureCheck {
    const signature = headers.get('V-Signature') ?? '';
    if (signature === '') return 'missing';

    const timestamp = headers.get('V-Timestamp') ?? '';
    const nonce = headers.get('V-Nonce-Str') ?? '';
    if (!/^[1-9]\d{0,11}$/.test(timestamp) || nonce === '') return 'invalid';
    if (Math.abs(secondsNow() - Number(timestamp)) > this.#maxSkewSeconds) return 'invalid';
    const signed = { apiKey: this.#apiKey.expose(), timestamp: Number(timestamp), nonce, url, method, body };
    return isSignatureOf(signed, signature, this.#systemKey) ? 'valid' : 'invalid';
  }

  /** Node.js in FIPS mode refuses MD5. This fails at start-up instead of at the first code. */
  #assertUsable(): void {
    try {
      this.headers('GET', '/', '');
    } catch {
      throw new OtpConfigError(
        '"privateKey" cannot sign: SGate requires RSA with MD5, which this Node.js refuses. Turn FIPS mode off.',
      );
    }
  }
}

function privateKeyOf(pem: unknown): KeyObject {
  const key = parseKey(pem, createPrivateKey);
  if (key) return key;
  throw new OtpConfigError(
    '"privateKey" must be your RSA private key of 2048 bits or more in PEM ("-----BEGIN PRIVATE KEY-----"), without a passphrase.',
  );
}

function publicKeyOf(pem: unknown): KeyObject {
  const isPrivate = typeof pem === 'string' && pem.includes('PRIVATE KEY'); // Node.js would derive the public key from it
  const key = isPrivate ? undefined : parseKey(pem, createPublicKey);
  if (key) return key;
  throw new OtpConfigError(
    '"systemPublicKey" must be SGate\'s RSA public key of 2048 bits or more in PEM ("-----BEGIN PUBLIC KEY-----").',
  );
}

/** A PEM from an environment variable often contains a literal `\n` instead of line breaks. */
function parseKey(pem: unknown, parse: (pem: string) => KeyObject): KeyObject | undefined {
  try {
    const key = parse((pem as string).replaceAll('\\n', '\n'));
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    return key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 ? key : undefined;
  } catch {
    return undefined; // the parser's error could quote the key
  }
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1000);
}
