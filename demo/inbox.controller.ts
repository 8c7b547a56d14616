import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';

import { Vendor } from './vendor.js';

class InboxQuery {
  @ApiPropertyOptional({ description: 'E.164. Without it: all messages.', example: '+966512345678' })
  @IsOptional()
  @Matches(/^[+ ]?[1-9]\d{6,14}$/, { message: 'phone must be a number in E.164 form' })
  phone?: string;
}

class MessageDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ example: '+966512345678' })
  to: string;
  @ApiProperty()
  text: string;
  @ApiProperty()
  sentAt: Date;
}

class InboxDto {
  @ApiProperty({ type: [MessageDto] })
  messages: MessageDto[];
}

class ExchangeDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ example: 'taqnyat-verify' })
  provider: string;
  @ApiProperty({ type: Object })
  request: unknown;
  @ApiProperty({ type: Object })
  response: unknown;
  @ApiProperty({ example: 'sent' })
  outcome: string;
  @ApiProperty()
  ms: number;
  @ApiProperty()
  at: Date;
}

class WireDto {
  @ApiProperty({ type: [ExchangeDto] })
  exchanges: readonly ExchangeDto[];
}

/** The phone of the demo, and the wire to its vendor, for whoever asks. Nothing for a real application. */
@ApiTags('Demo')
@Controller('demo')
export class InboxController {
  constructor(private readonly vendor: Vendor) {}

  /** What phones would have received, newest first. */
  @Get('inbox')
  @ApiOkResponse({ type: InboxDto })
  inbox(@Query() { phone }: InboxQuery): InboxDto {
    // A "+" that was not escaped arrives as a space.
    const messages = this.vendor.messages(phone?.replace(/^[+ ]?/, '+'));
    return { messages: messages.map(({ id, phone: to, text, sentAt }) => ({ id, to, text, sentAt })) };
  }

  /** What the vendor was sent and what it answered, newest first, keys and codes masked. */
  @Get('wire')
  @ApiOkResponse({ type: WireDto })
  wire(): WireDto {
    return { exchanges: this.vendor.wire.exchanges };
  }
}
