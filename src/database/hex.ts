/** The hex form of bytes in a request. */
export function hex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}
