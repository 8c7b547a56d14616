import type { ModuleRef } from '@nestjs/core';
import type { EntityManager } from 'typeorm';

import { OtpConfigError, OtpError } from '../otp.error.js';
import type { PurposeRules } from '../otp.purposes.js';
import { type Caller, Callers } from './callers.js';
import { type OtherFactor, type PhoneAccount, PhoneAccounts } from './phone-accounts.js';
import { provided } from './provided.js';

/** Where the host says nothing, the ledger does. */
interface Ledger {
  ownerOf(phone: string): Promise<string | null>;
}

/** Somebody about to use what they proved. */
export interface Prover {
  /** The account, or the phone where there was no account yet. */
  readonly subject: string;
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

  async find(phone: string, purpose: string): Promise<PhoneAccount | null> {
    const accounts = this.#accounts();
    if (accounts) return (await answered('PhoneAccounts.findByPhone', accounts.findByPhone(phone, purpose))) ?? null;
    const owner = await this.ledger.ownerOf(phone);
    return owner === null ? null : { id: owner };
  }

  /** Whether whoever proved a phone may still use that. Without the host's word: yes, since the statements ask the ledger. */
  async mayUse({ subject, phone, purpose }: Prover): Promise<boolean> {
    const accounts = this.#accounts();
    if (!accounts) return true;
    if (subject !== phone) {
      // A method that forgets to answer has not said yes.
      return !accounts.mayUse || (await answered('PhoneAccounts.mayUse', accounts.mayUse(subject, purpose))) === true;
    }
    return this.purposes.get(purpose)?.account !== 'required' || (await this.find(phone, purpose)) !== null;
  }

  async otherFactor(subject: string, purpose: string, request: unknown): Promise<OtherFactor> {
    const asked = this.#accounts()?.otherFactor?.(subject, purpose, request);
    return (await answered('PhoneAccounts.otherFactor', asked)) ?? 'none';
  }

  async register(phone: string, manager: EntityManager): Promise<PhoneAccount> {
    const accounts = this.#accounts();
    if (accounts?.register) return answered('PhoneAccounts.register', accounts.register(phone, manager));
    throw new OtpConfigError('"registerOnLogin" needs a "PhoneAccounts" with a method "register".');
  }

  /** Lets the host drop what was made for an account before anybody proved a number of it. */
  async firstProof(account: string, phone: string, manager: EntityManager): Promise<void> {
    await answered('PhoneAccounts.firstProof', this.#accounts()?.firstProof?.(account, phone, manager));
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
