/** The signed-in account behind a request. */
export interface Caller {
  /** Your application's id of the account. */
  subject: string;
  /** The login session. A challenge and its grant are then valid in this session only. */
  session?: string;
}

/**
 * Tells the module who calls: which account is signed in and, if `request.ip` does not say, from which address. Provide a class under this token anywhere in the application. Without
 * it, purposes that need an account answer `sign_in_required`.
 */
export abstract class Callers {
  /**
   * Identifies the signed-in account of a request.
   * @param request the platform's request object (Express, Fastify)
   * @returns null for a request without a valid session
   */
  abstract identify(request: unknown): Promise<Caller | null>;

  /**
   * Reads the client's address, which the limits per address count. Implement it if `request.ip` is not the client, for example behind a
   * CDN with a header of its own. Trust only what your proxies set: a client that can choose its address evades these limits.
   * @param request the platform's request object (Express, Fastify)
   * @returns undefined to use `request.ip`, which honours "trust proxy"
   */
  addressOf?(request: unknown): string | undefined;
}
