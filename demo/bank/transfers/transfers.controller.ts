import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { StepUp, type StepUpGrant, SteppedUp } from 'nestjs-phone-otp';

import { TakesGrant } from '../grant-header.js';
import type { Session } from '../session.entity.js';
import { CurrentSession, SignedIn } from '../signed-in.js';
import { TransferAction } from './transfer-action.js';
import { ConfirmedDto, OrderDto, TransferDto, TransfersDto } from './transfer.dto.js';
import { Transfers } from './transfers.js';

@ApiTags('Bank')
@Controller('transfers')
@SignedIn()
export class TransfersController {
  constructor(private readonly transfers: Transfers) {}

  /** Prepares a transfer, which then awaits confirmation. */
  @Post()
  @ApiCreatedResponse({ type: TransferDto })
  async prepare(@CurrentSession() { user }: Session, @Body() order: OrderDto): Promise<TransferDto> {
    return TransferDto.of(await this.transfers.prepare(user.id, order));
  }

  /** The customer's own transfers, newest first. */
  @Get()
  @ApiOkResponse({ type: TransfersDto })
  async list(@CurrentSession() { user }: Session): Promise<TransfersDto> {
    return { transfers: (await this.transfers.listOf(user.id)).map((transfer) => TransferDto.of(transfer)) };
  }

  @Get(':id')
  @ApiOkResponse({ type: TransferDto })
  @ApiNotFoundResponse({ description: 'Not a transfer of this customer.' })
  async one(@CurrentSession() { user }: Session, @Param('id') id: string): Promise<TransferDto> {
    return TransferDto.of(await this.transfers.find(id, user.id));
  }

  /**
   * Executes a transfer. Without a grant, it sends a message that names amount and payee to the customer's phone and
   * returns the challenge. With the grant from that challenge, the same call executes the transfer, once.
   */
  @Post(':id/confirm')
  @HttpCode(200)
  @StepUp('transaction', TransferAction, { consume: 'handler' })
  @TakesGrant('transaction', { required: false })
  @ApiOkResponse({ type: ConfirmedDto })
  @ApiForbiddenResponse({ description: 'phone_missing, phone_on_hold, phone_unconfirmed' })
  @ApiNotFoundResponse({ description: 'Not a transfer of this customer.' })
  @ApiConflictResponse({ description: 'Already executed.' })
  async confirm(@Param('id') id: string, @SteppedUp() grant: StepUpGrant): Promise<ConfirmedDto> {
    const { status } = TransferDto.of(await this.transfers.execute(id, grant));
    return { status };
  }
}
