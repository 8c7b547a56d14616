import { Body, Controller, Headers, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
} from '@nestjs/swagger';
import { OtpService, StepUp, type StepUpGrant, SteppedUp, stepUpRequired } from 'nestjs-phone-otp';

import type { Response } from 'express';

import { AccessTokenDto } from '../access-token.dto.js';
import { DeviceCookie, keepDevice } from '../devices/device-cookie.js';
import { TakesGrant } from '../grant-header.js';
import { AskedLocale } from '../locale.js';
import { Sessions } from '../sessions.js';
import type { BankRequest } from '../signed-in.js';
import { PasswordThrottlerGuard } from './password-throttler.guard.js';
import { NewPasswordDto, PasswordLoginDto, RecoveredLoginDto, RecoveryLoginDto } from './password.dto.js';
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
   * Logs in with two factors: a right password returns a challenge, and the same call with its grant opens a session.
   * Ends the session whose token the request carries, if any. On a trusted device (`Trust-Device`, sent with the
   * grant), the password is enough.
   */
  @Post('login')
  @HttpCode(200)
  @UseGuards(PasswordThrottlerGuard)
  @TakesGrant('second_factor', { required: false })
  @ApiHeader({
    name: 'Trust-Device',
    required: false,
    description: 'Name for this device; logins on it then need no code for 30 days.',
  })
  @ApiOkResponse({ type: AccessTokenDto })
  @ApiTooManyRequestsResponse({ description: 'too_many_requests, otp_too_soon' })
  async login(
    @Body() { phone, password }: PasswordLoginDto,
    @Headers('OTP-Grant') grant: string | undefined,
    @Headers('Trust-Device') label: string | undefined,
    @DeviceCookie() deviceToken: string | undefined,
    @Req() request: BankRequest,
    @Res({ passthrough: true }) response: Response,
    @AskedLocale() locale: string | undefined,
  ): Promise<AccessTokenDto> {
    const customer = await this.passwords.check(phone, password);
    const instead = await this.sessions.of(request);
    if (grant === undefined) {
      const trusted = deviceToken === undefined ? null : await this.passwords.loginOn(deviceToken, customer, instead);
      if (trusted) {
        if (trusted.device) keepDevice(response, trusted.device);
        return { accessToken: trusted.accessToken };
      }
      const purpose = 'second_factor';
      const client = { address: request.ip ?? 'unknown' };
      const subject = customer.user.id;
      const started = await this.otp.start({ purpose, phone: customer.phone, subject, client, locale, reuse: true });
      throw stepUpRequired(purpose, started);
    }
    const { accessToken, device } = await this.passwords.login(customer, grant, { instead, trust: label });
    if (device) keepDevice(response, device);
    return { accessToken };
  }

  /** Logs in with a recovery code as the second factor, for customers who lost their phone. */
  @Post('login/recovery')
  @HttpCode(200)
  @UseGuards(PasswordThrottlerGuard)
  @ApiOkResponse({ type: RecoveredLoginDto })
  @ApiBadRequestResponse({ description: 'code_malformed, recovery_code_invalid' })
  @ApiTooManyRequestsResponse({ description: 'too_many_requests, locked_out' })
  async recover(
    @Body() { phone, password, recoveryCode }: RecoveryLoginDto,
    @Req() request: BankRequest,
    @AskedLocale() locale: string | undefined,
  ): Promise<RecoveredLoginDto> {
    const customer = await this.passwords.check(phone, password);
    const { grant, remaining } = await this.passwords.recover(customer, recoveryCode, locale);
    const instead = await this.sessions.of(request);
    const { accessToken } = await this.passwords.login(customer, grant, { instead });
    return { accessToken, remaining };
  }

  /** Sets a new password, ends all sessions of the account, and notifies its phone. Does not log in. */
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
