import type { Action } from '../challenges/action.js';
import type { OtpTransaction } from '../database/transaction.js';
import type { GrantExpectation, Grants, Proof } from '../grants/grants.js';

/** What a call behind `@StepUp` brought along: the handler gets it by `@SteppedUp()`. */
export class StepUpGrant {
  #proof: Proof | undefined;

  constructor(
    /** The account that stepped up. */
    readonly subject: string,
    private readonly grants: Grants,
    private readonly grant: string,
    private readonly expectation: GrantExpectation,
  ) {}

  /**
   * Uses the grant in the host's transaction: it is used if and only if that commits. With `consume: 'handler'` the
   * handler must call it; without, the guard did.
   * @param action the record, read again under the lock that its execution holds. Left out where `@StepUp` names no action.
   * @throws {@link OtpError} `grant_invalid`, also when the record has changed since it was confirmed · `service_unavailable`
   */
  async consume(transaction?: OtpTransaction, action?: Action): Promise<Proof> {
    const { action: named, ...who } = this.expectation;
    if (named !== undefined && action === undefined && transaction !== undefined) {
      throw new TypeError('StepUpGrant.consume() needs the action, read again inside the transaction.');
    }
    const confirmed = action ?? named;
    this.#proof = await this.grants.consume(
      this.grant,
      { ...who, ...(confirmed && { action: confirmed }) },
      transaction,
    );
    return this.#proof;
  }

  /** What was proved, once it is used. */
  get proof(): Proof | undefined {
    return this.#proof;
  }
}
