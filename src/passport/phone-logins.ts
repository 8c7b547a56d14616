import type { HostAccounts } from '../accounts/host-accounts.js';
import type { PhoneAccount } from '../accounts/phone-accounts.js';
import type { Auditor } from '../audit/auditor.js';
import type { Database } from '../database/database.js';
import { grantInvalid, type Grants, type Proof } from '../grants/grants.js';
import { clientOf, headerOf, type IncomingRequest } from '../http/incoming.js';
import type { VerifiedNumbers } from '../numbers/verified-numbers.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { BuiltInPurpose } from '../config/purposes.js';
import type { OtpService } from '../challenges/otp.service.js';
import { maskPhone } from '../phone/mask.js';
import { PHONE_AMR } from './amr.js';

/** Result of a login by code, which the guard sets as `user` on the request. */
export interface PhoneLoginResult {
  /** The account that is logged in. */
  account: PhoneAccount;
  /** The proved number, in canonical E.164. */
  phone: string;
  /** `amr` claim for your token (RFC 8176). */
  amr: readonly string[];
  /** When the code was verified: `auth_time` claim for your token. */
  authTime: Date;
  /** True if this login created the account (option `registerOnLogin`). */
  registered: boolean;
}

interface Parts {
  otp: OtpService;
  grants: Grants;
  numbers: VerifiedNumbers;
  accounts: HostAccounts;
  database: Database;
  events: EventSink;
  auditor: Auditor;
  registerOnLogin: boolean;
  dormantAfterDays: number;
}

const PURPOSE = 'login' satisfies BuiltInPurpose;

/** Finds or creates the account for the phone that a request proves. */
export class PhoneLogins {
  constructor(private readonly parts: Parts) {}

  /**
   * @param request has a grant of purpose `login` in the header `OTP-Grant`, or `challenge` and `code` in its body
   * @throws {@link OtpError} as `verify` and `Grants.consume`, and `other_factor_needed` for a dormant number
   */
  async logIn(request: IncomingRequest): Promise<PhoneLoginResult> {
    const { grants, accounts, registerOnLogin, dormantAfterDays: dormantDays } = this.parts;
    const { grant, phone } = await this.#provePhone(request);
    let account = await accounts.find(phone, PURPOSE);
    if (account === null && registerOnLogin) {
      const registered = await this.#register(grant, phone);
      if (registered) return registered;
      account = await accounts.find(phone, PURPOSE);
    }
    if (account === null) throw grantInvalid();
    const used = await grants.logIn(grant, { purpose: PURPOSE }, { owner: account.id, dormantDays });
    await this.#admit(account, used, request);
    return loginResult(account, used.proof, false);
  }

  /** The phone that the request proves, by a grant or a code. */
  async #provePhone(request: IncomingRequest): Promise<{ grant: string; phone: string }> {
    const { otp, grants, accounts } = this.parts;
    const grant = headerOf(request, 'otp-grant');
    if (grant !== undefined) return { grant, phone: (await grants.check(grant, { purpose: PURPOSE })).phone };

    const { challenge, code } = typedCode(request.body);
    if (challenge === undefined || code === undefined) {
      throw new OtpError('grant_required', 'A login needs "challenge" and "code", or a grant in the header OTP-Grant.');
    }
    return otp.verify({ challenge, code, purpose: PURPOSE, client: clientOf(request, accounts) });
  }

  /**
   * Creates the account, binds the number and uses the grant in one transaction. Returns undefined if a concurrent login
   * registered the number: either the ledger reports it, or the host's table fails with an error of its own.
   */
  async #register(grant: string, phone: string): Promise<PhoneLoginResult | undefined> {
    const { database, grants, numbers, accounts } = this.parts;
    try {
      return await database.transaction(async (transaction) => {
        const proof = await grants.consume(grant, { purpose: PURPOSE }, transaction);
        const account = await accounts.register(proof.phone, transaction);
        await numbers.bind(proof, account.id, transaction);
        return loginResult(account, proof, true);
      });
    } catch (error) {
      const isRegistered = error instanceof OtpError && error.code === 'phone_already_activated';
      if (isRegistered || (await accounts.find(phone, PURPOSE)) !== null) return undefined;
      throw error;
    }
  }

  /** Admits the login. After `dormantAfterDays` the number may have a new owner, so the account must prove another factor too. */
  async #admit(
    { id }: PhoneAccount,
    { proof, bound, dormant }: { proof: Proof; bound: boolean; dormant: boolean },
    request: IncomingRequest,
  ): Promise<void> {
    const { numbers, accounts, events, auditor } = this.parts;
    const { phone, challengeId } = proof;
    if (!bound && accounts.awaitsFirstProof) return this.#bindFirst(id, proof);
    if (!dormant) return;
    if ((await accounts.otherFactor(id, PURPOSE, request)) !== 'proved') {
      const refused = { event: 'dormant_refused', outcome: 'other_factor_needed' } as const;
      auditor.note({ ...refused, purpose: PURPOSE, account: id, phone, challengeId });
      events.emit('otp.dormant_refused', { owner: id, phone: maskPhone(phone) });
      throw new OtpError('other_factor_needed', 'This number has been inactive too long. Use another sign-in method.');
    }
    const admitted = await numbers.prove(phone, id, true);
    if (!admitted.bound) throw grantInvalid(); // released while "PhoneAccounts.otherFactor" ran
  }

  /**
   * Binds a number that only the host's table assigns to the account. This is allowed for the account's first number, which
   * this login proves, or a concurrent one just did.
   */
  async #bindFirst(id: string, proof: Proof): Promise<void> {
    const { database, numbers } = this.parts;
    const before = await numbers.history({ owner: id });
    if (before.length > 0) {
      // Not bound again: if the number was released in the meantime, it stays released.
      const { bound } = await numbers.prove(proof.phone, id);
      if (!bound) throw grantInvalid();
      return;
    }
    await database.transaction(async (transaction) => {
      const { heldUntil } = await numbers.bind(proof, id, transaction);
      if (heldUntil !== null) throw grantInvalid(); // another number was proved in the meantime
    });
  }
}

/** Reads both without validation; `verify` validates them. */
export function typedCode(body: unknown): { challenge?: string; code?: string } {
  return typeof body === 'object' && body !== null ? body : {};
}

function loginResult(account: PhoneAccount, { phone, provedAt }: Proof, registered: boolean): PhoneLoginResult {
  return { account, phone, amr: PHONE_AMR, authTime: provedAt, registered };
}
