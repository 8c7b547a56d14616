import { Body, Controller, Headers, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import {
  ApiForbiddenResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
} from '@nestjs/swagger';
import { OtpService, StepUp, type StepUpGrant, SteppedUp, stepUpRequired } from 'nestjs-phone-otp';

import { AccessTokenDto } from '../auth.dto.js';
import { TakesGrant } from '../grant-header.js';
import { AskedLocale } from '../locale.js';
import { Sessions } from '../sessions.js';
import type { BankRequest } from '../signed-in.js';
import { PasswordThrottlerGuard } from './password-throttler.guard.js';
import { NewPasswordDto, PasswordLoginDto } from './password.dto.js';
import { Passwords } from './passwords.js';

@ApiTags('Bank')
@Controller('auth/password')
export class PasswordController {
  constructor(
    private readonly passwords: Passwords,
    private readonly otp: OtpService,
    private readonly sessions: Sessions,
  ) {}

  /**
   * Logs in with two factors: a right password is answered with a challenge, and with its grant the same call opens a
   * session. The session whose token comes along, if any, ends.
   */
  @Post('login')
  @HttpCode(200)
  @UseGuards(PasswordThrottlerGuard)
  @TakesGrant('second_factor', { required: false })
  @ApiOkResponse({ type: AccessTokenDto })
  @ApiTooManyRequestsResponse({ description: 'too_many_requests, otp_too_soon' })
  async login(
    @Body() { phone, password }: PasswordLoginDto,
    @Headers('OTP-Grant') grant: string | undefined,
    @Req() request: BankRequest,
    @AskedLocale() locale: string | undefined,
  ): Promise<AccessTokenDto> {
    const customer = await this.passwords.check(phone, password);
    if (grant === undefined) {
      const purpose = 'second_factor';
      const client = { address: request.ip ?? 'unknown' };
      const subject = customer.user.id;
      const started = await this.otp.start({ purpose, phone: customer.phone, subject, client, locale, reuse: true });
      throw stepUpRequired(purpose, started);
    }
    return { accessToken: await this.passwords.login(customer, grant, await this.sessions.of(request)) };
  }

  /** Sets a new password, ends all sessions of the account, and tells its phone. It logs nobody in. */
  @Post('reset')
  @HttpCode(204)
  @StepUp('password_reset', { consume: 'handler' })
  @TakesGrant('password_reset')
  @ApiNoContentResponse()
  @ApiForbiddenResponse({ description: 'other_factor_needed' })
  reset(
    @Body() { password }: NewPasswordDto,
    @SteppedUp() grant: StepUpGrant,
    @AskedLocale() locale: string | undefined,
  ): Promise<void> {
    return this.passwords.reset(grant, password, locale);
  }
}
