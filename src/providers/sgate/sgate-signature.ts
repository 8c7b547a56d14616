import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';

import { OtpConfigError } from '../../errors/otp.error.js';
import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { HttpFields } from '../provider-kit/http-request.js';
import { Secret } from '../provider-kit/secret.js';

/** What the vendor signs of a request, and of the answer to it. */
export interface Signed {
  apiKey: string;
  /** Seconds since 1970. */
  timestamp: number;
  nonce: string;
  /** Path and query, without host. */
  url: string;
  method: 'GET' | 'POST';
  /** The body as it travels; of a GET nothing. */
  body: string;
}

/** Whose word an answer is: the vendor's, nobody's, or somebody else's. */
export type Seal = 'signed' | 'unsigned' | 'broken';

/** MD5 of one line of JSON whose keys stand in this order, as {@link https://docs.sgate.sa the vendor's "Signature Rules"} want it. */
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

/** Signs requests as the merchant, and tells the vendor's answers from others. */
export class SgateSignature {
  readonly #apiKey: Secret;
  readonly #merchantKey: KeyObject;
  readonly #systemKey: KeyObject;
  readonly #maxSkewSeconds: number;

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(options: { apiKey: string; privateKey: string; systemPublicKey: string; maxSkewSeconds: number }) {
    this.#apiKey = Secret.key(options.apiKey, 'apiKey');
    this.#merchantKey = privateKeyOf(options.privateKey);
    this.#systemKey = publicKeyOf(options.systemPublicKey);
    this.#maxSkewSeconds = options.maxSkewSeconds;
    if (this.#systemKey.equals(createPublicKey(this.#merchantKey))) {
      throw new OtpConfigError('"systemPublicKey" must be the key that SGate shows you, not your own public key.');
    }
    this.#assertUsable();
  }

  headers(method: Signed['method'], url: string, body: string): HttpFields {
    const timestamp = secondsNow();
    const nonce = randomUUID().replaceAll('-', '');
    const signed = { apiKey: this.#apiKey.expose(), timestamp, nonce, url, method, body };
    return {
      'V-Api-Key': this.#apiKey,
      'V-Api-Version': '1',
      'V-Timestamp': String(timestamp),
      'V-Nonce-Str': nonce,
      // Who has the public key could try a million codes against it.
      'V-Signature': new Secret(signatureOf(signed, this.#merchantKey)),
    };
  }

  /** An answer is signed over the request's own method and URL, and is good for a few minutes. */
  sealOf({ headers, text: body }: HttpAnswer, method: Signed['method'], url: string): Seal {
    const signature = headers.get('V-Signature') ?? '';
    if (signature === '') return 'unsigned';

    const timestamp = headers.get('V-Timestamp') ?? '';
    const nonce = headers.get('V-Nonce-Str') ?? '';
    if (!/^[1-9]\d{0,11}$/.test(timestamp) || nonce === '') return 'broken';
    if (Math.abs(secondsNow() - Number(timestamp)) > this.#maxSkewSeconds) return 'broken';
    const signed = { apiKey: this.#apiKey.expose(), timestamp: Number(timestamp), nonce, url, method, body };
    return isSignatureOf(signed, signature, this.#systemKey) ? 'signed' : 'broken';
  }

  /** Node in FIPS mode refuses MD5: better at start-up than at the first code. */
  #assertUsable(): void {
    try {
      this.headers('GET', '/', '');
    } catch {
      throw new OtpConfigError(
        '"privateKey" must be able to sign MD5 with RSA, which this Node.js refuses (FIPS mode?).',
      );
    }
  }
}

function privateKeyOf(pem: unknown): KeyObject {
  const key = parsed(pem, createPrivateKey);
  if (key) return key;
  throw new OtpConfigError(
    '"privateKey" must be your RSA private key of 2048 bits or more in PEM ("-----BEGIN PRIVATE KEY-----"), without a passphrase.',
  );
}

function publicKeyOf(pem: unknown): KeyObject {
  const isPrivate = typeof pem === 'string' && pem.includes('PRIVATE KEY'); // would be taken for its public half
  const key = isPrivate ? undefined : parsed(pem, createPublicKey);
  if (key) return key;
  throw new OtpConfigError(
    '"systemPublicKey" must be SGate\'s RSA public key of 2048 bits or more in PEM ("-----BEGIN PUBLIC KEY-----").',
  );
}

/** From the environment a PEM often comes with `\n` in place of its line breaks. */
function parsed(pem: unknown, parse: (pem: string) => KeyObject): KeyObject | undefined {
  try {
    const key = parse((pem as string).replaceAll('\\n', '\n'));
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    return key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 ? key : undefined;
  } catch {
    return undefined; // what the parser says could quote the key
  }
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1000);
}
