import type { ModuleRef } from '@nestjs/core';

import type { OtpTransaction } from '../database/transaction.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import type { PurposeRules } from '../config/purposes.js';
import { type Caller, Callers } from './callers.js';
import { type OtherFactor, type PhoneAccount, PhoneAccounts } from './phone-accounts.js';
import { provided } from './provided.js';

/** Where the host says nothing, the ledger does. */
interface Ledger {
  ownerOf(phone: string, transaction?: OtpTransaction): Promise<string | null>;
}

/** Somebody about to use what they proved. */
export interface Prover {
  /** Null where there was no account yet. */
  readonly account: string | null;
  readonly phone: string;
  readonly purpose: string;
}

/** A method of the host that does not answer holds a caller no longer than the database may (LIM-21). */
const PATIENCE_MS = 5_000;

/** The host's side of the module: its ports, found when they are needed, never waited for too long. */
export class HostAccounts {
  readonly #accounts: () => PhoneAccounts | undefined;
  readonly #callers: () => Callers | undefined;

  constructor(
    host: ModuleRef,
    private readonly ledger: Ledger,
    private readonly purposes: ReadonlyMap<string, PurposeRules>,
  ) {
    this.#accounts = provided(host, PhoneAccounts);
    this.#callers = provided(host, Callers);
  }

  async find(phone: string, purpose: string, transaction?: OtpTransaction): Promise<PhoneAccount | null> {
    const accounts = this.#accounts();
    if (accounts) {
      const found = accounts.findByPhone(phone, purpose, ...given(transaction));
      return (await answered('PhoneAccounts.findByPhone', found)) ?? null;
    }
    const owner = await this.ledger.ownerOf(phone, transaction);
    return owner === null ? null : { id: owner };
  }

  /** Whether whoever proved a phone may still use that. Without the host's word: yes, since the database asks the ledger. */
  async mayUse({ account, phone, purpose }: Prover, transaction?: OtpTransaction): Promise<boolean> {
    const accounts = this.#accounts();
    if (!accounts) return true;
    if (account !== null) {
      // A method that forgets to answer has not said yes.
      if (!accounts.mayUse) return true;
      return (
        (await answered('PhoneAccounts.mayUse', accounts.mayUse(account, purpose, ...given(transaction)))) === true
      );
    }
    return (
      this.purposes.get(purpose)?.account !== 'required' || (await this.find(phone, purpose, transaction)) !== null
    );
  }

  /** Whether {@link HostAccounts.mayUse} asks the host. */
  mayRefuse({ account, purpose }: Pick<Prover, 'account' | 'purpose'>): boolean {
    const accounts = this.#accounts();
    if (!accounts) return false;
    return account === null ? this.purposes.get(purpose)?.account === 'required' : accounts.mayUse !== undefined;
  }

  async otherFactor(subject: string, purpose: string, request: unknown): Promise<OtherFactor> {
    const asked = this.#accounts()?.otherFactor?.(subject, purpose, request);
    return (await answered('PhoneAccounts.otherFactor', asked)) ?? 'none';
  }

  async register(phone: string, transaction: OtpTransaction): Promise<PhoneAccount> {
    const accounts = this.#accounts();
    if (accounts?.register) return answered('PhoneAccounts.register', accounts.register(phone, transaction));
    throw new OtpConfigError('"registerOnLogin" needs a "PhoneAccounts" with a method "register".');
  }

  /** Lets the host drop what was made for an account before anybody proved a number of it. */
  async firstProof(account: string, phone: string, transaction: OtpTransaction): Promise<void> {
    await answered('PhoneAccounts.firstProof', this.#accounts()?.firstProof?.(account, phone, transaction));
  }

  /** Whether the host leaves it to the ledger which numbers are proved. */
  get awaitsFirstProof(): boolean {
    return this.#accounts()?.firstProof !== undefined;
  }

  /** Whether `register` can work, for the check at start-up. */
  get canRegister(): boolean {
    return this.#accounts()?.register !== undefined;
  }

  /** Who is signed in; null for nobody, and where no `Callers` are provided. */
  async caller(request: unknown): Promise<Caller | null> {
    const caller = await answered('Callers.identify', this.#callers()?.identify(request));
    if (!caller) return null;
    const { subject, session } = caller;
    return { subject, ...(session !== undefined && { session }) };
  }

  get knowsCallers(): boolean {
    return this.#callers() !== undefined;
  }
}

/** The host's answer, if it comes in time: what hangs must not hold a request, and nothing is granted meanwhile. */
export async function answered<T>(
  method: string,
  answer: Promise<T> | T,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = new Error(`${method} did not answer within ${patienceMs / 1000} s`);
      reject(new OtpError('service_unavailable', 'The application did not answer. Try again later.', { cause }));
    }, patienceMs);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Left out where there is none, so that a host's method sees the arguments that it knows. */
function given(transaction: OtpTransaction | undefined): [] | [OtpTransaction] {
  return transaction === undefined ? [] : [transaction];
}
