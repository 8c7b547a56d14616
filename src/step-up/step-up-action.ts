import type { ExecutionContext } from '@nestjs/common';

import type { Caller } from '../accounts/callers.js';
import type { Action } from '../challenges/action.js';

/** The call that asks for confirmation. */
export interface StepUpCall {
  /** The platform's own request (Express, Fastify), with what guards before this one put on it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as in Nest: its type is the platform's, which the host knows
  request: any;
  /** Who is signed in. */
  caller: Caller;
  /** For whatever else is needed, such as the arguments of a GraphQL field: `execution.getArgByIndex(1)`. */
  execution: ExecutionContext;
}

/**
 * States what exactly a call confirms. Extend it for each kind of record, provide the class anywhere in the application,
 * and name it in `@StepUp('transaction', TransferAction)`.
 */
export abstract class StepUpAction {
  /**
   * Loads the record that the request names, as it is stored: never from what the request says of it. It is asked before a
   * message is sent and again before a grant is taken, and may refuse by throwing an `HttpException`: 404 for a record of
   * somebody else, 409 for one that was executed already. Then nothing is sent and no grant is spent.
   */
  abstract load(call: StepUpCall): Promise<Action> | Action;
}
