/** Returns the code in a text that the application wrote, if any. */
export function codeIn(text: string): string {
  return /(?<!\d)\d{4,8}(?!\d)/.exec(text)?.[0] ?? '';
}
