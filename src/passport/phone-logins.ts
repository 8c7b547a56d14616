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

/** A login by code, as the guard puts it on the request as `user`. */
export interface PhoneLoginResult {
  account: PhoneAccount;
  /** Canonical E.164. */
  phone: string;
  /** For the host's token (RFC 8176). */
  amr: readonly string[];
  /** When the code was verified: `auth_time` of the host's token. */
  authTime: Date;
  /** The account was made just now (option `registerOnLogin`). */
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

/** Turns what a request proves about a phone into the account that is logged in. */
export class PhoneLogins {
  constructor(private readonly parts: Parts) {}

  /**
   * @param request carries a grant of purpose `login` in the header `OTP-Grant`, or `challenge` and `code` in its body
   * @throws {@link OtpError} as `verify` and `Grants.consume`, and `other_factor_needed` for a dormant account
   */
  async logIn(request: IncomingRequest): Promise<PhoneLoginResult> {
    const { grants, accounts, registerOnLogin, dormantAfterDays: dormantDays } = this.parts;
    const { grant, phone } = await this.#proved(request);
    let account = await accounts.find(phone, PURPOSE);
    if (account === null && registerOnLogin) {
      const registered = await this.#register(grant, phone);
      if (registered) return registered;
      account = await accounts.find(phone, PURPOSE);
    }
    if (account === null) throw grantInvalid();
    const used = await grants.logIn(grant, { purpose: PURPOSE }, { owner: account.id, dormantDays });
    await this.#admit(account, used, request);
    return loggedIn(account, used.proof, false);
  }

  /** The phone that a request proves, by a grant or by a code. */
  async #proved(request: IncomingRequest): Promise<{ grant: string; phone: string }> {
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
   * Account, number and grant in one transaction. Undefined when somebody registered the number in the same moment, which
   * the ledger may say, or the host's own table by an error that only the host could read.
   */
  async #register(grant: string, phone: string): Promise<PhoneLoginResult | undefined> {
    const { database, grants, numbers, accounts } = this.parts;
    try {
      return await database.transaction(async (transaction) => {
        const proof = await grants.consume(grant, { purpose: PURPOSE }, transaction);
        const account = await accounts.register(proof.phone, transaction);
        await numbers.bind(proof, account.id, transaction);
        return loggedIn(account, proof, true);
      });
    } catch (error) {
      const taken = error instanceof OtpError && error.code === 'phone_already_activated';
      if (taken || (await accounts.find(phone, PURPOSE)) !== null) return undefined;
      throw error;
    }
  }

  /** The proof of the number was dated anew, unless the one before was so long ago that the number may be somebody else's by now. */
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
      throw new OtpError('other_factor_needed', 'This number was not used for a long time: log in in another way.');
    }
    const admitted = await numbers.prove(phone, id, true);
    if (!admitted.bound) throw grantInvalid(); // released while the host was asked
  }

  /**
   * Only the host says that this number is the account's. That may be so for its very first one, which is proved now, or
   * was by a login at the same time.
   */
  async #bindFirst(id: string, proof: Proof): Promise<void> {
    const { database, numbers } = this.parts;
    const before = await numbers.history({ owner: id });
    if (before.length > 0) {
      // Not bound once more: whoever let go of the number since then meant that.
      const { bound } = await numbers.prove(proof.phone, id);
      if (!bound) throw grantInvalid();
      return;
    }
    await database.transaction(async (transaction) => {
      const { heldUntil } = await numbers.bind(proof, id, transaction);
      if (heldUntil !== null) throw grantInvalid(); // it joins another number, which was proved in between
    });
  }
}

/** Both as they came: whether they make sense is for `verify` to say. */
export function typedCode(body: unknown): { challenge?: string; code?: string } {
  return typeof body === 'object' && body !== null ? body : {};
}

function loggedIn(account: PhoneAccount, { phone, provedAt }: Proof, registered: boolean): PhoneLoginResult {
  return { account, phone, amr: PHONE_AMR, authTime: provedAt, registered };
}
