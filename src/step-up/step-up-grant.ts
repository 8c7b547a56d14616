import type { Action } from '../challenges/action.js';
import type { OtpTransaction } from '../database/transaction.js';
import type { GrantExpectation, Grants, Proof } from '../grants/grants.js';

/** The grant of a call with `@StepUp`. The handler receives it by `@SteppedUp()`. */
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
   * Uses the grant in your transaction: it is used if and only if the transaction commits. With `consume: 'handler'` the
   * handler must call this method; otherwise the guard already has.
   * @param action the record, read again under the lock that its execution holds. Omit it if `@StepUp` has no action.
   * @throws {@link OtpError} `grant_invalid`, also if the record has changed since it was confirmed · `service_unavailable`
   */
  async consume(transaction?: OtpTransaction, action?: Action): Promise<Proof> {
    const { action: expected, ...expectation } = this.expectation;
    if (expected !== undefined && action === undefined && transaction !== undefined) {
      throw new TypeError(
        '"StepUpGrant.consume()" needs the action: read the record again inside the transaction and pass it.',
      );
    }
    const confirmed = action ?? expected;
    this.#proof = await this.grants.consume(
      this.grant,
      { ...expectation, ...(confirmed && { action: confirmed }) },
      transaction,
    );
    return this.#proof;
  }

  /** The proof, after the grant is used; undefined before. */
  get proof(): Proof | undefined {
    return this.#proof;
  }
}
