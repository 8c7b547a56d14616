import { randomFillSync } from 'node:crypto';

/** Bytes per call of the system's generator. One call costs about as much as hashing a message, regardless of the size. */
const POOL_BYTES = 4096;

const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let used = POOL_BYTES;

/** Draws random bytes for secrets and ids. Each byte is returned once and wiped from the pool. */
export function drawBytes(count: number): Buffer {
  if (count > POOL_BYTES) throw new RangeError(`"count" must be at most ${POOL_BYTES} bytes`);
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = Buffer.from(pool.subarray(used, used + count));
  pool.fill(0, used, used + count);
  used += count;
  return drawn;
}
