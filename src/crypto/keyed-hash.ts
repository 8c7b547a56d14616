import { createHmac } from 'node:crypto';

/** A pepper as bytes, under the id that rows keep. */
export interface ResolvedPepper {
  readonly id: string;
  readonly secret: Buffer;
}

/** A MAC with the id of the pepper that made it. */
export interface StoredMac {
  readonly keyId: string;
  readonly mac: Buffer;
}

/**
 * Joins fields so that no two different lists give the same bytes: each is preceded by its length.
 * Without it ("ab", "c") and ("a", "bc") would hash alike.
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

/** Turns what must be looked up but not be readable (a counter's number, a device key, a session) into 16 bytes. */
export class KeyedHash {
  readonly #secret: Buffer;

  constructor(peppers: readonly ResolvedPepper[]) {
    // Counters must not start anew when a pepper is added in front: they stay under the oldest one until it is taken out.
    const oldest = peppers.toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))[0]!;
    this.#secret = createHmac('sha256', oldest.secret).update('nestjs-phone-otp keyed hash').digest();
  }

  of(...fields: readonly string[]): Buffer {
    return createHmac('sha256', this.#secret).update(frame(fields)).digest().subarray(0, 16);
  }

  /** What stands for a number in the audit, and in counters and lockouts. */
  ofPhone(phone: string): Buffer {
    return this.of('phone', phone);
  }

  /** What stands for an account in counters and lockouts. */
  ofAccount(account: string): Buffer {
    return this.of('account', account);
  }
}
