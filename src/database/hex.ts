/** Bytes as they travel in a request. */
export function hex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}
