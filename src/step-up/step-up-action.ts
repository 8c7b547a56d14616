import type { ExecutionContext } from '@nestjs/common';

import type { Caller } from '../accounts/callers.js';
import type { Action } from '../challenges/action.js';

/** The call that needs confirmation. */
export interface StepUpCall {
  /** The platform's request (Express, Fastify), with the properties that earlier guards set. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as in Nest: its type is the platform's, which the host knows
  request: any;
  /** The signed-in caller. */
  caller: Caller;
  /** Access to everything else, such as the arguments of a GraphQL field: `execution.getArgByIndex(1)`. */
  execution: ExecutionContext;
}

/**
 * Defines what a call confirms. Extend it for each kind of record, provide the class in any module, and pass it to
 * `@StepUp('transaction', TransferAction)`.
 */
export abstract class StepUpAction {
  /**
   * Loads the record that the request refers to. Read it from your database, never from the request body. It is called before
   * a message is sent and again before a grant is used. To refuse, throw an `HttpException`: 404 for another account's record,
   * 409 for one that is already executed. Then no message is sent and no grant is used.
   */
  abstract load(call: StepUpCall): Promise<Action> | Action;
}
