import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

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

/** The phone of the demo: what it would have received, for whoever asks. Nothing for a real application. */
@ApiTags('Demo')
@Controller('demo')
export class InboxController {
  constructor(private readonly sms: CapturingProvider) {}

  /** The captured messages, newest first. */
  @Get('inbox')
  @ApiOkResponse({ type: InboxDto })
  inbox(@Query() { phone }: InboxQuery): InboxDto {
    // A "+" that was not escaped arrives as a space.
    const messages = this.sms.messages(phone?.replace(/^[+ ]?/, '+'));
    return { messages: messages.map(({ id, phone: to, text, sentAt }) => ({ id, to, text, sentAt })) };
  }
}
