/** Returns the fields of a request's JSON object, no fields for other JSON, `undefined` for invalid JSON. */
export function jsonBody(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return undefined;
  }
}
