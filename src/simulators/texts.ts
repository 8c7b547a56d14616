/** The code in a text that somebody else wrote, or nothing. */
export function codeIn(text: string): string {
  return /(?<!\d)\d{4,8}(?!\d)/.exec(text)?.[0] ?? '';
}
