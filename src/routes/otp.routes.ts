import {
  Body,
  HttpCode,
  Inject,
  Post,
  Req,
  SetMetadata,
  type Type,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';

import type { Caller } from '../accounts/callers.js';
import { HostAccounts } from '../accounts/host-accounts.js';
import { OtpError } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { PurposeRules } from '../config/purposes.js';
import type { Client } from '../challenges/otp.requests.js';
import { OtpService } from '../challenges/otp.service.js';
import { ResendDto, StartDto, StartedDto, VerifiedDto, VerifyDto } from './dto.js';
import { clientOf, type IncomingRequest } from '../http/incoming.js';
import { bodyPipe, JsonOnlyGuard } from '../http/json-body.js';
import type { OtpRoutesOptions } from './otp-routes.options.js';
import { OtpProblemFilter } from '../http/problem.filter.js';
import { HTTP_SETTINGS, ROUTES_OPTIONS } from '../http/tokens.js';
import { VerifyThrottlerGuard } from '../http/verify-throttler.guard.js';

/** What the host's Swagger shows as the answer: its own decorator does the same, but would have to be imported. */
const Answers = (status: number, type: Type<unknown>) =>
  SetMetadata('swagger/apiResponse', { [status]: { type, description: '' } });

/** The ready-made routes. `otpHttp` makes a controller of them under the host's prefix. */
@UseGuards(JsonOnlyGuard)
@UseFilters(OtpProblemFilter)
@UsePipes(bodyPipe)
export class OtpRoutes {
  constructor(
    private readonly otp: OtpService,
    @Inject(HTTP_SETTINGS) private readonly settings: OtpSettings,
    @Inject(ROUTES_OPTIONS) private readonly options: OtpRoutesOptions,
    private readonly accounts: HostAccounts,
  ) {}

  @Post('start')
  @HttpCode(202)
  @Answers(202, StartedDto)
  async start(@Body() { phone, purpose, locale }: StartDto, @Req() request: IncomingRequest): Promise<StartedDto> {
    const rules = this.#rulesOf(purpose);
    if (rules.startedBy === 'host' || rules.startedBy === 'login') {
      throw new OtpError('purpose_refused', 'This purpose is started by the application itself.');
    }
    const caller = await this.#callerFor(rules, request);
    return this.otp.start({ phone, purpose, client: this.#clientOf(request), ...(locale && { locale }), ...caller });
  }

  @Post('resend')
  @HttpCode(202)
  @Answers(202, StartedDto)
  async resend(@Body() { challenge }: ResendDto, @Req() request: IncomingRequest): Promise<StartedDto> {
    return this.otp.resend({ challenge, client: this.#clientOf(request) });
  }

  @Post('verify')
  @HttpCode(200)
  @Answers(200, VerifiedDto)
  @UseGuards(VerifyThrottlerGuard)
  async verify(@Body() { challenge, code, purpose }: VerifyDto, @Req() request: IncomingRequest): Promise<VerifiedDto> {
    const caller = await this.#callerFor(this.#rulesOf(purpose), request);
    const client = this.#clientOf(request);
    const { grant, expiresAt } = await this.otp.verify({ challenge, code, purpose, client, ...caller });
    return { grant, expiresAt };
  }

  #rulesOf(purpose: string): PurposeRules {
    const rules = this.settings.purposes.get(purpose);
    if (rules) return rules;
    throw new OtpError('request_invalid', 'The body does not fit this route. Check "purpose".');
  }

  /** Whoever starts a purpose that is open to anyone is nobody, signed in or not: the answers must not differ. During a login nobody is signed in yet. */
  async #callerFor({ startedBy }: PurposeRules, request: unknown): Promise<Caller | undefined> {
    if (startedBy === 'anyone' || startedBy === 'login') return undefined;
    const caller = await this.accounts.caller(request);
    if (caller) return caller;
    throw new OtpError('sign_in_required', 'This purpose belongs to a signed-in account. Sign in first.');
  }

  #clientOf(request: IncomingRequest): Client {
    const deviceKey = this.options.deviceKey?.(request);
    return { ...clientOf(request), ...(deviceKey !== undefined && { deviceKey }) };
  }
}
