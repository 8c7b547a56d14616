import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { ApiConflictResponse, ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { maskPhone } from 'nestjs-phone-otp';

import { Accounts } from './accounts.js';
import { TakesGrant } from './grant-header.js';
import { AskedLocale } from './locale.js';
import type { Session } from './session.entity.js';
import { CurrentSession, SignedIn } from './signed-in.js';

class ChangeNumberDto {
  @ApiProperty({ description: 'From /otp/verify, with purpose "verify_number" and the new phone.' })
  @IsString()
  @MaxLength(64)
  newNumberGrant: string;
}

class ChangedNumberDto {
  @ApiProperty({ example: '+966*******79' })
  phone: string;
  @ApiProperty({ description: 'Until then it confirms neither a transfer nor a password reset.' })
  heldUntil: Date | null;
}

@ApiTags('Bank')
@Controller('numbers')
export class NumbersController {
  constructor(private readonly accounts: Accounts) {}

  /** Moves the customer to another phone, with a code from each phone. Ends all their other sessions. */
  @Post('change')
  @HttpCode(200)
  @SignedIn()
  @TakesGrant('change_number')
  @ApiOkResponse({ type: ChangedNumberDto })
  @ApiConflictResponse({ description: 'phone_already_activated' })
  async change(
    @CurrentSession() session: Session,
    @Headers('OTP-Grant') currentNumberGrant: string,
    @Body() { newNumberGrant }: ChangeNumberDto,
    @AskedLocale() locale: string | undefined,
  ): Promise<ChangedNumberDto> {
    const grants = { currentNumberGrant, newNumberGrant };
    const { phone, heldUntil } = await this.accounts.changeNumber(session, grants, locale);
    return { phone: maskPhone(phone), heldUntil };
  }
}
