/** Replaces the part of a document between two markers. Prettier leaves it unchanged. */
export function withGenerated(document: string, begin: string, end: string, text: string): string {
  const [before, rest] = split(document, begin);
  const [, after] = split(rest, end);
  return [
    before + begin,
    '<!-- prettier-ignore-start -->',
    '',
    text,
    '',
    '<!-- prettier-ignore-end -->',
    end + after,
  ].join('\n');
}

/** The lines around the generated part of a page. */
export function markers(what: string, source: string): readonly [begin: string, end: string] {
  return [`<!-- ${what}: "npm run docs" writes this from ${source}; do not edit it here -->`, `<!-- /${what} -->`];
}

/** Formats a table; the first row is the head. */
export function table([head, ...rows]: readonly (readonly string[])[]): string {
  return [head!, head!.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`the document lacks the marker ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
