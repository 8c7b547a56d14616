/**
 * Parses a vendor's JSON strictly; returns `undefined` if it is invalid. Numbers are never rounded: a number that is not a
 * plain safe integer (`1.0e1`, `77.5`, or beyond 2^53) is returned as its original text. So a result code has only one
 * spelling, and amounts keep their digits.
 */
export function readJson(text: string): unknown {
  try {
    JSON.parse(text); // the token pattern below is reliable only in valid JSON
    return JSON.parse(text.replace(STRING_OR_NUMBER, (token) => (isExact(token) ? token : `"${token}"`)));
  } catch {
    return undefined;
  }
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

function isExact(token: string): boolean {
  return token.startsWith('"') || (/^-?\d+$/.test(token) && Number.isSafeInteger(Number(token)));
}

/** Reads a value by its path through own properties; `undefined` if a step is missing, `null`, or not an object. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  const found = path.reduce<unknown>(
    (at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    value,
  );
  return found ?? undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
