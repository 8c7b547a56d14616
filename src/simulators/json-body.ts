/** The fields of a request's JSON object; of other JSON none; `undefined` where it is no JSON. */
export function jsonBody(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return undefined;
  }
}
