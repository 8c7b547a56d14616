import { createHmac } from 'node:crypto';

/** A pepper as bytes, under the id that rows keep. */
export interface ResolvedPepper {
  readonly id: string;
  readonly secret: Buffer;
}

/** A MAC and the id of the pepper that made it. */
export interface StoredMac {
  readonly keyId: string;
  readonly mac: Buffer;
}

/**
 * Joins fields into bytes, each preceded by its length, so that two different lists never give the same bytes. Otherwise
 * ("ab", "c") and ("a", "bc") would have the same hash.
 */
export function frame(fields: readonly (string | Uint8Array)[]): Buffer {
  const parts = fields.map((field) => Buffer.from(field as string));
  const framed = Buffer.allocUnsafe(parts.reduce((size, { length }) => size + 4 + length, 0));
  let end = 0;
  for (const part of parts) {
    end = framed.writeUInt32BE(part.length, end);
    end += part.copy(framed, end);
  }
  return framed;
}

/** Hashes values that must be found but not be readable (the phone of a counter, a device key, a session) into 16 bytes. */
export class KeyedHash {
  readonly #secret: Buffer;

  constructor(peppers: readonly ResolvedPepper[]) {
    // Adding a pepper in front must not reset the counters, so they use the oldest pepper until it is removed.
    const oldest = peppers.toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))[0]!;
    this.#secret = createHmac('sha256', oldest.secret).update('nestjs-phone-otp keyed hash').digest();
  }

  of(...fields: readonly string[]): Buffer {
    return createHmac('sha256', this.#secret).update(frame(fields)).digest().subarray(0, 16);
  }

  /** The hash of a phone number in the audit, in counters and in lockouts. */
  ofPhone(phone: string): Buffer {
    return this.of('phone', phone);
  }

  /** The hash of an account in counters and lockouts. */
  ofAccount(account: string): Buffer {
    return this.of('account', account);
  }
}
