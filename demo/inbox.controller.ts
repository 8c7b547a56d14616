import { Body, Controller, Get, HttpCode, type MessageEvent, Post, Query, Sse } from '@nestjs/common';
import { ApiConflictResponse, ApiOkResponse, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import type { Observable } from 'rxjs';

import { type Fault, FAULTS, Vendors } from './vendors.js';

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

class VendorDto {
  @ApiProperty({ example: 'taqnyat' })
  id: string;
  @ApiProperty({ example: 'Taqnyat Verify' })
  title: string;
  @ApiPropertyOptional({ description: 'A number that it serves, if it serves only some.', example: '+966512345678' })
  example?: string;
  @ApiProperty()
  simulated: boolean;
}

class VendorsDto {
  @ApiProperty({ type: [VendorDto] })
  vendors: VendorDto[];
  @ApiProperty({ description: 'The id of the vendor that sends the codes.', example: 'taqnyat' })
  current: string;
  @ApiProperty({ enum: Object.keys(FAULTS) })
  fault: Fault;
}

class UseVendorDto {
  @ApiProperty({ example: 'taqnyat' })
  @IsString()
  @MaxLength(32)
  id: string;
}

class BreakDto {
  @ApiProperty({ enum: Object.keys(FAULTS) })
  @IsIn(Object.keys(FAULTS))
  fault: Fault;
}

/**
 * Shows the demo's phone, the traffic with its vendor, and the vendor itself, to anyone. Not for a real application.
 */
@ApiTags('Demo')
@Controller('demo')
export class InboxController {
  constructor(private readonly vendors: Vendors) {}

  /** The messages that phones would have received, newest first. */
  @Get('inbox')
  @ApiOkResponse({ type: InboxDto })
  inbox(@Query() { phone }: InboxQuery): InboxDto {
    // An unescaped "+" arrives as a space.
    return { messages: this.vendors.inbox.messages(phone?.replace(/^[+ ]?/, '+')) };
  }

  /** What was sent to the vendor and what it answered, newest first, with keys and codes masked. */
  @Get('wire')
  @ApiOkResponse({ type: WireDto })
  wire(): WireDto {
    return { exchanges: this.vendors.wire.exchanges };
  }

  /** The same as live events: "message" and "exchange", and "vendors" when the vendor or its fault changes. */
  @Sse('events')
  events(): Observable<MessageEvent> {
    return this.vendors.live.events;
  }

  /** The vendors to choose from, and the one in use. */
  @Get('vendors')
  @ApiOkResponse({ type: VendorsDto })
  state(): VendorsDto {
    return this.vendors.state;
  }

  /** Switches to another vendor for the codes requested from now on. */
  @Post('vendors')
  @HttpCode(200)
  @ApiOkResponse({ type: VendorsDto })
  use(@Body() { id }: UseVendorDto): VendorsDto {
    this.vendors.use(id);
    return this.vendors.state;
  }

  /** Breaks the simulated vendor, or repairs it with "none". */
  @Post('faults')
  @HttpCode(200)
  @ApiOkResponse({ type: VendorsDto })
  @ApiConflictResponse({ description: 'The vendor is not simulated.' })
  break(@Body() { fault }: BreakDto): VendorsDto {
    this.vendors.break(fault);
    return this.vendors.state;
  }
}
