import { Body, Controller, Headers, HttpCode, Post, Req } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { LoggedIn, PhoneLogin, type PhoneLoginResult } from 'nestjs-phone-otp';

import { AccessTokenDto } from './access-token.dto.js';
import { Accounts } from './accounts.js';
import { LoginDto, RegisterDto } from './auth.dto.js';
import { TakesGrant } from './grant-header.js';
import { Sessions } from './sessions.js';
import type { BankRequest } from './signed-in.js';

@ApiTags('Bank')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
  ) {}

  /** Opens an account for the phone that the grant proved. */
  @Post('register')
  @TakesGrant('registration')
  @ApiCreatedResponse({ type: AccessTokenDto })
  @ApiConflictResponse({ description: 'phone_already_activated' })
  async register(
    @Headers('OTP-Grant') grant: string,
    @Body() body: RegisterDto,
    @Req() request: BankRequest,
  ): Promise<AccessTokenDto> {
    return { accessToken: await this.accounts.register(grant, body, await this.sessions.of(request)) };
  }

  /**
   * Logs in with challenge and code, or with a grant of purpose "login" instead of a body. Ends the session whose token
   * the request carries, if any.
   */
  @Post('login')
  @HttpCode(200)
  @PhoneLogin()
  @TakesGrant('login', { required: false })
  @ApiOkResponse({ type: AccessTokenDto })
  @ApiBadRequestResponse({ description: 'otp_invalid, otp_unavailable, code_malformed' })
  @ApiForbiddenResponse({ description: 'other_factor_needed' })
  async login(
    @LoggedIn() { account, amr, authTime }: PhoneLoginResult,
    @Body() _body: LoginDto, // the guard reads these fields; here, unknown fields are refused
    @Req() request: BankRequest,
  ): Promise<AccessTokenDto> {
    const instead = await this.sessions.of(request);
    return { accessToken: await this.sessions.open({ userId: account.id, amr, authTime, instead }) };
  }
}
