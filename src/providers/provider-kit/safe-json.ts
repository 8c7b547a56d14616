/**
 * Reads a vendor's JSON, or gives `undefined`. Nothing is tolerated, and nothing is rounded: a number not written as a
 * plain whole one (`1.0e1`, `77.5`, one past 2^53) stays the text it was written as, so that no other spelling of a
 * result code can pass for it, and amounts keep their digits.
 */
export function readJson(text: string): unknown {
  try {
    JSON.parse(text); // only in what is valid JSON do the tokens below say what they seem to say
    return JSON.parse(text.replace(STRING_OR_NUMBER, (token) => (isExact(token) ? token : `"${token}"`)));
  } catch {
    return undefined;
  }
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

function isExact(token: string): boolean {
  return token.startsWith('"') || (/^-?\d+$/.test(token) && Number.isSafeInteger(Number(token)));
}

/** A value by its path through the objects' own properties; `undefined` where one is missing, `null`, or no object. */
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
