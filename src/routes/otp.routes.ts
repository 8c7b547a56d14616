import {
  Body,
  type CanActivate,
  type ExecutionContext,
  HttpCode,
  Inject,
  Injectable,
  type OnModuleInit,
  Post,
  Req,
  SetMetadata,
  type Type,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import type { Caller } from '../accounts/callers.js';
import { HostAccounts } from '../accounts/host-accounts.js';
import { OtpError } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { PurposeRules } from '../config/purposes.js';
import type { Client } from '../challenges/otp.requests.js';
import { OtpService } from '../challenges/otp.service.js';
import { ResendDto, StartDto, StartedDto, VerifiedDto, VerifyDto } from './dto.js';
import { clientOf, type IncomingRequest } from '../http/incoming.js';
import { bodyPipe, JsonOnlyGuard } from './json-body.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpProblemFilter } from '../http/problem.filter.js';
import { partOfModule } from '../http/part-of-module.js';
import { SETTINGS } from '../http/tokens.js';
import { VerifyThrottle } from '../http/verify-throttle.js';

export const ROUTES_OPTIONS = Symbol('nestjs-phone-otp routes');

/** Response metadata for the host's Swagger module, set without importing its decorator. */
const Answers = (status: number, type: Type<unknown>) =>
  SetMetadata('swagger/apiResponse', { [status]: { type, description: '' } });

/** Resolves the throttle of `OtpModule`, because Nest instantiates guards in the module of the routes. */
@Injectable()
class VerifyGuard implements CanActivate {
  constructor(private readonly modules: ModuleRef) {}

  canActivate(context: ExecutionContext): Promise<boolean> {
    return partOfModule(this.modules, VerifyThrottle, 'OtpRoutesModule').canActivate(context);
  }
}

/** The ready-made routes. `OtpRoutesModule` mounts them under your prefix. */
@UseGuards(JsonOnlyGuard)
@UseFilters(OtpProblemFilter)
@UsePipes(bodyPipe)
export class OtpRoutes implements OnModuleInit {
  #otp: OtpService;
  #accounts: HostAccounts;
  #settings: OtpSettings;

  constructor(
    private readonly modules: ModuleRef,
    @Inject(ROUTES_OPTIONS) private readonly options: OtpRoutesOptions,
  ) {}

  /** @throws OtpConfigError if no module imports `OtpModule`, or `@nestjs/throttler` is not installed */
  async onModuleInit(): Promise<void> {
    const part = <Part>(token: Type<Part> | symbol) => partOfModule<Part>(this.modules, token, 'OtpRoutesModule');
    this.#otp = part(OtpService);
    this.#accounts = part(HostAccounts);
    this.#settings = part(SETTINGS);
    await part(VerifyThrottle).load('OtpRoutesModule');
  }

  @Post('start')
  @HttpCode(202)
  @Answers(202, StartedDto)
  async start(@Body() { phone, purpose, locale }: StartDto, @Req() request: IncomingRequest): Promise<StartedDto> {
    const rules = this.#rulesOf(purpose);
    if (rules.startedBy === 'host' || rules.startedBy === 'login') {
      throw new OtpError('purpose_refused', 'Only the application itself can start this purpose.');
    }
    const caller = await this.#callerFor(rules, request);
    return this.#otp.start({ phone, purpose, client: this.#clientOf(request), ...(locale && { locale }), ...caller });
  }

  @Post('resend')
  @HttpCode(202)
  @Answers(202, StartedDto)
  async resend(@Body() { challenge }: ResendDto, @Req() request: IncomingRequest): Promise<StartedDto> {
    return this.#otp.resend({ challenge, client: this.#clientOf(request) });
  }

  @Post('verify')
  @HttpCode(200)
  @Answers(200, VerifiedDto)
  @UseGuards(VerifyGuard)
  async verify(@Body() { challenge, code, purpose }: VerifyDto, @Req() request: IncomingRequest): Promise<VerifiedDto> {
    const caller = await this.#callerFor(this.#rulesOf(purpose), request);
    const client = this.#clientOf(request);
    const { grant, expiresAt } = await this.#otp.verify({ challenge, code, purpose, client, ...caller });
    return { grant, expiresAt };
  }

  #rulesOf(purpose: string): PurposeRules {
    const rules = this.#settings.purposes.get(purpose);
    if (rules) return rules;
    throw new OtpError('request_invalid', 'The body is not valid for this route. Check "purpose".');
  }

  /** The caller, if the purpose requires one. For purposes that anyone may start it is ignored, so that responses do not depend on it; during a login nobody is signed in yet. */
  async #callerFor({ startedBy }: PurposeRules, request: unknown): Promise<Caller | undefined> {
    if (startedBy === 'anyone' || startedBy === 'login') return undefined;
    const caller = await this.#accounts.caller(request);
    if (caller) return caller;
    throw new OtpError('sign_in_required', 'This purpose requires a signed-in account. Sign in first.');
  }

  #clientOf(request: IncomingRequest): Client {
    const deviceKey = this.options.deviceKey?.(request);
    return { ...clientOf(request, this.#accounts), ...(deviceKey !== undefined && { deviceKey }) };
  }
}
