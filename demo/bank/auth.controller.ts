import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';

import { Accounts } from './accounts.js';
import { AccessTokenDto, LoginDto, RegisterDto } from './auth.dto.js';

@ApiTags('Bank')
@Controller('auth')
export class AuthController {
  constructor(private readonly accounts: Accounts) {}

  /** Opens an account for the phone that the grant proved. */
  @Post('register')
  @ApiHeader({ name: 'OTP-Grant', required: true, description: 'From /otp/verify, with purpose "registration".' })
  @ApiCreatedResponse({ type: AccessTokenDto })
  @ApiUnauthorizedResponse({ description: 'grant_required, grant_invalid' })
  @ApiConflictResponse({ description: 'phone_already_activated' })
  async register(@Headers('OTP-Grant') grant: string, @Body() body: RegisterDto): Promise<AccessTokenDto> {
    return { accessToken: await this.accounts.register(grant, body) };
  }

  /** Logs in with a grant of purpose "login", or with challenge and code at once. */
  @Post('login')
  @HttpCode(200)
  @ApiHeader({ name: 'OTP-Grant', required: false, description: 'From /otp/verify, with purpose "login".' })
  @ApiOkResponse({ type: AccessTokenDto })
  @ApiUnauthorizedResponse({ description: 'grant_required, grant_invalid' })
  async login(@Headers('OTP-Grant') grant: string, @Body() body?: LoginDto): Promise<AccessTokenDto> {
    const { challenge, code } = body ?? {};
    const accessToken =
      grant === undefined && challenge !== undefined && code !== undefined
        ? await this.accounts.loginWithCode(challenge, code)
        : await this.accounts.login(grant);
    return { accessToken };
  }
}
