import type { ModuleRef } from '@nestjs/core';

import type { OtpTransaction } from '../database/transaction.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import type { PurposeRules } from '../config/purposes.js';
import { type Caller, Callers } from './callers.js';
import { type OtherFactor, type PhoneAccount, PhoneAccounts } from './phone-accounts.js';
import { hostInstance } from './host-instance.js';

/** The ledger, which decides if the host provides no `PhoneAccounts`. */
interface Ledger {
  ownerOf(phone: string, transaction?: OtpTransaction): Promise<string | null>;
}

/** A verified challenge or a grant that is about to be used. */
export interface Prover {
  /** Null if there was no account yet. */
  readonly account: string | null;
  readonly phone: string;
  readonly purpose: string;
}

/** Time limit for a method of the host, the same as for the database. */
const TIMEOUT_MS = 5_000;

/** Calls the ports that the host provides. They are looked up at first use, and every call has a time limit. */
export class HostAccounts {
  readonly #accounts: () => PhoneAccounts | undefined;
  readonly #callers: () => Callers | undefined;

  constructor(
    host: ModuleRef,
    private readonly ledger: Ledger,
    private readonly purposes: ReadonlyMap<string, PurposeRules>,
  ) {
    this.#accounts = hostInstance(host, PhoneAccounts);
    this.#callers = hostInstance(host, Callers);
  }

  async find(phone: string, purpose: string, transaction?: OtpTransaction): Promise<PhoneAccount | null> {
    const accounts = this.#accounts();
    if (accounts) {
      const account = accounts.findByPhone(phone, purpose, ...optional(transaction));
      return (await withTimeout('PhoneAccounts.findByPhone', account)) ?? null;
    }
    const owner = await this.ledger.ownerOf(phone, transaction);
    return owner === null ? null : { id: owner };
  }

  /** Whether the account or phone may still use its proof. Without `PhoneAccounts`: yes, since the database checks the ledger. */
  async mayUse({ account, phone, purpose }: Prover, transaction?: OtpTransaction): Promise<boolean> {
    const accounts = this.#accounts();
    if (!accounts) return true;
    if (account !== null) {
      if (!accounts.mayUse) return true;
      const answer = accounts.mayUse(account, purpose, ...optional(transaction));
      return (await withTimeout('PhoneAccounts.mayUse', answer)) === true; // a method that returns nothing does not allow it
    }
    return (
      this.purposes.get(purpose)?.account !== 'required' || (await this.find(phone, purpose, transaction)) !== null
    );
  }

  /** Whether {@link HostAccounts.mayUse} calls the host. */
  mayRefuse({ account, purpose }: Pick<Prover, 'account' | 'purpose'>): boolean {
    const accounts = this.#accounts();
    if (!accounts) return false;
    return account === null ? this.purposes.get(purpose)?.account === 'required' : accounts.mayUse !== undefined;
  }

  async otherFactor(subject: string, purpose: string, request: unknown): Promise<OtherFactor> {
    const answer = this.#accounts()?.otherFactor?.(subject, purpose, request);
    return (await withTimeout('PhoneAccounts.otherFactor', answer)) ?? 'none';
  }

  async register(phone: string, transaction: OtpTransaction): Promise<PhoneAccount> {
    const accounts = this.#accounts();
    if (accounts?.register) return withTimeout('PhoneAccounts.register', accounts.register(phone, transaction));
    throw registerMissing();
  }

  /** Lets the host remove everything created for an account before its first number was proved. */
  async firstProof(account: string, phone: string, transaction: OtpTransaction): Promise<void> {
    await withTimeout('PhoneAccounts.firstProof', this.#accounts()?.firstProof?.(account, phone, transaction));
  }

  /** Whether the host implements `firstProof`. */
  get awaitsFirstProof(): boolean {
    return this.#accounts()?.firstProof !== undefined;
  }

  /** Whether the host implements `register`, for the start-up check. */
  get canRegister(): boolean {
    return this.#accounts()?.register !== undefined;
  }

  /** Returns the signed-in account; null if there is none, or if no `Callers` class is provided. */
  async caller(request: unknown): Promise<Caller | null> {
    const caller = await withTimeout('Callers.identify', this.#callers()?.identify(request));
    if (!caller) return null;
    const { subject, session } = caller;
    return { subject, ...(session !== undefined && { session }) };
  }

  /** The client's address, as the host reads it or else as the platform does. */
  addressOf(request: { ip?: string }): string {
    return this.#callers()?.addressOf?.(request) || request.ip || 'unknown';
  }

  get knowsCallers(): boolean {
    return this.#callers() !== undefined;
  }
}

/** `registerOnLogin` is set, but the host's `PhoneAccounts` cannot register anybody. */
export function registerMissing(): OtpConfigError {
  return new OtpConfigError('"registerOnLogin" needs a "PhoneAccounts" with the method "register": provide one.');
}

/**
 * Waits for the host's answer, with a time limit: a method that hangs must not hold a request. Nothing is granted meanwhile.
 * @throws {@link OtpError} `service_unavailable` if the answer takes too long
 */
export async function withTimeout<T>(
  method: string,
  answer: Promise<T> | T,
  timeoutMs: number = TIMEOUT_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = new Error(`${method} did not answer within ${timeoutMs / 1000} s`);
      reject(new OtpError('service_unavailable', 'The application did not answer. Try again later.', { cause }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Omits a missing transaction, so that the host's method receives no extra `undefined` argument. */
function optional(transaction: OtpTransaction | undefined): [] | [OtpTransaction] {
  return transaction === undefined ? [] : [transaction];
}
