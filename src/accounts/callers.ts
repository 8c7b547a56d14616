/** The signed-in account behind a request. */
export interface Caller {
  /** Your application's id of the account. */
  subject: string;
  /** The login session. A challenge and its grant are then valid in this session only. */
  session?: string;
}

/**
 * Tells the ready-made routes which account is signed in. Provide a class under this token anywhere in the application. Without
 * it, purposes that need an account answer `sign_in_required`.
 */
export abstract class Callers {
  /**
   * Identifies the signed-in account of a request.
   * @param request the platform's request object (Express, Fastify)
   * @returns null for a request without a valid session
   */
  abstract identify(request: unknown): Promise<Caller | null>;
}
