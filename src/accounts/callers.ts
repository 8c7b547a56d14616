/** The signed-in account behind a request. */
export interface Caller {
  /** The host's id of the account. */
  subject: string;
  /** The login session; a challenge and its grant then fit this session only. */
  session?: string;
}

/**
 * Tells the ready-made routes who is signed in. Provide a class under this token anywhere in the application; without
 * one, purposes that belong to an account answer `sign_in_required`.
 */
export abstract class Callers {
  /** @returns null for a request without a valid session. `request` is the platform's own (Express, Fastify). */
  abstract identify(request: unknown): Promise<Caller | null>;
}
