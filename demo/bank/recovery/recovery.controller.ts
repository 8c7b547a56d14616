import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
} from '@nestjs/swagger';
import { RecoveryCodes, StepUp } from 'nestjs-phone-otp';

import { TakesGrant } from '../grant-header.js';
import { AskedLocale } from '../locale.js';
import type { Session } from '../session.entity.js';
import { CurrentSession, SignedIn } from '../signed-in.js';
import { RecoveredDto, RecoveryCodeDto, RecoveryCodesDto, RemainingDto, ReplacedCodesDto } from './recovery.dto.js';

/** Recovery codes on paper, for a lost phone. */
@ApiTags('Bank')
@Controller('auth/recovery-codes')
@SignedIn()
export class RecoveryController {
  constructor(private readonly recovery: RecoveryCodes) {}

  /** Shows ten new codes, once; earlier codes stop working. */
  @Post()
  @StepUp('recovery_codes')
  @TakesGrant('recovery_codes', { required: false })
  @ApiCreatedResponse({ type: RecoveryCodesDto })
  @ApiForbiddenResponse({ description: 'phone_missing, phone_on_hold, phone_unconfirmed' })
  async issue(@CurrentSession() { user }: Session): Promise<RecoveryCodesDto> {
    return { codes: await this.recovery.issue(user.id) };
  }

  /** Shows a replacement for each used code, once; the others stay valid. */
  @Post('replace')
  @HttpCode(200)
  @StepUp('recovery_codes')
  @TakesGrant('recovery_codes', { required: false })
  @ApiOkResponse({ type: ReplacedCodesDto })
  @ApiForbiddenResponse({ description: 'phone_missing, phone_on_hold, phone_unconfirmed' })
  async replaceUsed(@CurrentSession() { user }: Session): Promise<ReplacedCodesDto> {
    return { codes: await this.recovery.replaceUsed(user.id) };
  }

  /** The number of unused codes. */
  @Get()
  @ApiOkResponse({ type: RemainingDto })
  async remaining(@CurrentSession() { user }: Session): Promise<RemainingDto> {
    return { remaining: await this.recovery.remaining(user.id) };
  }

  /** Uses a code instead of the lost phone: with the grant, the customer moves to another number. */
  @Post('use')
  @HttpCode(200)
  @ApiOkResponse({ type: RecoveredDto })
  @ApiBadRequestResponse({ description: 'code_malformed, recovery_code_invalid' })
  @ApiForbiddenResponse({ description: 'phone_missing' })
  @ApiTooManyRequestsResponse({ description: 'locked_out' })
  use(
    @CurrentSession() { id: session, user }: Session,
    @Body() { code }: RecoveryCodeDto,
    @AskedLocale() locale: string | undefined,
  ): Promise<RecoveredDto> {
    return this.recovery.use(user.id, code, { purpose: 'change_number', session, ...(locale && { locale }) });
  }
}
