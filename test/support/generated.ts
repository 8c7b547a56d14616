/** A document whose part between two markers is this text. Prettier leaves it as it is. */
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

/** The lines between which a part of a page is generated. */
export function markers(what: string, source: string): readonly [begin: string, end: string] {
  return [`<!-- ${what}: "npm run docs" writes this from ${source}; do not edit it here -->`, `<!-- /${what} -->`];
}

/** Rows of a table, the head first. */
export function table([head, ...rows]: readonly (readonly string[])[]): string {
  return [head!, head!.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`the document has lost its marker ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
