import { type ExecutionContext, HttpException, Scope, type Type } from '@nestjs/common';
import { ContextIdFactory, type ModuleRef } from '@nestjs/core';

import type { Caller } from '../accounts/callers.js';
import { type HostAccounts, withTimeout } from '../accounts/host-accounts.js';
import type { Action } from '../challenges/action.js';
import { grantInvalid, type Grants } from '../grants/grants.js';
import { clientOf, headerOf, type IncomingRequest, isUnsafe, requestOf } from '../http/incoming.js';
import { type ProblemException, refusedByHost, stepUpRequired } from '../http/problem.exception.js';
import type { VerifiedNumbers } from '../numbers/verified-numbers.js';
import { OtpError } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { StartedChallenge } from '../challenges/otp.requests.js';
import type { OtpService } from '../challenges/otp.service.js';
import type { StepUpAction } from './step-up-action.js';
import { StepUpGrant } from './step-up-grant.js';
import type { StepUpMetadata } from './step-up.metadata.js';

interface Parts {
  otp: OtpService;
  grants: Grants;
  numbers: VerifiedNumbers;
  accounts: HostAccounts;
  settings: OtpSettings;
  host: ModuleRef;
}

/** Admits calls that need a step-up, or starts the step-up. */
export class StepUps {
  constructor(private readonly parts: Parts) {}

  /** @throws {@link ProblemException} 401 with the started challenge · the refusal of the action, the grant or a limit */
  admit(metadata: StepUpMetadata, context: ExecutionContext): Promise<StepUpGrant> {
    const request = requestOf(context);
    const isPublic = this.parts.settings.purposes.get(metadata.purpose)?.startedBy === 'anyone';
    return isPublic ? this.#admitUnknown(metadata, request) : this.#admitSignedIn(metadata, request, context);
  }

  async #admitSignedIn(
    metadata: StepUpMetadata,
    request: IncomingRequest,
    execution: ExecutionContext,
  ): Promise<StepUpGrant> {
    const caller = await this.parts.accounts.caller(request);
    if (caller === null) throw new OtpError('sign_in_required', 'Sign in first.');
    const action = metadata.action && (await this.#load(metadata.action, { request, caller, execution }));
    const grant = headerOf(request, 'otp-grant');
    if (grant === undefined) {
      const starts = metadata.autoStart && isUnsafe(execution, request);
      throw this.#stepUpRequired(metadata, starts ? await this.#start(metadata, request, caller, action) : undefined);
    }
    const expectation = { purpose: metadata.purpose, ...caller, ...(action && { action }) };
    return this.#useOrCheck(metadata, new StepUpGrant(caller.subject, this.parts.grants, grant, expectation), () =>
      this.parts.grants.check(grant, expectation),
    );
  }

  /** Nobody is signed in, so the proved phone determines the account. */
  async #admitUnknown(metadata: StepUpMetadata, request: IncomingRequest): Promise<StepUpGrant> {
    const { grants, accounts } = this.parts;
    const { purpose } = metadata;
    const grant = headerOf(request, 'otp-grant') ?? '';
    const { phone } = await grants.check(grant, { purpose });
    const account = await accounts.find(phone, purpose);
    if (account === null) throw grantInvalid();
    if ((await accounts.otherFactor(account.id, purpose, request)) === 'missing') {
      throw new OtpError('other_factor_needed', 'A code by SMS is not enough here. Prove your other factor as well.');
    }
    return this.#useOrCheck(metadata, new StepUpGrant(account.id, grants, grant, { purpose }));
  }

  /** Uses the grant, or leaves that to the handler and only checks it, to refuse an invalid grant early. */
  async #useOrCheck(
    { consume }: StepUpMetadata,
    grant: StepUpGrant,
    check?: () => Promise<unknown>,
  ): Promise<StepUpGrant> {
    if (consume === 'guard') await grant.consume();
    else await check?.();
    return grant;
  }

  async #load(type: Type<StepUpAction>, call: Parameters<StepUpAction['load']>[0]): Promise<Action> {
    try {
      return await withTimeout(
        `${type.name}.load`,
        this.#port(type, call.request).then((port) => port.load(call)),
      );
    } catch (error) {
      if (error instanceof HttpException) throw refusedByHost(error);
      throw error;
    }
  }

  /** Resolves the action class, including request-scoped ones. */
  async #port(type: Type<StepUpAction>, request: object): Promise<StepUpAction> {
    const { host } = this.parts;
    return host.introspect(type).scope === Scope.DEFAULT
      ? host.get(type, { strict: false })
      : host.resolve(type, ContextIdFactory.getByRequest(request), { strict: false });
  }

  #stepUpRequired({ purpose }: StepUpMetadata, started: StartedChallenge | undefined): ProblemException {
    return stepUpRequired(purpose, started, this.parts.settings.grantTtlSeconds);
  }

  async #start(
    { purpose }: StepUpMetadata,
    request: IncomingRequest,
    caller: Caller,
    action: Action | undefined,
  ): Promise<StartedChallenge> {
    const [number] = await this.parts.numbers.numbersOf(caller.subject);
    if (!number) throw new OtpError('phone_missing', 'This account has no verified number. Verify one first.');
    const locale = headerOf(request, 'accept-language')?.split(/[,;]/, 1)[0];
    return this.parts.otp.start({
      phone: number.phone,
      purpose,
      client: clientOf(request, this.parts.accounts),
      ...caller,
      ...(action && { action }),
      ...(locale !== undefined && { locale }),
      reuse: true,
    });
  }
}
